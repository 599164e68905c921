"""Begins a version: its type and its sequence are made on the fly. What it holds is announced, sent, and committed afterwards."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server import runs
from runkey_server.artifacts import aliasing, freeing, limiting, naming, store
from runkey_server.artifacts.finding import check, find_artifact, get_artifact, hold_artifact
from runkey_server.artifacts.model import INHERITED_TTL, NO_TTL, Artifact, Collection, Entry, Manifest, ManifestType, Wanted
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error, unavailable
from runkey_server.files import file_name_fault, measure_blobs
from runkey_server.projects import Project, find_project, open_project

MAX_METADATA_CHARACTERS = 1024 * 1024
_MAX_TEXT_CHARACTERS = 64 * 1024
_MAX_TAGS = 100
_MAX_TTL_SECONDS = 100 * 365 * 86_400


def create(transaction: sa.Connection, actor: Actor, wanted: Wanted, at: datetime) -> Artifact:
    """Begin a version; or give the one that was begun by the same call before, by another writer of it, or that holds the same already.

    Raises Error `invalid` for bad names or values, or a sequence that is of another type; `not_found` for a foreign entity or an unknown
    run.
    """
    _check(wanted)
    project = find_project(transaction, actor, wanted.entity, wanted.project or runs.DEFAULT_PROJECT)
    if project is None:
        project, _ = open_project(transaction, actor, wanted.entity, wanted.project or runs.DEFAULT_PROJECT, at)
    check(actor, "write", project.account_id)
    run_id = None
    if wanted.run_name:
        run = runs.find_run(transaction, actor, project.entity, project.name, wanted.run_name)
        if run is None:
            raise Error("not_found", f"There is no run {wanted.run_name[:80]!r} in {project.entity}/{project.name}.")
        run_id = run.id
    sequence = _open_sequence(transaction, project, wanted, at)
    existing = _find_existing(transaction, sequence, wanted)
    if existing is not None:
        if existing.state == "COMMITTED":
            aliasing.name_version(transaction, sequence.id, existing.id, wanted.aliases)
        return existing
    limiting.check_pending(transaction, sequence)
    artifact_id = store.versions.insert_artifact(
        transaction,
        {
            "collection_id": sequence.id,
            "run_id": run_id,
            "state": "PENDING",
            "digest": wanted.digest,
            "description": wanted.description,
            "metadata": wanted.metadata or "{}",
            "tags": sorted(set(wanted.tags)),
            "ttl_seconds": None if wanted.ttl_seconds == INHERITED_TTL else wanted.ttl_seconds,
            "history_step": wanted.history_step,
            "client_id": wanted.client_id,
            "distributed_id": wanted.distributed_id,
            "wanted_aliases": list(wanted.aliases),
            "size_bytes": 0,
            "file_count": 0,
            "created_at": at,
            "updated_at": at,
        },
    )
    return get_artifact(transaction, actor, "write", artifact_id)


def put_manifest(
    transaction: sa.Connection,
    actor: Actor,
    artifact_id: int,
    manifest_type: ManifestType,
    md5: str | None,
    base_artifact_id: int | None,
    at: datetime,
) -> Manifest:
    """Announce a manifest of a pending version. md5: of its bytes, base64; None when they are not known yet.

    Of a full one there is one a version, so that it can be announced twice; of others one a writer. All are of one type, and add to one
    base. Raises Error `not_found`, `invalid`.
    """
    artifact = _get_pending(transaction, actor, artifact_id)
    _check_base(transaction, actor, base_artifact_id)
    values = {"md5": md5 or None, "base_artifact_id": base_artifact_id}
    store.versions.update_artifact(transaction, artifact.id, {"updated_at": at})
    there = store.contents.list_manifests(transaction, artifact.id)
    _check_agreement(there, manifest_type, base_artifact_id)
    for manifest in there:
        if manifest_type == "FULL":
            _change_manifest(transaction, artifact, manifest, values)
            return _get_manifest(transaction, manifest.id)
        if md5 and (manifest.md5, manifest.base_artifact_id) == (md5, base_artifact_id):
            return manifest
    limiting.check_manifests(there)
    return store.contents.insert_manifest(transaction, {"artifact_id": artifact.id, "type": manifest_type, "created_at": at, **values})


def update_manifest(
    transaction: sa.Connection, actor: Actor, manifest_id: int, md5: str | None, base_artifact_id: int | None
) -> tuple[Manifest, Artifact]:
    """Say of an announced manifest what its bytes are. Raises Error `not_found`, `invalid`."""
    manifest = store.contents.find_manifest(transaction, manifest_id)
    # A stranger hears the same of somebody's manifest as of none.
    if manifest is None or find_artifact(transaction, actor, manifest.artifact_id) is None:
        raise Error("not_found", "There is no such manifest.")
    artifact = _get_pending(transaction, actor, manifest.artifact_id)
    _check_base(transaction, actor, base_artifact_id)
    _check_agreement(
        [each for each in store.contents.list_manifests(transaction, artifact.id) if each != manifest], manifest.type, base_artifact_id
    )
    given = {"md5": md5, "base_artifact_id": base_artifact_id}
    _change_manifest(transaction, artifact, manifest, {name: value for name, value in given.items() if value is not None})
    return _get_manifest(transaction, manifest.id), artifact


def announce(
    transaction: sa.Connection,
    actor: Actor,
    artifact_id: int,
    files: Sequence[tuple[str, str]],
    at: datetime,
    parts: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Artifact, set[str]]:
    """Say what a pending version will hold: path and MD5 of each file. Gives the MD5s of those that are here already.

    parts: by the MD5 of a large file, the MD5 of each part in which it may be sent. What is announced is not purged, not even when the
    last other version that has it is. Raises Error `not_found`, `invalid`.
    """
    artifact = _get_pending(transaction, actor, artifact_id)
    for path, md5 in files:
        fault = file_name_fault(path)
        if fault:
            raise Error("invalid", f"{path[:80]!r} {fault}.")
        check_md5(md5)
    by_path = dict(files)
    freeing.share(transaction, artifact.project_id)
    before = store.contents.list_digests_at(transaction, artifact.id, list(by_path))
    store.contents.put_entries(
        transaction, artifact.id, [Entry(path, md5, 0, None) for path, md5 in by_path.items() if before.get(path) != md5]
    )
    freeing.loosen(transaction, artifact.project_id, {md5 for path, md5 in before.items() if md5 != by_path[path]})
    store.versions.update_artifact(transaction, artifact.id, {"updated_at": at})
    there = set(measure_blobs(transaction, artifact.project_id, list({md5 for _, md5 in files})))
    for whole, md5s in (parts or {}).items():
        if whole not in there:
            _put_parts(transaction, artifact, whole, md5s)
    return artifact, there


def _put_parts(transaction: sa.Connection, artifact: Artifact, whole: str, md5s: Sequence[str]) -> None:
    for md5 in md5s:
        check_md5(md5)
    before = store.contents.list_parts(transaction, artifact.id, whole)
    store.contents.put_parts(transaction, artifact.id, whole, md5s)
    freeing.loosen(transaction, artifact.project_id, set(before) - set(md5s))


def check_md5(md5: str) -> None:
    """Raise Error `invalid` for what is no MD5 in base64."""
    if not _MD5.fullmatch(md5):
        raise Error("invalid", f"{md5[:40]!r} is no MD5 digest in base64.")


_MD5 = re.compile(r"[A-Za-z0-9+/]{22}==")


def check_text(what: str, text: str, at_most: int = _MAX_TEXT_CHARACTERS) -> None:
    """Raise Error `invalid` for a text that is too long, or that a database has no place for."""
    if len(text) > at_most:
        raise Error("invalid", f"The {what} has more than {at_most} characters.")
    runs.check_text(what, text)


def check_metadata(metadata: str) -> None:
    """Raise Error `invalid` for what is no JSON object."""
    check_text("metadata", metadata, MAX_METADATA_CHARACTERS)
    try:
        is_object = isinstance(json.loads(metadata), dict | None)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise Error("invalid", "The metadata is not a JSON object.")


def check_tags(tags: Sequence[str]) -> None:
    """Raise Error `invalid` for tags that cannot be used."""
    if len(tags) > _MAX_TAGS:
        raise Error("invalid", f"At most {_MAX_TAGS} tags can be given.")
    for tag in tags:
        fault = naming.name_fault(tag)
        if fault:
            raise Error("invalid", f"The tag {tag[:80]!r} {fault}.")


def check_ttl(seconds: int) -> None:
    """Raise Error `invalid` for a time to live that cannot be meant."""
    if seconds not in (NO_TTL, INHERITED_TTL) and not 0 < seconds <= _MAX_TTL_SECONDS:
        raise Error("invalid", "The time to live is a number of seconds from 1 to a hundred years.")


def open_type(transaction: sa.Connection, project: Project, name: str, at: datetime) -> int:
    """Find a type of a project or make it; give its id. Raises Error `invalid` for a bad name, or one too many."""
    fault = naming.name_fault(name)
    if fault:
        raise Error("invalid", f"The artifact type {name[:80]!r} {fault}.")
    type_id, is_made = store.collections.open_type(transaction, project.id, name, at)
    if is_made:
        limiting.check_types(transaction, project.id)
    return type_id


def _check(wanted: Wanted) -> None:
    fault = naming.name_fault(wanted.name)
    if fault:
        raise Error("invalid", f"The artifact name {wanted.name[:80]!r} {fault}.")
    aliasing.check_aliases(wanted.aliases)
    check_tags(wanted.tags)
    for what, text in (
        ("digest", wanted.digest),
        ("client id", wanted.client_id),
        ("client id of the sequence", wanted.sequence_client_id),
        ("distributed id", wanted.distributed_id),
    ):
        check_text(what, text or "", limiting.MAX_ID_CHARACTERS)
    check_text("description", wanted.description or "")
    if wanted.metadata is not None:
        check_metadata(wanted.metadata)
    if wanted.ttl_seconds is not None:
        check_ttl(wanted.ttl_seconds)


def _open_sequence(transaction: sa.Connection, project: Project, wanted: Wanted, at: datetime) -> Collection:
    type_id = open_type(transaction, project, wanted.type_name, at)
    made = {"project_id": project.id, "type_id": type_id, "kind": "SEQUENCE", "name": wanted.name, "client_id": wanted.sequence_client_id}
    if store.collections.insert_collection(transaction, made | {"created_at": at, "updated_at": at}):
        limiting.check_collections(transaction, project.id)
    sequence = store.collections.find_collection(transaction, project.id, wanted.name)
    if sequence is not None and store.collections.lock_collections(transaction, [sequence.id]):
        sequence = store.collections.find_collection(transaction, project.id, wanted.name)
    if sequence is None:
        # It was renamed or deleted a moment ago: the next try makes it anew.
        raise unavailable("The artifact collection is being changed.")
    if sequence.kind != "SEQUENCE":
        raise Error("invalid", f"{wanted.name!r} is a portfolio: artifacts are linked to it, not logged. Use another name.")
    if sequence.type_name != wanted.type_name:
        raise Error("invalid", f"{wanted.name!r} has artifacts of type {sequence.type_name!r}, not {wanted.type_name!r}. Use another name.")
    return sequence


def _find_existing(transaction: sa.Connection, sequence: Collection, wanted: Wanted) -> Artifact | None:
    if wanted.client_id:
        found = store.versions.find_by_client_id(transaction, wanted.client_id, project_id=sequence.project_id)
        if found is not None and found.collection_id == sequence.id:
            return found
    if wanted.distributed_id:
        return store.versions.find_by_distributed_id(transaction, sequence.id, wanted.distributed_id)
    if wanted.digest and wanted.deduplicates:
        return store.versions.find_by_digest(transaction, sequence.id, wanted.digest)
    return None


def _get_pending(transaction: sa.Connection, actor: Actor, artifact_id: int) -> Artifact:
    artifact = hold_artifact(transaction, actor, "write", artifact_id)
    if artifact.state != "PENDING":
        raise Error(
            "invalid", f"The artifact {artifact.collection_name}:v{artifact.version_index} is committed, and does not change any more."
        )
    return artifact


def _check_base(transaction: sa.Connection, actor: Actor, base_id: int | None) -> None:
    if base_id is not None and get_artifact(transaction, actor, "read", base_id).state != "COMMITTED":
        raise Error("invalid", "The version that this one adds to is not committed yet.")


def _check_agreement(others: Sequence[Manifest], manifest_type: ManifestType, base_id: int | None) -> None:
    """Raise Error `invalid` when the writers of a version mean different things by it."""
    for other in others:
        if other.type != manifest_type:
            raise Error("invalid", f"This version has manifests of type {other.type}: all its writers must send that type.")
        if base_id is not None and other.base_artifact_id not in (None, base_id) and manifest_type != "FULL":
            raise Error("invalid", "Another writer of this version adds to another version: all must name the same, or none.")


def _change_manifest(transaction: sa.Connection, artifact: Artifact, manifest: Manifest, values: dict[str, Any]) -> None:
    store.contents.update_manifest(transaction, manifest.id, values)
    if manifest.md5 and manifest.md5 != values.get("md5", manifest.md5):
        freeing.loosen(transaction, artifact.project_id, [manifest.md5])


def _get_manifest(transaction: sa.Connection, manifest_id: int) -> Manifest:
    manifest = store.contents.find_manifest(transaction, manifest_id)
    if manifest is None:
        raise Error("not_found", "There is no such manifest any more.")
    return manifest

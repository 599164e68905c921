"""Commits a version: what its manifests say is held against the bytes that are here; it gets its number and its aliases, and stays so."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.artifacts import aliasing, freeing, manifesting, store
from runkey_server.artifacts.finding import find_artifact, find_latest, get_artifact, hold_artifact
from runkey_server.artifacts.manifesting import Contents
from runkey_server.artifacts.model import LATEST, Artifact, Entry, Manifest
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.files import Blob, Directory, find_blobs, put_blob

_NAMED_MISSING = 3
_HASH_BYTES = 10


def commit(
    transaction: sa.Connection, directory: Directory, actor: Actor, artifact_id: int, number_of: Callable[[str], int], at: datetime
) -> Artifact:
    """Commit a pending version; one that is committed already is given as it is.

    number_of: reads a version's number out of the global id that manifests have. Raises Error `not_found`, `invalid` when a manifest or
    bytes are missing: it stays pending, and may be committed once they are here. Cost, while nobody else writes: 11 us an entry that was
    announced (100,000 on SQLite: 1.1 s), half of it for reading the manifest, the rest for writing sizes; 21 us for one that was not.
    """
    artifact = hold_artifact(transaction, actor, "write", artifact_id)
    if artifact.state == "COMMITTED":
        return artifact
    freeing.share(transaction, artifact.project_id)
    manifests = [manifest for manifest in store.contents.list_manifests(transaction, artifact.id) if manifest.md5]
    manifest, contents = _settle_manifest(transaction, directory, artifact, manifests, at)
    entries = contents.entries
    let_go = store.contents.replace_entries(transaction, artifact.id, entries)
    _find_bytes(transaction, actor, artifact, contents, number_of)
    store.contents.take_sizes(transaction, artifact.project_id, artifact.id)
    store.contents.delete_manifests(transaction, artifact.id, manifest.id)
    let_go.update(each.md5 for each in manifests if each.md5 and each.md5 != manifest.md5)
    # Parts of a file that was sent whole after all, or was left out.
    let_go.update(store.contents.list_all_parts(transaction, artifact.id))
    store.contents.delete_parts(transaction, artifact.id)
    freeing.loosen(transaction, artifact.project_id, let_go)
    is_merged = manifests[0].type != "FULL"
    file_count, size_bytes = store.contents.measure_entries(transaction, artifact.id)
    store.places.insert_membership(
        transaction, artifact.collection_id, artifact.id, store.collections.take_version(transaction, artifact.collection_id), at
    )
    ttl = artifact.ttl_seconds
    store.versions.update_artifact(
        transaction,
        artifact.id,
        {
            "state": "COMMITTED",
            # A writer of a part knows the digest of that part alone.
            "digest": _digest_of(entries) if is_merged or not artifact.digest else artifact.digest,
            "size_bytes": size_bytes,
            "file_count": file_count,
            "commit_hash": secrets.token_hex(_HASH_BYTES),
            "committed_at": at,
            "updated_at": at,
            "expires_at": at + timedelta(seconds=ttl) if ttl is not None and ttl > 0 else None,
        },
    )
    store.collections.update_collection(transaction, artifact.collection_id, {"updated_at": at})
    aliasing.name_version(transaction, artifact.collection_id, artifact.id, [*dict.fromkeys([*artifact.wanted_aliases, LATEST])])
    return get_artifact(transaction, actor, "write", artifact.id)


def _digest_of(entries: list[Entry]) -> str:
    return manifesting.digest_of({entry.path: entry.digest for entry in entries})


def _settle_manifest(
    transaction: sa.Connection, directory: Directory, artifact: Artifact, manifests: list[Manifest], at: datetime
) -> tuple[Manifest, Contents]:
    """Give the one manifest of a version: the full one, or what the parts of several writers come to over their base."""
    if not manifests:
        raise Error("invalid", "The artifact has no manifest yet: it was not announced, or not sent.")
    last = manifests[-1]
    if last.type == "FULL":
        return last, _read(transaction, directory, artifact.project_id, last.md5 or "")
    base = _read_base(transaction, directory, artifact, manifests) if last.type == "INCREMENTAL" else None
    parts = [_read(transaction, directory, artifact.project_id, manifest.md5 or "") for manifest in manifests]
    whole = manifesting.merge(base, parts)
    md5 = _write(transaction, directory, artifact.project_id, manifesting.write(whole), at)
    store.contents.update_manifest(transaction, last.id, {"md5": md5, "type": "FULL"})
    return replace(last, md5=md5, type="FULL"), whole


def _read_base(transaction: sa.Connection, directory: Directory, artifact: Artifact, manifests: list[Manifest]) -> Contents | None:
    """Give what an incremental version adds to: the version that a writer named, or the newest of its sequence; None for the first one."""
    named = next((manifest.base_artifact_id for manifest in manifests if manifest.base_artifact_id is not None), None)
    if named is None:
        newest = find_latest(transaction, artifact.collection_id)
        base = None if newest is None else store.versions.find_artifact(transaction, newest.artifact_id)
        if base is None:
            return None
    else:
        base = store.versions.find_artifact(transaction, named)
    # Permission to read it was looked at when it was named; of another project its bytes are found by their birth.
    if base is None or base.deleted_at is not None:
        raise Error("invalid", "The version that this one adds to was deleted. Log it anew.")
    found = [manifest.md5 for manifest in store.contents.list_manifests(transaction, base.id) if manifest.md5]
    return _read(transaction, directory, base.project_id, found[-1]) if found else None


def _read(transaction: sa.Connection, directory: Directory, project_id: int, md5: str) -> Contents:
    blob = find_blobs(transaction, project_id, [md5]).get(md5)
    if blob is None:
        raise Error("invalid", "The manifest was announced, but its bytes were never sent.")
    if blob.size_bytes > manifesting.MAX_MANIFEST_BYTES:
        raise Error("invalid", f"The manifest has more than {manifesting.MAX_MANIFEST_BYTES} bytes.")
    return manifesting.read(directory.path(blob.sha256).read_bytes())


def _write(transaction: sa.Connection, directory: Directory, project_id: int, body: bytes, at: datetime) -> str:
    md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    incoming = directory.begin()
    try:
        incoming.write(body)
        kept = incoming.keep()
    finally:
        incoming.drop()
    put_blob(transaction, Blob(project_id, md5, kept.sha256, kept.size_bytes, at))
    return md5


def _find_bytes(transaction: sa.Connection, actor: Actor, artifact: Artifact, contents: Contents, number_of: Callable[[str], int]) -> None:
    """Raise Error `invalid` unless the bytes of every entry are in the project; those that another one has are taken over from there."""
    missing = set(store.contents.list_missing(transaction, artifact.project_id, artifact.id))
    births = contents.births if missing else {}
    for md5 in sorted(missing):
        origin = _find_origin(transaction, actor, births.get(md5), number_of)
        if origin is None:
            continue
        freeing.share(transaction, origin.project_id)
        blob = find_blobs(transaction, origin.project_id, [md5]).get(md5)
        if blob is not None:
            put_blob(transaction, replace(blob, project_id=artifact.project_id))
            missing.discard(md5)
    if missing:
        entries = contents.entries
        paths = sorted(entry.path for entry in entries if entry.ref is None and entry.digest in missing)
        named = ", ".join(repr(path[:80]) for path in paths[:_NAMED_MISSING]) + (" and more" if len(paths) > _NAMED_MISSING else "")
        raise Error("invalid", f"The bytes of {len(paths)} of {len(entries)} files are not here: {named}. Send them, and commit again.")


def _find_origin(transaction: sa.Connection, actor: Actor, birth: str | None, number_of: Callable[[str], int]) -> Artifact | None:
    """Find the version in which bytes were first, if the actor may read it."""
    try:
        return None if birth is None else find_artifact(transaction, actor, number_of(birth))
    except Error:
        return None

"""Commits a version: what its manifests say is held against the bytes that are here; it gets its number and its aliases, and stays so."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.artifacts import aliasing, manifesting, store
from runkey_server.artifacts.finding import find_artifact, find_latest, get_artifact
from runkey_server.artifacts.manifesting import Contents
from runkey_server.artifacts.model import LATEST, Artifact, Entry
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.files import Blob, Directory, drop_blobs, find_blobs, put_blob

_NAMED_MISSING = 3
_HASH_BYTES = 10


def commit(
    transaction: sa.Connection, directory: Directory, actor: Actor, artifact_id: int, number_of: Callable[[str], int], at: datetime
) -> Artifact:
    """Commit a pending version; one that is committed already is given as it is.

    number_of: reads a version's number out of the global id that manifests have. Raises Error `not_found`, `invalid` when a manifest or
    bytes are missing: it stays pending, and may be committed once they are here. Cost: the manifest is read and its entries are written,
    about 4 us an entry, while nobody else writes.
    """
    artifact = get_artifact(transaction, actor, "write", artifact_id)
    if artifact.state == "COMMITTED":
        return artifact
    manifest_id, contents = _settle_manifest(transaction, directory, artifact, at)
    entries = contents.entries
    _find_bytes(transaction, actor, artifact, entries, contents.births, number_of)
    parts = store.list_all_parts(transaction, artifact.id)
    store.delete_parts(transaction, artifact.id)
    store.delete_entries(transaction, artifact.id)
    store.put_entries(transaction, artifact.id, entries)
    # Those of a file that was sent whole after all, or was left out.
    drop_blobs(transaction, artifact.project_id, store.list_unneeded(transaction, artifact.project_id, parts))
    store.delete_manifests(transaction, artifact.id, manifest_id)
    store.insert_membership(transaction, artifact.collection_id, artifact.id, store.take_version(transaction, artifact.collection_id), at)
    ttl = artifact.ttl_seconds
    store.update_artifact(
        transaction,
        artifact.id,
        {
            "state": "COMMITTED",
            "digest": artifact.digest or manifesting.digest_of({entry.path: entry.digest for entry in entries}),
            "size_bytes": sum(entry.size_bytes for entry in entries),
            "file_count": len(entries),
            "commit_hash": secrets.token_hex(_HASH_BYTES),
            "committed_at": at,
            "updated_at": at,
            "expires_at": at + timedelta(seconds=ttl) if ttl is not None and ttl > 0 else None,
        },
    )
    store.update_collection(transaction, artifact.collection_id, {"updated_at": at})
    aliasing.name_version(transaction, artifact.collection_id, artifact.id, [*dict.fromkeys([*artifact.wanted_aliases, LATEST])])
    return get_artifact(transaction, actor, "write", artifact.id)


def _settle_manifest(transaction: sa.Connection, directory: Directory, artifact: Artifact, at: datetime) -> tuple[int, Contents]:
    """Give the one manifest of a version: the full one, or what the parts of several writers come to over their base."""
    manifests = [manifest for manifest in store.list_manifests(transaction, artifact.id) if manifest.md5]
    if not manifests:
        raise Error("invalid", "The artifact has no manifest yet: it was not announced, or not sent.")
    full = [manifest for manifest in manifests if manifest.type == "FULL"]
    if full:
        return full[-1].id, _read(transaction, directory, artifact.project_id, full[-1].md5 or "")
    base = _read_base(transaction, directory, artifact, manifests[0].base_artifact_id) if manifests[0].type == "INCREMENTAL" else None
    parts = [_read(transaction, directory, artifact.project_id, manifest.md5 or "") for manifest in manifests]
    whole = manifesting.merge(base, parts)
    md5 = _write(transaction, directory, artifact.project_id, manifesting.write(whole), at)
    store.update_manifest(transaction, manifests[-1].id, {"md5": md5, "type": "FULL"})
    return manifests[-1].id, whole


def _read_base(transaction: sa.Connection, directory: Directory, artifact: Artifact, base_id: int | None) -> Contents | None:
    """Give what an incremental version adds to: the version that was named, or the newest of its sequence."""
    if base_id is None:
        newest = find_latest(transaction, artifact.collection_id)
        base_id = None if newest is None else newest.artifact_id
    base = None if base_id is None else store.find_artifact(transaction, base_id)
    # Permission to read it was looked at when it was named; of another project its bytes are found by their birth.
    manifests = [] if base is None else [manifest for manifest in store.list_manifests(transaction, base.id) if manifest.md5]
    return _read(transaction, directory, base.project_id, manifests[-1].md5 or "") if base and manifests else None


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


def _find_bytes(
    transaction: sa.Connection,
    actor: Actor,
    artifact: Artifact,
    entries: list[Entry],
    births: dict[str, str],
    number_of: Callable[[str], int],
) -> None:
    """Raise Error `invalid` unless the bytes of every entry are in the project; those that another one has are taken over from there."""
    here = [entry for entry in entries if entry.ref is None]
    wanted = list({entry.digest for entry in here})
    missing = set(wanted) - find_blobs(transaction, artifact.project_id, wanted).keys()
    for md5 in sorted(missing):
        origin = _find_origin(transaction, actor, births.get(md5), number_of)
        blob = None if origin is None else find_blobs(transaction, origin.project_id, [md5]).get(md5)
        if blob is not None:
            put_blob(transaction, replace(blob, project_id=artifact.project_id))
            missing.discard(md5)
    if missing:
        paths = sorted(entry.path for entry in here if entry.digest in missing)
        named = ", ".join(repr(path[:80]) for path in paths[:_NAMED_MISSING]) + (" and more" if len(paths) > _NAMED_MISSING else "")
        raise Error("invalid", f"The bytes of {len(paths)} of {len(entries)} files are not here: {named}. Send them, and commit again.")


def _find_origin(transaction: sa.Connection, actor: Actor, birth: str | None, number_of: Callable[[str], int]) -> Artifact | None:
    """Find the version in which bytes were first, if the actor may read it."""
    try:
        return None if birth is None else find_artifact(transaction, actor, number_of(birth))
    except Error:
        return None

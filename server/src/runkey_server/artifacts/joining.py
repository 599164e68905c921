"""Joins the parts in which a large file came: a blob for each, and in their place one for all of them, once all are here.

Parts come in any order, twice, and from one process after another; what is joined is checked as what comes in one piece is. The join is
long, so it holds no transaction: whatever it is cut off by leaves the parts, and it is begun again.
"""

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runkey_server.artifacts import freeing, store
from runkey_server.artifacts.finding import get_artifact
from runkey_server.asgi.actor import Actor
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Blob, Directory, find_blobs, put_blob


@dataclass(frozen=True)
class Parts:
    """The parts of one file, all of which are here. md5: of the whole, base64. grows_by: how many bytes more are kept once it is joined."""

    artifact_id: int
    account_id: int
    project_id: int
    md5: str
    blobs: tuple[Blob, ...]
    size_bytes: int
    grows_by: int


def find_parts(transaction: sa.Connection, actor: Actor, artifact_id: int, md5: str, told: dict[int, str]) -> Parts | None:
    """Find what is to be joined for a file of a pending version; None when its bytes are here already.

    told: the MD5 of each part that the sender sent, by its number. Raises Error `not_found`; `invalid` for a file that was not announced in
    parts, or not in these, and while one of them is missing.
    """
    artifact = get_artifact(transaction, actor, "write", artifact_id)
    parts = store.contents.list_parts(transaction, artifact.id, md5)
    is_known = bool(parts) or store.contents.has_digest(transaction, artifact.id, md5)
    if is_known and find_blobs(transaction, artifact.project_id, [md5]):
        return None
    if not parts or told != dict(enumerate(parts, 1)):
        raise Error("invalid", "These parts were not announced for a file of this artifact. Announce the file and send it again.")
    there = find_blobs(transaction, artifact.project_id, list(set(parts)))
    missing = [number for number, part in enumerate(parts, 1) if part not in there]
    if missing:
        raise Error("invalid", f"{len(missing)} of {len(parts)} parts are not here, part {missing[0]} among them. Send them first.")
    size = sum(there[part].size_bytes for part in parts)
    grows_by = max(0, size - sum(blob.size_bytes for blob in there.values()))
    return Parts(artifact.id, artifact.account_id, artifact.project_id, md5, tuple(there[part] for part in parts), size, grows_by)


def join(database: Database, directory: Directory, parts: Parts, at: datetime, count: Callable[[sa.Connection], None]) -> None:
    """Join parts, unless somebody else did meanwhile. count: called in the transaction in which the whole becomes known.

    Raises Error `invalid` when what comes of it has another digest than was said. Cost: the file is read and written once, and takes its
    size once more on the disk until then.
    """
    with directory.open(parts.blobs[0].sha256) as first:
        # Another worker may be asked the same after a while; the lock ends with this process, whatever ends it.
        fcntl.flock(first, fcntl.LOCK_EX)
        with database.reading() as transaction:
            if find_blobs(transaction, parts.project_id, [parts.md5]):
                return
        incoming = directory.begin()
        try:
            for blob in parts.blobs:
                incoming.copy(blob.sha256)
            if incoming.md5 != parts.md5:
                raise Error("invalid", "The parts together do not have the MD5 digest that was said of the file: it changed meanwhile.")
            kept = incoming.keep()
            with database.writing() as transaction:
                freeing.note_arrival(transaction, parts.project_id, parts.md5)
                put_blob(transaction, Blob(parts.project_id, parts.md5, kept.sha256, kept.size_bytes, at))
                store.contents.delete_parts(transaction, parts.artifact_id, parts.md5)
                freeing.loosen(transaction, parts.project_id, {blob.md5 for blob in parts.blobs})
                count(transaction)
        finally:
            incoming.drop()

"""Bytes in, checked, kept, and known: the row is written after the bytes are on the disk."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

import sqlalchemy as sa
from anyio import to_thread

from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import store
from runkey_server.files.directory import Directory, Incoming, Kept
from runkey_server.files.model import Blob, File, Grant
from runkey_server.files.naming import type_of
from runkey_server.files.refusing import forget_refusals

NoteBlob = Callable[[sa.Connection, int, str], None]
"""Told of a blob, by project and MD5, before its row is written, in the same transaction."""

# Large enough that a thread hop costs little against the write, small enough to hold many at once.
_WRITE_BYTES = 1024 * 1024


class Upload:
    """One file on its way in, as far as it has come."""

    def __init__(self, grant: Grant, incoming: Incoming) -> None:
        """Take in what a grant allows."""
        self._grant = grant
        self._incoming = incoming
        self._waiting = bytearray()

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Write all chunks, a mebibyte a thread hop. Raises Error `too_large` beyond what the grant allows."""
        async for chunk in chunks:
            self._waiting += chunk
            if self._incoming.size_bytes + len(self._waiting) > self._grant.max_bytes:
                raise Error("too_large", f"The file is larger than the {self._grant.max_bytes} bytes that were granted.")
            if len(self._waiting) >= _WRITE_BYTES:
                await self._write()
        await self._write()

    async def _write(self) -> None:
        data, self._waiting = bytes(self._waiting), bytearray()
        await to_thread.run_sync(self._incoming.write, data)


async def save(
    database: Database, directory: Directory, grant: Grant, chunks: AsyncIterator[bytes], at: datetime, note_blob: NoteBlob
) -> Kept:
    """Keep one file or blob. Returns after its bytes are synced and its row is committed; whatever fails before leaves nothing behind.

    Raises Error `too_large` beyond what the grant allows, `invalid` for a blob whose bytes have another digest.
    """
    incoming = await to_thread.run_sync(directory.begin)
    try:
        await Upload(grant, incoming).take(chunks)
        return await to_thread.run_sync(_keep, database, grant, incoming, at, note_blob)
    finally:
        await to_thread.run_sync(incoming.drop)


def _keep(database: Database, grant: Grant, incoming: Incoming, at: datetime, note_blob: NoteBlob) -> Kept:
    if grant.kind == "blob" and incoming.md5 != grant.md5:
        raise Error(
            "invalid", "These bytes do not have the MD5 digest that was said: the file changed meanwhile, or was damaged on its way."
        )
    kept = incoming.keep()
    with database.writing() as transaction:
        if grant.kind == "blob":
            note_blob(transaction, grant.owner_id, grant.md5)
            store.put_blob(transaction, Blob(grant.owner_id, grant.md5, kept.sha256, kept.size_bytes, at))
        else:
            file = File(grant.owner_id, grant.name, kept.sha256, kept.md5, kept.size_bytes, type_of(grant.name), at)
            store.put_file(transaction, file)
            forget_refusals(transaction, file.run_id, file.name)
    return kept

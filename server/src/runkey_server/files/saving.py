"""Bytes in, checked, kept, and known: the row is written after the bytes are on the disk."""

import mimetypes
from collections.abc import AsyncIterator
from datetime import datetime

from anyio import to_thread

from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import store
from runkey_server.files.directory import Directory, Incoming
from runkey_server.files.model import File, Grant
from runkey_server.files.refusing import forget_refusals

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


async def save(database: Database, directory: Directory, grant: Grant, chunks: AsyncIterator[bytes], at: datetime) -> File:
    """Keep one file. Returns after its bytes are synced and its row is committed; whatever fails before leaves nothing behind."""
    incoming = await to_thread.run_sync(directory.begin)
    try:
        await Upload(grant, incoming).take(chunks)
        return await to_thread.run_sync(_keep, database, grant, incoming, at)
    finally:
        await to_thread.run_sync(incoming.drop)


def _keep(database: Database, grant: Grant, incoming: Incoming, at: datetime) -> File:
    kept = incoming.keep()
    file = File(
        run_id=grant.run_id,
        name=grant.name,
        sha256=kept.sha256,
        md5=kept.md5,
        size_bytes=kept.size_bytes,
        mimetype=mimetypes.guess_type(grant.name)[0] or "application/octet-stream",
        updated_at=at,
    )
    with database.writing() as transaction:
        store.put_file(transaction, file)
        forget_refusals(transaction, file.run_id, file.name)
    return file

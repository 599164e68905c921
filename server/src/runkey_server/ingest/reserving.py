"""Holds room for a file of an account without a name while its bytes arrive, so that many at once cannot pass what it may keep."""

from collections.abc import AsyncIterator

from anyio import to_thread

from runkey_server import accounts, claiming
from runkey_server.claiming import Caps
from runkey_server.database import Database
from runkey_wire import limits

FILE_BYTES = 256
"""What a file costs beside its bytes and its name, so that empty ones are not free."""

# What is held ahead of a body whose length nobody said.
_STEP = 4 * limits.MEBIBYTE


class Room:
    """What is held for one file."""

    def __init__(self, database: Database, account_id: int, caps: Caps) -> None:
        """Begin with nothing."""
        self._database = database
        self._account_id = account_id
        self._caps = caps
        self._held = 0

    async def fill(self, chunks: AsyncIterator[bytes], name: str, declared: str | None) -> AsyncIterator[bytes]:
        """Give a body's pieces, each after there is room for it. declared: its Content-Length. Raises Error `forbidden`."""
        needed = cost_of(name, int(declared) if declared and declared.isdecimal() else 0)
        await to_thread.run_sync(self._hold, needed)
        arrived = cost_of(name, 0)
        async for chunk in chunks:
            arrived += len(chunk)
            if arrived > self._held:
                await to_thread.run_sync(self._hold, arrived - self._held, _STEP)
            yield chunk

    def settle(self, used: int) -> None:
        """Count what was used in the place of what was held."""
        with self._database.writing() as transaction:
            accounts.count_bytes(transaction, self._account_id, used - self._held)
        self._held = 0

    def _hold(self, needed: int, wanted: int = 0) -> None:
        with self._database.writing() as transaction:
            held = claiming.hold_room(transaction, self._account_id, needed, max(needed, wanted), self._caps)
        self._held += held


def cost_of(name: str, size_bytes: int) -> int:
    """Give what a file counts for."""
    return size_bytes + len(name.encode()) + FILE_BYTES

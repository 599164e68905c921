"""Holds room for a file while its bytes arrive, so that many at once cannot pass what may be kept together."""

from collections.abc import AsyncIterator
from typing import Protocol

from anyio import to_thread

from runkey_server import accounts, claiming
from runkey_server.claiming import Caps
from runkey_server.database import Database
from runkey_server.retention import Quota
from runkey_wire import limits

FILE_BYTES = 256
"""What a file costs an account without a name beside its bytes and its own name, so that empty ones are not free."""

# What is held ahead of a body whose length nobody said.
_STEP = 4 * limits.MEBIBYTE


class Holder(Protocol):
    """Something that has room."""

    extra: int
    """What a file takes of it beside its bytes."""

    def hold(self, needed: int, wanted: int) -> int:
        """Take room for what is needed, or for more at once; give how much was taken. Raises Error `forbidden`."""

    def settle(self, held: int, used: int) -> None:
        """Count what was used in the place of what was held."""


class OfAnonymous:
    """What an account without a name may keep, counted in the database."""

    def __init__(self, database: Database, account_id: int, caps: Caps, name: str) -> None:
        """Hold room for a file of this name."""
        self._database = database
        self._account_id = account_id
        self._caps = caps
        self.extra = cost_of(name, 0)

    def hold(self, needed: int, wanted: int) -> int:
        """Hold it for all workers."""
        with self._database.writing() as transaction:
            return claiming.hold_room(transaction, self._account_id, needed, wanted, self._caps)

    def settle(self, held: int, used: int) -> None:
        """Count it."""
        with self._database.writing() as transaction:
            accounts.count_bytes(transaction, self._account_id, used - held)


class OfQuota:
    """What an operator lets a project and an account keep."""

    extra = 0

    def __init__(self, quota: Quota, account_id: int, project_id: int) -> None:
        """Hold room in a project."""
        self._quota = quota
        self._place = (account_id, project_id)

    def hold(self, needed: int, wanted: int) -> int:
        """Hold no more than is needed: there may be room for just this file."""
        self._quota.hold(*self._place, needed)
        return needed

    def settle(self, held: int, used: int) -> None:
        """Count it."""
        self._quota.settle(*self._place, held, used)


class Room:
    """What is held for one file."""

    def __init__(self, holder: Holder) -> None:
        """Begin with nothing."""
        self._holder = holder
        self._held = 0

    async def fill(self, chunks: AsyncIterator[bytes], declared: str | None) -> AsyncIterator[bytes]:
        """Give a body's pieces, each after there is room for it. declared: its Content-Length. Raises Error `forbidden`."""
        arrived = self._holder.extra
        await to_thread.run_sync(self._hold, arrived + (int(declared) if declared and declared.isdecimal() else 0))
        async for chunk in chunks:
            arrived += len(chunk)
            if arrived > self._held:
                await to_thread.run_sync(self._hold, arrived - self._held, _STEP)
            yield chunk

    def settle(self, used: int) -> None:
        """Count what was used in the place of what was held."""
        self._holder.settle(self._held, used)
        self._held = 0

    def _hold(self, needed: int, wanted: int = 0) -> None:
        self._held += self._holder.hold(needed, max(needed, wanted))


def cost_of(name: str, size_bytes: int) -> int:
    """Give what a file counts for, where its account has no name."""
    return size_bytes + len(name.encode()) + FILE_BYTES

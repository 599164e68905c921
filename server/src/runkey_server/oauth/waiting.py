"""Holds token requests until somebody decides, so that a login returns at the moment of the click.

A held request costs a future and no thread. One task a worker looks, ten times a second and only while something is held, whether the
credential epoch moved; approving and denying move it, in whatever worker they happen.
"""

import asyncio
import contextlib
from time import monotonic

from anyio import to_thread

from runkey_server.clock import Clock
from runkey_server.database import Database, read_epoch
from runkey_server.errors import Error
from runkey_server.oauth import store
from runkey_wire.device_authorization import INTERVAL_SECONDS, SLOW_DOWN_SECONDS

MAX_HELD = 2_000
"""In one worker; beyond that a request is answered at once, and the client polls."""

LOOK_EVERY_SECONDS = 0.1
_MAX_PACED = 50_000


class Waiting:
    """The held requests of one worker, and the pace of those who poll."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Begin with none."""
        self._database = database
        self._clock = clock
        self._held: dict[bytes, asyncio.Future[None]] = {}
        self._has_new = False
        self._is_ending = False
        self._epoch: int | None = None
        # When a device code was last polled, and the interval it must keep. Each worker counts its own connections: enough to tell a
        # client that is too fast, and nothing to write at every poll.
        self._paces: dict[bytes, tuple[float, float]] = {}

    def is_too_fast(self, digest: bytes) -> bool:
        """Note a poll; tell whether it came too early, which lengthens the interval by five seconds (RFC 8628 section 3.5)."""
        now = monotonic()
        last, interval = self._paces.pop(digest, (float("-inf"), float(INTERVAL_SECONDS)))
        # A client that waits five seconds by its own clock may be early by ours.
        too_fast = now - last < interval - 0.5
        if too_fast:
            interval += SLOW_DOWN_SECONDS
        self._paces[digest] = (now, interval)
        while len(self._paces) > _MAX_PACED:
            self._paces.pop(next(iter(self._paces)))
        return too_fast

    def forget_pace(self, digest: bytes) -> None:
        """Let the next poll come at once: after a held answer."""
        self._paces.pop(digest, None)

    async def hold(self, digest: bytes, seconds: float) -> bool:
        """Wait until somebody decides, the time is over, or the server ends; False at once when too many are held.

        One outstanding request a device code: an earlier one is let go.
        """
        if self._is_ending or len(self._held) >= MAX_HELD:
            return False
        earlier = self._held.pop(digest, None)
        if earlier is not None and not earlier.done():
            earlier.set_result(None)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held[digest] = future
        self._has_new = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await future
        finally:
            if self._held.get(digest) is future:
                del self._held[digest]
        return True

    async def look(self) -> None:
        """Let go of the requests whose machines were decided about."""
        if not self._held:
            return
        had_new, self._has_new = self._has_new, False
        try:
            decided = await to_thread.run_sync(self._find_decided, had_new)
        except Error:
            # The database does not answer: the next look asks again for all that is held.
            self._has_new = True
        else:
            for digest in decided & self._held.keys():
                if not self._held[digest].done():
                    self._held[digest].set_result(None)

    def end(self) -> None:
        """Let all go at once: the server stops."""
        self._is_ending = True
        for future in self._held.values():
            if not future.done():
                future.set_result(None)

    def _find_decided(self, had_new: bool) -> set[bytes]:
        with self._database.reading() as transaction:
            epoch = read_epoch(transaction)
            if epoch == self._epoch and not had_new:
                return set()
            decided = store.list_decided(transaction, self._clock())
        self._epoch = epoch
        return decided

"""A lock between processes, so that of several that log in at once one asks and the rest take over what it got."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator

from runkey.terminal import TimedOut

_POLL_SECONDS = 0.05


@contextlib.contextmanager
def locked(path: str, remaining: Callable[[], float | None] = lambda: None, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on a file (made, 0600) for the block; waits for whoever holds it, as long as time remains.

    waiting: called once when somebody does. Raises OSError when the file cannot be had, TimedOut.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if not _lock(descriptor, waits=False):
            waiting()
            while not _lock(descriptor, waits=remaining() is None):
                if remaining() == 0.0:
                    raise TimedOut
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, waits: bool) -> bool:
        # LK_LOCK waits ten seconds at most by itself.
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _lock(descriptor: int, *, waits: bool) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

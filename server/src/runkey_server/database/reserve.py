"""Room on the disk for what must go on when it is full: signing in, and shutting a key out.

Beside the database lies `reserve`, a file of 16 MB that holds nothing. Whatever adds data asks `check` first, and is turned away while the
disk has less than some megabytes left or the file is not there. When next to nothing is left, because something else fills the disk, the
file is given up, and small writes live off its place; once there is room it is made again, and data is taken again.

Not by a limit of SQLite's (max_page_count): that knows neither its own log nor what else is on the disk.
"""

import contextlib
import os
from pathlib import Path

from runkey_server import errors

RESERVE_BYTES = 16 * 1024 * 1024
_LEAST_FREE_BYTES = 8 * 1024 * 1024
"""Below it data is turned away: what requests under way, the log and a checkpoint may still need."""

_NOTHING_BYTES = 1024 * 1024
"""Below it the file is given up."""

_RETRY_SECONDS = 5


class Reserve:
    """The file, for one data folder. Every process of a server sees the same state: the file is there or it is not."""

    def __init__(self, folder: Path, size_bytes: int = RESERVE_BYTES) -> None:
        """Look after a folder; nothing is made before `keep`."""
        self._folder = folder
        self._path = folder / "reserve"
        self._size_bytes = size_bytes

    def check(self) -> None:
        """Turn data away while the disk is full: raises Error `unavailable`. Cost: two calls of the system, some microseconds."""
        if self.is_short():
            raise errors.disk_full(_RETRY_SECONDS)

    def is_short(self) -> bool:
        """Tell whether the disk is full, as far as data is concerned."""
        return self._free_bytes() < _LEAST_FREE_BYTES or not self._path.exists()

    def lacks_bytes(self) -> bool:
        """Tell whether the disk has too little, also where no server has made the file yet."""
        return self._free_bytes() < _LEAST_FREE_BYTES + (0 if self._path.exists() else self._size_bytes)

    def yield_when_needed(self) -> None:
        """Give the file up when nothing else is left."""
        if self._free_bytes() < _NOTHING_BYTES:
            self._path.unlink(missing_ok=True)

    def keep(self) -> bool:
        """Make the file, if it is not there and there is room for it; tell whether it is there."""
        if self._path.exists():
            return True
        if self._free_bytes() < self._size_bytes + _LEAST_FREE_BYTES:
            return False
        making = self._path.with_name(f".reserve.{os.getpid()}")
        try:
            with making.open("wb") as file:
                if self._size_bytes:
                    # Really allocated, not a hole.
                    os.posix_fallocate(file.fileno(), 0, self._size_bytes)
            making.replace(self._path)
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                making.unlink(missing_ok=True)
        return True

    def _free_bytes(self) -> int:
        try:
            found = os.statvfs(self._folder)
        except OSError as error:
            raise errors.unavailable("The server's disk does not answer at this moment.") from error
        return found.f_bavail * found.f_frsize

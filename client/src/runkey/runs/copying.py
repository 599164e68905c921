"""Takes copies of files into a run's folder, beside the run's lock: a large checkpoint must not hold up a row.

A copy is made apart, and put in its place when it is whole, so that what is on its way to the server is never half of one and half of
another. Of two copies of one name at once the one that was begun later stands. A file that changes while it is copied is copied again.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_MOST_TRIES = 3
"""For a file that is never at rest: then it is taken as it is."""

_LOOK_SECONDS = 0.1
Mark = tuple[int, int]


class Copy:
    """One copy under way. place: where it will lie in the run's folder, whose file is target; path: where it lies until then."""

    def __init__(self, folder: str, place: str, number: int) -> None:
        """Nothing is copied yet. number: grows with each."""
        self.place, self.number = place, number
        self.target = os.path.join(folder, place)
        self.path = os.path.join(folder, "copies", str(number))
        self.is_whole = False

    def fill(self, source: str | None, data: bytes | None) -> None:
        """Copy a file, or write these bytes. Raises OSError."""
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        if data is not None:
            with open(self.path, "wb") as file:
                file.write(data)
        elif source is None or (os.path.exists(self.target) and os.path.samefile(source, self.target)):
            # It is in its place, and whoever writes to it may go on.
            return
        else:
            for _ in range(_MOST_TRIES):
                before = mark(source)
                shutil.copyfile(source, self.path)
                if mark(source) == before:
                    break
        self.is_whole = True


class Copying:
    """The copies of one run. still: a condition of the run's lock."""

    def __init__(self, still: threading.Condition) -> None:
        """Nothing is copied."""
        self._still = still
        self._number = 0
        self._under_way: dict[int, int] = {}
        self._placed: dict[str, int] = {}

    @contextmanager
    def begin(self, folder: str, name: str) -> Iterator[Copy]:
        """Give a copy to fill during the block. Raises ValueError for what is no name of a file."""
        place = os.path.normpath(os.path.join("files", name))
        if os.path.isabs(name) or not place.startswith("files" + os.sep):
            raise ValueError(f"{name!r} is no name for a file of a run")
        with self._still:
            self._number += 1
            copy = Copy(folder, place, self._number)
            self._under_way[copy.number] = threading.get_ident()
        try:
            yield copy
        finally:
            with self._still:
                del self._under_way[copy.number]
                self._still.notify_all()
            with suppress(OSError):
                os.unlink(copy.path)

    def put(self, copy: Copy) -> bool:
        """Put a copy in its place, if none that was begun later is there. Its caller holds the lock. Raises OSError."""
        if self._placed.get(copy.place, 0) > copy.number:
            return False
        os.makedirs(os.path.dirname(copy.target), mode=0o700, exist_ok=True)
        if copy.is_whole:
            # Not written in place: an earlier one of this name may be on its way, and may be a link to somebody's own file.
            os.replace(copy.path, copy.target)
        self._placed[copy.place] = copy.number
        return True

    def wait_for_others(self, seconds: float | None) -> None:
        """Wait for the copies that other threads have begun so far. What this one is copying, below a signal's handler, cannot get on."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._still:
            others = {number for number, thread in self._under_way.items() if thread != threading.get_ident()}
            while others & self._under_way.keys() and (deadline is None or time.monotonic() < deadline):
                self._still.wait(_LOOK_SECONDS)


def mark(path: str) -> Mark | None:
    """Give what tells that a file changed; None when it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

"""Where the journals lie: one folder a run, `run-<YYYYmmdd_HHMMSS>-<run id>`, for its owner alone, and locked while its process lives.

The lock is POSIX's own kind, which a forked child does not inherit and which ends with its process, however that ends.
"""

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
import time

from runkey.errors import CannotStore
from runkey.stream.reading import list_segments

_LOCK = "lock"
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


def make_run_folder(root: str, run_id: str, now: float) -> tuple[str, str | None]:
    """Make a run's folder; give it, and why it is not in the place that was asked for, if it is not. Raises CannotStore."""
    try:
        return _make(root, run_id, now), None
    except OSError as error:
        first = error
    other = os.path.join(tempfile.gettempdir(), f"runkey-{os.getuid() if hasattr(os, 'getuid') else 'journals'}")
    try:
        folder = _make(other, run_id, now)
        if hasattr(os, "geteuid") and os.stat(other).st_uid != os.geteuid():
            raise OSError(errno.EPERM, "it belongs to another user")
        return folder, f"{root} cannot be written ({first.strerror}); this run's journal lies in {folder}."
    except OSError:
        raise CannotStore(f"Cannot write {root}: {first.strerror}. Name a folder for the runs' journals in RUNKEY_DIR.") from None


def _make(root: str, run_id: str, now: float) -> str:
    os.makedirs(root, mode=0o700, exist_ok=True)
    base = os.path.join(os.path.abspath(root), f"run-{time.strftime('%Y%m%d_%H%M%S', time.localtime(now))}-{_ODD.sub('_', run_id)[:80]}")
    for number in range(1, 1_000):
        folder = base if number == 1 else f"{base}-{number}"
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            continue
        return folder
    raise OSError(errno.EEXIST, "there are a thousand runs of this name and second")


def list_run_folders(root: str) -> list[str]:
    """Give the folders under a root that hold a journal, the oldest first. Raises OSError for a root that cannot be read."""
    try:
        names = sorted(name for name in os.listdir(root) if name.startswith("run-"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder for name in names if is_run_folder(folder := os.path.join(root, name))]


def is_run_folder(folder: str) -> bool:
    """Tell whether a folder holds a journal, or held one, or may: one that cannot be looked into is not passed over in silence."""
    try:
        return bool(list_segments(folder)) or os.path.exists(os.path.join(folder, _LOCK))
    except PermissionError:
        return True
    except OSError:
        return False


def remove_run_folder(folder: str) -> None:
    """Remove a run's folder; what cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)
    # The place for all of them goes with the last one.
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(folder))


# What this process holds: it would be given the same lock twice, and would lose both with the first that it lets go of.
_held: set[tuple[int, str]] = set()


class Lock:
    """Says that a process works on a run's folder."""

    def __init__(self, folder: str) -> None:
        """Nothing is locked yet."""
        self._path = os.path.join(folder, _LOCK)
        self._place = (os.getpid(), os.path.realpath(self._path))
        self._descriptor = -1

    def take(self) -> bool:
        """Take it; False when a living process holds it, this one included. Raises OSError where no lock can be had."""
        if self._place in _held:
            return False
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            if _take(self._descriptor):
                _held.add(self._place)
                return True
        except OSError:
            self.release()
            raise
        self.release()
        return False

    def release(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            _held.discard(self._place)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _take(descriptor: int) -> bool:
        import fcntl

        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        return True

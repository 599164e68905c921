"""A run's journal: what `log()` took, on disk before anything is sent.

One unbuffered write a record, so that what was taken outlives the process, however it ends. Not synced to the disk record by record: a
power cut may cost the last seconds, and costs training nothing. Several files of bounded size (`journal.000001`, …), each beginning with
how the run stands then, so that the ones whose records the server has can go while the run lasts.

A journal takes no more when the file system is nearly full: rows are refused and counted, and nothing is raised.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable

from runkey.stream import framing
from runkey.stream.reading import BEGINNING, Position, list_segments, segment_path

SEGMENT_BYTES = 64 * 1024 * 1024
WARN_BYTES, LEAST_BYTES = 256 * 1024 * 1024, 32 * 1024 * 1024
"""Free space below which is warned, and below which rows are refused: checkpoints of the training need room more than its curves do."""

_WARN_SHARE, _LEAST_SHARE = 0.05, 0.01  # of a small file system
_LOOK_BYTES = 1024 * 1024
_LOOK_AGAIN_SECONDS = 1.0


class Journal:
    """Writes one. end: how far it is written, for a reader in another thread. refused: records that were not taken.

    Its caller holds a lock: one thread at a time.
    """

    def __init__(
        self,
        folder: str,
        begin: Callable[[], bytes],
        warn: Callable[[str], None],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        space: Callable[[str], tuple[int, int]] | None = None,
    ) -> None:
        """Begin in a folder that is there. begin: gives the JSON that each file begins with. space: (free, all) bytes of the file system.

        Raises OSError.
        """
        self._folder = folder
        self._begin = begin
        self._warn = warn
        self._segment_bytes = segment_bytes
        self._space = space or _space
        self._is_near_full = self._is_full = False
        self._look_at, self._looked = 0, 0.0
        self.refused = 0
        self._descriptor = -1
        self.end = BEGINNING
        self._open(1)

    def append(self, kind: bytes, payload: bytes, *, is_needed: bool = False) -> bool:
        """Write a record; False when it was refused. is_needed: try also where rows are refused already."""
        if self._descriptor < 0:  # closed: by a finish() in a signal's handler, in the middle of a call of log()
            return False
        if self._is_full and not is_needed and not self._has_room_again():
            self.refused += 1
            return False
        record = framing.frame(kind, payload)
        segment, size = self.end
        try:
            written = os.write(self._descriptor, record)
            if written != len(record):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._take_back(size, error)
            return False
        # Where the file ends, not what was reckoned: a signal's handler may have written in between.
        size = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        self.end = Position(segment, size)
        if size >= self._look_at and kind != framing.END:  # behind the last word there is nothing to begin another file for
            self._look(size)
        return True

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def drop_before(self, position: Position) -> None:
        """Remove the files that end before a place: the server has what is in them."""
        for number in list_segments(self._folder):
            if number < position.segment:
                with contextlib.suppress(OSError):
                    os.unlink(segment_path(self._folder, number))

    def _open(self, segment: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(segment_path(self._folder, segment), flags, 0o600)
        begin = framing.frame(framing.BEGIN, self._begin())
        # Twice: without it nothing else in the journal could be sent.
        head = framing.frame(framing.HEAD, framing.FORMAT) + begin + begin
        try:
            if os.write(descriptor, head) != len(head):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                os.unlink(segment_path(self._folder, segment))
            raise
        self.close()
        self._descriptor = descriptor
        self.end = Position(segment, len(head))
        self._look_at = len(head) + _LOOK_BYTES

    def _take_back(self, size: int, error: OSError) -> None:
        """Undo a record that was written in part."""
        self.refused += 1
        with contextlib.suppress(OSError):
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, size)
            if os.fstat(self._descriptor).st_size != size:
                # A reader finds the next record behind a line break only.
                with contextlib.suppress(OSError):
                    os.write(self._descriptor, b"\n")
                self.end = Position(self.end.segment, os.fstat(self._descriptor).st_size)
        self._become_full(error.strerror or "it cannot be written")

    def _look(self, size: int) -> None:
        """Look now and then how much room there is, and begin another file when this one is long."""
        if size >= self._segment_bytes:
            try:
                self._open(self.end.segment + 1)
            except OSError:
                self._look_at = size + _LOOK_BYTES
        else:
            self._look_at = min(size + _LOOK_BYTES, self._segment_bytes)
        free, whole = self._space(self._folder)
        if free < min(LEAST_BYTES, whole * _LEAST_SHARE):
            self._become_full("the disk is nearly full")
        elif free < min(WARN_BYTES, whole * _WARN_SHARE) and not self._is_near_full:
            self._is_near_full = True
            self._warn(f"Only {free // 1_000_000} MB are free where {self._folder} lies. When they are gone, rows are left out.")

    def _become_full(self, why: str) -> None:
        if not self._is_full:
            self._warn(f"Rows are being left out: {why} ({self._folder}). They are taken again when there is room. Training goes on.")
        self._is_full, self._looked = True, time.monotonic()

    def _has_room_again(self) -> bool:
        if time.monotonic() - self._looked < _LOOK_AGAIN_SECONDS:
            return False
        self._looked = time.monotonic()
        free, whole = self._space(self._folder)
        self._is_full = free < min(LEAST_BYTES, whole * _LEAST_SHARE)
        return not self._is_full


def _space(folder: str) -> tuple[int, int]:
    # slow import, and only now and then
    import shutil

    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return 2**62, 2**62
    return usage.free, usage.total

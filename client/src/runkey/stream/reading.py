"""Reads a journal back, whatever became of it.

A record that is not whole is passed over and counted, and reading goes on behind the next line break: at most what was damaged is lost.
What stands at the end and is not whole is a record that was being written when its process died; it is dropped.
"""

import os
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from runkey.errors import UsageError
from runkey.stream import framing

_SEGMENT = re.compile(r"journal\.(\d{6})")
_PIECE_BYTES = 256 * 1024


class Position(NamedTuple):
    """A place in a journal: which of its files, and how far into it."""

    segment: int
    offset: int


BEGINNING = Position(0, 0)


class Record(NamedTuple):
    """One record as it was read. kind: one letter; start, end: where it stands."""

    kind: bytes
    payload: bytes
    start: Position
    end: Position


def segment_path(folder: str, number: int) -> str:
    """Name a journal's file."""
    return os.path.join(folder, f"journal.{number:06}")


def list_segments(folder: str) -> list[int]:
    """Give the numbers of a journal's files, in order."""
    return sorted(int(found[1]) for name in os.listdir(folder) if (found := _SEGMENT.fullmatch(name)))


class Reader:
    """Reads one journal from a place on, as far as it is written.

    damaged: how many stretches were passed over. torn_bytes: what was dropped at the end. missing: files that are not there any more,
    between others.
    """

    def __init__(self, folder: str, start: Position = BEGINNING) -> None:
        """Begin at a place where a record begins."""
        self._folder = folder
        self._segment, self._base = start
        self._data = b""
        self._at = 0
        self._file: BinaryIO | None = None
        self.damaged = 0
        self.torn_bytes = 0
        self.missing = 0
        self._lost_bytes = 0

    def records(self, end: Position | None = None) -> Iterator[Record]:
        """Give the records up to a place: where its writer is. None: up to where the files end, which nobody writes any more.

        Can be called again to go on. Raises OSError for a journal that cannot be read, UsageError for one of a newer format.
        """
        while True:
            if self._file is None and not self._open_next(end):
                return
            assert self._file is not None
            is_last = end is not None and self._segment >= end.segment
            limit = end.offset if end is not None and is_last else os.fstat(self._file.fileno()).st_size
            record = self._next(limit)
            if record is not None:
                if record.kind == framing.HEAD:
                    _check_head(record.payload)
                else:
                    yield record
            elif is_last or not self._has_more_segments():
                self.torn_bytes += self._lost_bytes
                return
            else:
                # Its writer went on behind it, so nobody's death tore it.
                self.damaged += self._lost_bytes > 0
                self._close()

    def close(self) -> None:
        """Let go of the file."""
        self._close()

    def _next(self, limit: int) -> Record | None:
        """Give the next whole record that ends at or before a place in this file; None when there is none."""
        lost_from: int | None = None
        while True:
            start = self._base + self._at
            body = self._body(limit)
            if body is not None:
                if lost_from is not None:
                    self.damaged += 1
                self._at += framing.HEADER_BYTES + len(body) + 1
                kind, payload = body[:1], body[1:]
                return Record(kind, payload, Position(self._segment, start), Position(self._segment, self._base + self._at))
            if start >= limit:
                self._lost_bytes = 0 if lost_from is None else start - lost_from
                return None
            lost_from = start if lost_from is None else lost_from
            self._skip_line(limit)

    def _body(self, limit: int) -> bytes | None:
        """Give kind and payload of the record that stands here; None when none does."""
        if not self._has(framing.HEADER_BYTES, limit):
            return None
        length = framing.body_length(self._data, self._at)
        # The line break at the end may be what was not written any more.
        if length is None or not self._has(framing.HEADER_BYTES + length, limit):
            return None
        first = self._at + framing.HEADER_BYTES
        body = self._data[first : first + length]
        return body if framing.is_whole(self._data, self._at, body) else None

    def _skip_line(self, limit: int) -> None:
        """Go behind the next line break, or to the limit."""
        while self._base + self._at < limit:
            found = self._data.find(b"\n", self._at)
            if found >= 0:
                self._at = found + 1
                return
            self._at = len(self._data)
            if not self._has(1, limit):
                # Somebody cut the file: it ends before the place that its writer knows.
                self._base, self._data, self._at = limit, b"", 0

    def _has(self, count: int, limit: int) -> bool:
        """Make sure that so many bytes from here on are in memory; False when the limit comes before. Nothing beyond it is read."""
        # The line break behind the last record may not be in memory yet.
        have = max(0, len(self._data) - self._at)
        if have >= count:
            return True
        if self._base + self._at + count > limit:
            return False
        assert self._file is not None
        self._base, self._data, self._at = self._base + self._at, self._data[self._at :], 0
        self._file.seek(self._base + have)
        pieces = [self._data]
        while have < count:
            piece = self._file.read(min(max(_PIECE_BYTES, count - have), limit - self._base - have))
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self._data = b"".join(pieces)
        return have >= count

    def _open_next(self, end: Position | None) -> bool:
        for number in list_segments(self._folder):
            if number >= self._segment and (end is None or number <= end.segment):
                self._file = open(segment_path(self._folder, number), "rb", buffering=0)  # noqa: SIM115
                if number > self._segment:
                    self.missing += number - self._segment if self._segment else 0
                    self._segment, self._base = number, 0
                self._data, self._at = b"", 0
                return True
        return False

    def _has_more_segments(self) -> bool:
        return any(number > self._segment for number in list_segments(self._folder))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._segment, self._base, self._data, self._at = self._segment + 1, 0, b"", 0


def _check_head(payload: bytes) -> None:
    if framing.is_newer(payload):
        raise UsageError("This journal was written by a newer runkey. Update this one, and send it then.")

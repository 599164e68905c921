"""What a journal holds, merged into requests: as much as fits, in its order, each file's lines in one piece.

A row to which later calls may add (`P`) is complete when another row begins or the run ends, as W&B's is.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

from runkey.stream import framing
from runkey.stream.acknowledging import Acknowledged
from runkey.stream.reading import BEGINNING, Position, Reader, Record
from runkey_wire import file_stream
from runkey_wire.file_stream import Chunk


class Batch:
    """What goes out together. position: where the journal is read up to when this was acknowledged.

    rows: the number of the line after the last that is in it; exit_code: the run's last word, when it is in it.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.first_row = 0
        self.lines: list[str] = []
        self.chunks: dict[str, Chunk] = {}
        self.to_send: list[dict[str, str]] = []
        self.exit_code: int | None = None
        self.size_bytes = 0
        self.has_more = False
        self.position = BEGINNING

    @property
    def rows(self) -> int:
        """The number after the last row's."""
        return self.first_row + len(self.lines)

    def files(self, first_lines: dict[str, int]) -> dict[str, Chunk]:
        """Give the chunks as they go on the wire. first_lines: at which line each file of this run begins on the server."""
        found = dict(self.chunks)
        if self.lines:
            found[file_stream.HISTORY] = Chunk(self.first_row, tuple(self.lines))
        return {name: Chunk(chunk.offset + first_lines.get(name, 0), chunk.lines) for name, chunk in found.items()}


class _OpenRow:
    def __init__(self, number: int, start: Position) -> None:
        self.number = number
        self.start = start
        self.parts: list[bytes] = []

    def text(self) -> str:
        if len(self.parts) == 1:
            return self.parts[0].decode()
        row: dict[str, Any] = {}
        for part in self.parts:
            row.update(json.loads(part))
        return json.dumps(row, separators=(",", ":"), ensure_ascii=False)


class Gatherer:
    """Reads one journal, batch by batch."""

    def __init__(self, folder: str, acknowledged: Acknowledged, odd: Collection[Position] = ()) -> None:
        """Go on behind what was acknowledged. odd: where records begin that are passed over, because what they say makes no sense."""
        self._odd = odd
        self._position = acknowledged.position
        self.reader = Reader(folder, acknowledged.position)
        self._open: _OpenRow | None = None
        self._held: Record | None = None

    def gather(self, end: Position | None, max_bytes: int, *, is_all: bool = False) -> Batch:
        """Give what comes next, up to a place in the journal. Raises OSError when it cannot be read.

        is_all: nothing is written behind that place, also no last word, so that a row which is open is complete.
        """
        batch = Batch()
        for record in self._records(end):
            if record.start in self._odd:
                self._position = record.end
                continue
            if batch.size_bytes + len(record.payload) > max_bytes and batch.size_bytes:
                took = False
            else:
                took = self._take(record, batch)
            if not took:
                self._held = record
                batch.has_more = True
                break
            batch.size_bytes += len(record.payload)
            self._position = record.end
            if batch.exit_code is not None:
                break
        else:
            if is_all and self._open is not None and self._complete_open(batch):
                batch.size_bytes += 1
        held = self._held.start if self._held else self._position
        batch.position = self._open.start if self._open else held
        return batch

    def _records(self, end: Position | None) -> Iterator[Record]:
        if self._held is not None:
            held, self._held = self._held, None
            yield held
        yield from self.reader.records(end)

    def _take(self, record: Record, batch: Batch) -> bool:
        """Add a record; False when it has to wait for the next batch."""
        kind = record.kind
        if kind == framing.HISTORY or kind == framing.OPEN_ROW:
            return self._take_row(record, batch)
        if kind == framing.LINES:
            told = json.loads(record.payload)
            name, chunk = told["file"], Chunk(told["offset"], tuple(told["lines"]))
            merged = file_stream.merge(batch.chunks[name], chunk) if name in batch.chunks else chunk
            if merged is None:
                return False
            batch.chunks[name] = merged
        elif kind == framing.FILE:
            batch.to_send.append(json.loads(record.payload))
        elif kind == framing.END:
            if not self._complete_open(batch):
                return False
            batch.exit_code = int(json.loads(record.payload)["exit_code"])
        return True

    def _take_row(self, record: Record, batch: Batch) -> bool:
        number_text, _, line = record.payload.partition(b" ")
        number = int(number_text)
        if self._open is not None and self._open.number != number and not self._complete_open(batch):
            return False
        if record.kind == framing.HISTORY and self._open is None:
            return _add(batch, number, line.decode())
        if self._open is None:
            self._open = _OpenRow(number, record.start)
        self._open.parts.append(line)
        if record.kind == framing.HISTORY and not self._complete_open(batch):
            self._open.parts.pop()
            return False
        return True

    def _complete_open(self, batch: Batch) -> bool:
        if self._open is not None:
            if not _add(batch, self._open.number, self._open.text()):
                return False
            self._open = None
        return True


def _add(batch: Batch, number: int, line: str) -> bool:
    if not batch.lines:
        batch.first_row = number
    elif number != batch.rows:
        return False
    batch.lines.append(line)
    return True

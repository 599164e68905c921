"""What a run was when its process ended, read from its journal: config, summary, name; whether it ended by itself, and what was lost."""

import json
from typing import Any

from runkey.errors import UsageError
from runkey.runs.encoding import encode
from runkey.runs.metrics import Metrics
from runkey.runs.model import Standing
from runkey.runs.summary import Summary
from runkey.stream import Position, Reader, Record, framing
from runkey.stream.reading import list_segments
from runkey_wire import file_stream

_MOST_LINES = 2**53
_SENSELESS = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, UsageError)


class Replay:
    """A run as its journal tells it. standing: None when even its beginning cannot be read. exit_code: None when it did not end.

    rows: how many it took. first_segment: the number of its first file, 0 when there is none. torn_bytes: of a record that was being
    written at the end. damaged: stretches that could not be read; missing: files that are gone from between others; odd: where records
    begin that are whole and make no sense, as another version or another hand may have written them.
    Raises OSError, UsageError for a journal of a newer format.
    """

    def __init__(self, folder: str) -> None:
        """Read all of it."""
        self.standing: Standing | None = None
        self.exit_code: int | None = None
        self.rows = 0
        self.last_line = 0
        self._metrics = Metrics()
        self._summary = Summary(self._metrics, {}, lambda _, __: None)
        self._rows = _Rows()
        self.first_segment = min(list_segments(folder), default=0)
        self.odd: set[Position] = set()
        self._folder = folder
        self._faults = 0
        reader = Reader(folder)
        try:
            for record in reader.records():
                try:
                    self._see(record, reader)
                except _SENSELESS:
                    self.odd.add(record.start)
        finally:
            reader.close()
        self._count(self._rows.rest())
        self.damaged, self.torn_bytes, self.missing = reader.damaged, reader.torn_bytes, reader.missing

    def config(self) -> tuple[dict[str, Any], dict[str, Any], Metrics]:
        """Give the config, W&B's own part of it, and the metrics."""
        assert self.standing is not None
        return self.standing.config, self.standing.private, self._metrics

    def summary_text(self) -> str:
        """Give the summary as JSON."""
        return encode(self._summary.on_wire(), lambda _, __: None)

    def lines_up_to(self, row: dict[str, Any]) -> dict[str, int] | None:
        """Give how many lines of each file there are up to a row that a server has; None when it is none of this journal's.

        Cost: the journal is read once more. Kept in memory, ten million rows would take gigabytes.
        """
        sought = row.get("_step"), row.get("_timestamp")
        rows, lines = _Rows(), dict.fromkeys((file_stream.EVENTS, file_stream.CONSOLE), 0)
        reader = Reader(self._folder)
        try:
            for record in reader.records():
                if record.start in self.odd:
                    continue
                if record.kind == framing.LINES:
                    told = json.loads(record.payload)
                    lines[told["file"]] = max(lines.get(told["file"], 0), told["offset"] + len(told["lines"]))
                elif record.kind in (framing.HISTORY, framing.OPEN_ROW):
                    for number, found in rows.take(record):
                        if (found.get("_step"), found.get("_timestamp")) == sought:
                            return {**lines, file_stream.HISTORY: number + 1}
        finally:
            reader.close()
        for number, found in rows.rest():
            if (found.get("_step"), found.get("_timestamp")) == sought:
                return {**lines, file_stream.HISTORY: number + 1}
        return None

    def _see(self, record: Record, reader: Reader) -> None:
        kind = record.kind
        if kind == framing.BEGIN:
            self._begin(Standing(**json.loads(record.payload)), reader.damaged + reader.missing + len(self.odd))
        elif kind == framing.LINES:
            _check_lines(json.loads(record.payload))
        elif kind == framing.FILE:
            told = json.loads(record.payload)
            _expect(isinstance(told["name"], str) and isinstance(told["path"], str))
        elif kind in (framing.HISTORY, framing.OPEN_ROW):
            self._count(self._rows.take(record))
        elif self.standing is None:
            return
        elif kind == framing.CONFIG:
            _change(self.standing, json.loads(record.payload))
        elif kind == framing.SUMMARY:
            told = json.loads(record.payload)
            self._summary.apply(told["set"], told["removed"])
        elif kind == framing.METRIC:
            self._metrics.define(**json.loads(record.payload))
        elif kind == framing.END:
            self.exit_code = int(json.loads(record.payload)["exit_code"])

    def _begin(self, standing: Standing, faults: int) -> None:
        _expect(all(isinstance(each, str) for each in (standing.id, standing.project, standing.entity)) and standing.id != "")
        if self.standing is not None and faults == self._faults:
            # Each file of a journal begins with how the run stood; what was read before says the same.
            return
        self._faults = faults
        metrics = standing.define_metrics(Metrics())
        summary = Summary(metrics, {}, lambda _, __: None)
        summary.restore(standing.summary, standing.summary_state)
        self._metrics, self._summary = metrics, summary
        if self.standing is None:
            self.last_line = max(self.last_line, standing.line)
        else:
            # What the damage cost of config and summary stands here again.
            standing.is_resumed, standing.step, standing.line = self.standing.is_resumed, self.standing.step, self.standing.line
        self.standing = standing

    def _count(self, rows: list[tuple[int, dict[str, Any]]]) -> None:
        for number, row in rows:
            self._summary.take_row(row)
            self.rows += 1
            self.last_line = number + 1


class _Rows:
    """Puts rows together out of records."""

    def __init__(self) -> None:
        self._open: tuple[int, dict[str, Any]] | None = None

    def take(self, record: Record) -> list[tuple[int, dict[str, Any]]]:
        """Give the rows that are complete with this record: none, one, or one and that before it."""
        number_text, _, line = record.payload.partition(b" ")
        number, row = int(number_text), json.loads(line)
        _expect(isinstance(row, dict) and 0 <= number < _MOST_LINES)
        complete = self.rest() if self._open is not None and self._open[0] != number else []
        self._open = number, {**self._open[1], **row} if self._open else row
        return complete + self.rest() if record.kind == framing.HISTORY else complete

    def rest(self) -> list[tuple[int, dict[str, Any]]]:
        """Give the row that is open, if any."""
        found, self._open = self._open, None
        return [found] if found is not None else []


def _check_lines(told: Any) -> None:
    offset, lines = told["offset"], told["lines"]
    _expect(isinstance(told["file"], str) and isinstance(offset, int) and 0 <= offset < _MOST_LINES)
    _expect(isinstance(lines, list) and all(isinstance(line, str) for line in lines))


def _expect(is_so: bool) -> None:
    if not is_so:
        raise ValueError


def _change(standing: Standing, told: dict[str, Any]) -> None:
    standing.config.update(told.get("set") or {})
    for key in told.get("removed") or ():
        standing.config.pop(key, None)
    standing.add_private(told.get("private") or {})
    standing.origin.update(told.get("origin") or {})
    for member, value in (told.get("described") or {}).items():
        setattr(standing, member, value)

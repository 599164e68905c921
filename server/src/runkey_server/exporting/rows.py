"""History and events as a table: `run` (of a project), `_step`, `_runtime`, `_timestamp`, then the keys as they were first seen.

What is there when the export begins is what it holds: rows that come later are left out. A run that is begun again meanwhile, so that its
rows are others, ends the export.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from runkey_server import history
from runkey_server.database import Database
from runkey_server.exporting.model import Changed, Field, Span, unlike
from runkey_server.history import INT, STEPS, Column, Path, Stream, name_of

_STEP: Path = ("_step",)
_FIRST: tuple[Path, ...] = (_STEP, ("_runtime",), ("_timestamp",))


@dataclass(frozen=True)
class _Source:
    """One run: its id, its name, the lines it had at the beginning and where they are, and where its paths stand in the table."""

    run_id: int
    name: str
    end: int
    stretches: list[tuple[int, int]]
    places: dict[int, Path]


class HistoryTable:
    """The rows of one run, or of several one after another."""

    def __init__(self, database: Database, stream: Stream, found: Sequence[tuple[int, str]], *, names_runs: bool) -> None:
        """Find the columns. found: ids and names of the runs. names_runs: with their names as the first column."""
        self.database = database
        self.stream = stream
        taken: set[str] = set()
        self.fields = [Field(unlike("run", taken))] if names_runs else []
        self.names_runs = names_runs
        self._places: dict[Path, int] = {}
        self.sources: list[_Source] = []
        for path in _FIRST:
            self._place(path, taken, is_heavy=False)
        for run_id, name in found:
            with database.reading() as transaction:
                end = history.count_lines(transaction, run_id, stream)
                stretches = history.list_stretches(transaction, run_id, stream)
                facts = history.list_facts(transaction, run_id, stream)
            places = {self._places[_STEP]: _STEP}
            for path, known in facts.items():
                places[self._place(path, taken, is_heavy=not known.counts.keys() <= {"number", "boolean", "nil"})] = path
            self.sources.append(_Source(run_id, name, end, stretches, places))

    def _place(self, path: Path, taken: set[str], *, is_heavy: bool) -> int:
        if path not in self._places:
            self._places[path] = len(self.fields)
            self.fields.append(Field(unlike(name_of(path), taken), is_heavy))
        place = self._places[path]
        if is_heavy and not self.fields[place].is_heavy:
            self.fields[place] = Field(self.fields[place].name, is_heavy)
        return place

    def spans(self, rows: int) -> Iterator[Span]:
        """Divide the lines that were there at the beginning."""
        for number, source in enumerate(self.sources):
            for start, end in source.stretches:
                for first in range(start, end, rows):
                    yield Span(number, first, min(first + rows, end))

    def begin(self, span: Span) -> "_HistoryRows":
        """Find the lines of a span."""
        source = self.sources[span.source]
        with self.database.reading() as transaction:
            if history.count_lines(transaction, source.run_id, self.stream) < source.end:
                raise Changed
            steps = history.read_columns(transaction, source.run_id, self.stream, (span.first, span.end), ()).get(STEPS)
        return _HistoryRows(self, source, span, _none() if steps is None else steps)


class _HistoryRows:
    """The rows of one run's lines."""

    def __init__(self, table: HistoryTable, source: _Source, span: Span, steps: Column) -> None:
        self._table = table
        self._source = source
        self._span = span
        self._steps = steps
        self.count = len(steps)

    def read(self, places: Sequence[int]) -> dict[int, Column]:
        """Read some columns, in a transaction of their own."""
        wanted = {place: self._source.places[place] for place in places if place in self._source.places}
        found: dict[int, Column] = {}
        if self._table.names_runs and 0 in places and self.count:
            found[0] = Column.of(np.arange(self.count), [self._source.name] * self.count)
        if wanted and self.count:
            with self._table.database.reading() as transaction:
                found |= self._read(transaction, wanted)
        return found

    def _read(self, transaction: sa.Connection, wanted: dict[int, Path]) -> dict[int, Column]:
        lines, names = (self._span.first, self._span.end), {name_of(path) for path in wanted.values()}
        columns = history.read_columns(transaction, self._source.run_id, self._table.stream, lines, names)
        found = {}
        for place, path in wanted.items():
            column = columns.get(path)
            if path == _STEP:
                column = self._with_steps(column)
            if column is not None:
                found[place] = self._in_rows(column)
        return found

    def _with_steps(self, column: Column | None) -> Column:
        """Give every row a step: what was logged as `_step`, or else what counts as its step."""
        if column is None:
            return self._steps
        missing = self._steps.take(~np.isin(self._steps.lines, column.lines, assume_unique=True))
        return Column.joined([column, missing]) if len(missing) else column

    def _in_rows(self, column: Column) -> Column:
        """Number the values by row instead of by line."""
        rows = np.searchsorted(self._steps.lines, column.lines)
        if bool((rows == self.count).any()) or not np.array_equal(self._steps.lines[rows], column.lines):
            raise Changed
        return Column(rows, column.kinds, column.floats, column.ints, column.others)


def _none() -> Column:
    empty = np.empty(0, np.int64)
    return Column(empty, np.full(0, INT, np.uint8), np.empty(0, np.float64), empty, [])

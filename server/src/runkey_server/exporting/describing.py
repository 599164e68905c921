"""Runs as a table, one a row: id, name, state, times, tags, then `config.…` and `summary.…` by dotted names.

Unlike rows of history these change at any time, so a table of them is read within one transaction, which is soon over.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from runkey_server import runs
from runkey_server.exporting.model import Field, Span, unlike
from runkey_server.history import Column
from runkey_server.projects import Project
from runkey_server.runs import Run

_RUNS_AT_ONCE = 256


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


_OWN: dict[str, Callable[[Run, datetime], Any]] = {
    "run": lambda run, now: run.name,
    "name": lambda run, now: run.display_name,
    "state": lambda run, now: run.state(now),
    "created_at": lambda run, now: _moment(run.created_at),
    "heartbeat_at": lambda run, now: _moment(run.heartbeat_at),
    "exit_code": lambda run, now: run.exit_code,
    "tags": lambda run, now: list(run.tags),
    "notes": lambda run, now: run.notes,
    "group": lambda run, now: run.group_name,
    "job_type": lambda run, now: run.job_type,
    "host": lambda run, now: run.host,
    "program": lambda run, now: run.program,
    "commit": lambda run, now: run.commit_hash,
}


class RunsTable:
    """A project's runs, oldest first, as they are in one transaction."""

    def __init__(self, transaction: sa.Connection, project: Project, now: datetime) -> None:
        """Find the columns."""
        self._transaction = transaction
        self._project = project
        self._now = now
        self._count = runs.count_runs(transaction, project)
        taken: set[str] = set()
        self.fields = [Field(unlike(name, taken)) for name in _OWN]
        self._places: dict[str, int] = {}
        found: dict[str, None] = {}
        for span in self.spans(_RUNS_AT_ONCE):
            for run in self._page(span):
                found |= dict.fromkeys(_values(run))
        for name in sorted(found, key=lambda name: name.partition(".")[0]):
            self._places[name] = len(self.fields)
            self.fields.append(Field(unlike(name, taken)))

    def spans(self, rows: int) -> Iterator[Span]:
        """Divide the runs into pages."""
        size = min(rows, _RUNS_AT_ONCE)
        for first in range(0, self._count, size):
            yield Span(0, first, min(first + size, self._count))

    def begin(self, span: Span) -> "_RunRows":
        """Read a page of runs."""
        return _RunRows(self._table_of(self._page(span)), span.end - span.first)

    def _page(self, span: Span) -> list[Run]:
        return runs.list_runs(self._transaction, self._project, skip=span.first, at_most=span.end - span.first)

    def _table_of(self, page: list[Run]) -> dict[int, Column]:
        values: dict[int, tuple[list[int], list[Any]]] = {}

        def put(place: int, row: int, value: Any) -> None:
            rows, held = values.setdefault(place, ([], []))
            rows.append(row)
            held.append(value)

        for row, run in enumerate(page):
            for place, read in enumerate(_OWN.values()):
                put(place, row, read(run, self._now))
            for name, value in _values(run).items():
                put(self._places[name], row, value)
        return {place: Column.of(np.array(rows, np.int64), held) for place, (rows, held) in values.items()}


class _RunRows:
    """A page of runs."""

    def __init__(self, columns: dict[int, Column], count: int) -> None:
        self._columns = columns
        self.count = count

    def read(self, places: Sequence[int]) -> dict[int, Column]:
        """Give columns."""
        return {place: self._columns[place] for place in places if place in self._columns}


def _values(run: Run) -> dict[str, Any]:
    return {f"config.{name}": value for name, value in runs.flat(runs.config_of(run))} | {
        f"summary.{name}": value for name, value in runs.flat(runs.summary_of(run))
    }

"""How many bytes a project takes: what is kept of its history, its console's text, its files. What can still be restored counts."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import sqlalchemy as sa

from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.files.tables import blobs, files
from runkey_server.history.tables import history_bodies, history_chunks, history_segments
from runkey_server.projects.tables import projects
from runkey_server.runs.tables import console_lines, runs

_REMEMBERED_FOR = timedelta(minutes=1)
_TIMES_ITS_COST = 100
"""What took long to measure is remembered for longer: so many times as long as it took."""

_MAX_REMEMBERED = 10_000
_HAS_OCTET_LENGTH = sqlite3.sqlite_version_info >= (3, 43)


@dataclass(frozen=True)
class Usage:
    """Bytes. history: rows, figures of the machine, and outlines. files: each distinct content once."""

    history: int = 0
    console: int = 0
    files: int = 0

    @property
    def total(self) -> int:
        """All together."""
        return self.history + self.console + self.files


class Meter:
    """Measures for one worker, and remembers for a minute or more: 200 runs of 100 metrics and 10,000 steps take 0.3 s of CPU."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Begin with nothing in mind."""
        self._database = database
        self._clock = clock
        # Until when what was measured holds.
        self._remembered: dict[int, tuple[datetime, Usage]] = {}

    def measure(self, project_ids: Sequence[int]) -> dict[int, Usage]:
        """Give what projects take, or took a moment ago. Raises Error `unavailable`."""
        at = self._clock()
        # Other threads remember meanwhile.
        remembered = dict(self._remembered)
        found = {each: remembered[each][1] for each in project_ids if each in remembered and at < remembered[each][0]}
        unknown = [each for each in project_ids if each not in found]
        if unknown:
            began = monotonic()
            with self._database.reading() as transaction:
                measured = measure(transaction, unknown)
            found |= measured
            until = at + max(_REMEMBERED_FOR, timedelta(seconds=_TIMES_ITS_COST * (monotonic() - began)))
            if len(self._remembered) > _MAX_REMEMBERED:
                self._remembered = {}
            self._remembered.update({each: (until, usage) for each, usage in measured.items()})
        return found


def measure(transaction: sa.Connection, project_ids: Sequence[int]) -> dict[int, Usage]:
    """Give what projects take. Cost: every row of them is looked at, though of large values the length alone is read."""

    def add_up(table: sa.Table, size: "sa.ColumnElement[int]") -> dict[int, int]:
        joined = runs.join(table, table.c.run_id == runs.c.id)
        statement = sa.select(runs.c.project_id, sa.func.sum(size)).select_from(joined).where(runs.c.project_id.in_(project_ids))
        return {row[0]: int(row[1]) for row in transaction.execute(statement.group_by(runs.c.project_id))}

    history = [
        add_up(history_segments, sa.func.length(history_segments.c.body)),
        add_up(history_bodies, sa.func.length(history_bodies.c.body)),
        add_up(history_chunks, sa.func.length(history_chunks.c.outline)),
    ]
    console = add_up(console_lines, _octets(transaction, console_lines.c.body))
    saved = _add_up_files(transaction, project_ids)
    return {each: Usage(sum(part.get(each, 0) for part in history), console.get(each, 0), saved.get(each, 0)) for each in project_ids}


def measure_files(transaction: sa.Connection, account_id: int) -> dict[int, int]:
    """Give what the files of each project of an account take. Cost: its files are looked at, by their rows."""
    return _add_up_files(transaction, sa.select(projects.c.id).where(projects.c.account_id == account_id))


def _add_up_files(transaction: sa.Connection, project_ids: "Sequence[int] | sa.Select[Any]") -> dict[int, int]:
    of_runs = sa.select(runs.c.project_id, files.c.sha256, files.c.size_bytes).join_from(runs, files, files.c.run_id == runs.c.id)
    of_artifacts = sa.select(projects.c.id.label("project_id"), blobs.c.sha256, blobs.c.size_bytes).join_from(
        projects, blobs, blobs.c.project_id == projects.c.id
    )
    # Equal rows become one: the same bytes count once in a project.
    contents = sa.union(of_runs.where(runs.c.project_id.in_(project_ids)), of_artifacts.where(projects.c.id.in_(project_ids))).subquery()
    added = sa.select(contents.c.project_id, sa.func.sum(contents.c.size_bytes)).group_by(contents.c.project_id)
    return {row[0]: int(row[1]) for row in transaction.execute(added)}


def _octets(transaction: sa.Connection, text: Any) -> "sa.ColumnElement[int]":
    """The bytes of a text; older SQLite counts characters alone."""
    if transaction.dialect.name == "sqlite" and not _HAS_OCTET_LENGTH:
        return sa.func.length(sa.cast(text, sa.LargeBinary))
    return sa.func.octet_length(text)

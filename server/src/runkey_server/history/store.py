"""The lines of history and events: functions that take an open transaction."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from runkey_server.history.model import Stream
from runkey_server.history.tables import history_lines as t


def read_span(transaction: sa.Connection, run_id: int, stream: Stream, first: int, count: int) -> dict[int, str]:
    """Give what stands at these lines: line number to body."""
    rows = transaction.execute(sa.select(t.c.line, t.c.body).where(*_of(run_id, stream), t.c.line >= first, t.c.line < first + count))
    return {row.line: row.body for row in rows}


def insert_lines(transaction: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows with run_id, stream, line, step and body."""
    if rows:
        transaction.execute(sa.insert(t), rows)


def delete_from(transaction: sa.Connection, run_id: int, stream: Stream, first: int) -> None:
    """Drop the lines from one on."""
    transaction.execute(sa.delete(t).where(*_of(run_id, stream), t.c.line >= first))


def next_line(transaction: sa.Connection, run_id: int, stream: Stream) -> int:
    """Give the number of the line after the last."""
    last = transaction.execute(sa.select(sa.func.max(t.c.line)).where(*_of(run_id, stream))).scalar()
    return 0 if last is None else int(last) + 1


def read_last(transaction: sa.Connection, run_id: int, stream: Stream, count: int) -> list[str]:
    """Give the last lines, in their order."""
    rows = transaction.execute(sa.select(t.c.body).where(*_of(run_id, stream)).order_by(t.c.line.desc()).limit(count)).scalars()
    return list(rows)[::-1]


def read_bodies(
    transaction: sa.Connection,
    run_id: int,
    stream: Stream,
    *,
    min_step: int | None = None,
    max_step: int | None = None,
    at_most: int | None = None,
) -> list[str]:
    """Give lines in their order; min_step is included, max_step is not."""
    statement = sa.select(t.c.body).where(*_of(run_id, stream)).order_by(t.c.line)
    if min_step is not None:
        statement = statement.where(t.c.step >= min_step)
    if max_step is not None:
        statement = statement.where(t.c.step < max_step)
    if at_most is not None:
        statement = statement.limit(at_most)
    return list(transaction.execute(statement).scalars())


def _of(run_id: int, stream: Stream) -> tuple[sa.ColumnElement[bool], ...]:
    return (t.c.run_id == run_id, t.c.stream == int(stream))


def delete_lines_of(transaction: sa.Connection, run_id: int) -> None:
    """Drop all lines of a run."""
    transaction.execute(sa.delete(t).where(t.c.run_id == run_id))

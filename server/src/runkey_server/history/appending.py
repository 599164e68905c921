"""Rows in, idempotent by run, stream and line number.

The same bytes again at the same line change nothing. Other bytes replace the line and drop the later ones of that stream, because a run
that is begun again under its id overwrites: the official client, started twice with one id and no resume, sends from line 0 again.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from runkey_server.errors import Error
from runkey_server.history import store
from runkey_server.history.model import Stream
from runkey_wire import history_line, limits
from runkey_wire.errors import Malformed

_MAX_STEP = 2**63 - 1


def append(transaction: sa.Connection, run_id: int, stream: Stream, first: int, lines: tuple[str, ...]) -> None:
    """Write lines from number `first` on. Raises Error `invalid` when one is not a JSON object or too long; then none is written."""
    if not lines:
        return
    rows = [_row(run_id, stream, first + index, line) for index, line in enumerate(lines)]
    there = store.read_span(transaction, run_id, stream, first, len(lines))
    for index, row in enumerate(rows):
        body = there.get(row["line"])
        if body is not None and body != row["body"]:
            store.delete_from(transaction, run_id, stream, row["line"])
            store.insert_lines(transaction, [*_missing(rows[:index], there), *rows[index:]])
            return
    store.insert_lines(transaction, _missing(rows, there))


def _missing(rows: list[dict[str, Any]], there: dict[int, str]) -> list[dict[str, Any]]:
    return [row for row in rows if row["line"] not in there]


def _row(run_id: int, stream: Stream, line: int, body: str) -> dict[str, Any]:
    if len(body) > limits.MAX_LINE_BYTES:
        raise Error("invalid", f"Line {line} is longer than {limits.MAX_LINE_BYTES} bytes.")
    # Half of a surrogate pair has no UTF-8: it becomes a question mark, and the row is kept.
    body = body.encode("utf-8", "replace").decode()
    try:
        parsed = history_line.parse(body)
    except Malformed:
        raise Error("invalid", f"Line {line} is not a JSON object. Nothing of this request was kept.") from None
    step = parsed.get("_step")
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step <= _MAX_STEP:
        step = line
    # A NUL has no place in PostgreSQL's text; in JSON it can only stand escaped, so none is ever met here unescaped.
    return {"run_id": run_id, "stream": int(stream), "line": line, "step": step, "body": body}


def purge(transaction: sa.Connection, run_ids: Sequence[int]) -> None:
    """Drop all lines of runs, for good."""
    for run_id in run_ids:
        store.delete_lines_of(transaction, run_id)

"""What a run prints, as lines at their place. A progress bar rewrites its line; that drops no later one."""

import sqlalchemy as sa

from runkey_server.runs import store


def write_console(transaction: sa.Connection, run_id: int, first: int, lines: tuple[str, ...]) -> None:
    """Write lines from number `first` on, replacing what stands there."""
    # PostgreSQL's text has no place for NUL, and UTF-8 none for lone surrogates; a terminal shows neither.
    clean = [line.replace("\0", "").encode("utf-8", "replace").decode() for line in lines]
    store.put_console_lines(transaction, run_id, first, clean)


def measure_console(transaction: sa.Connection, run_id: int, first: int, count: int) -> tuple[int, int]:
    """Give how many lines stand at the places from number `first` on, and how many bytes they have."""
    return store.measure_console(transaction, run_id, first, count)


def read_console(transaction: sa.Connection, run_id: int, *, last: int = 1_000) -> tuple[int, list[tuple[int, str]]]:
    """Give how many lines there are, and the last of them in order, as (line number, text)."""
    return store.next_console_line(transaction, run_id), store.read_console_lines(transaction, run_id, last=last)

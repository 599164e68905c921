"""Rows out, as they were sent; and what keys there are."""

from typing import Any

import sqlalchemy as sa

from runkey_server.history import store
from runkey_server.history.model import Stream
from runkey_wire import history_line


def count_lines(transaction: sa.Connection, run_id: int, stream: Stream) -> int:
    """Give the number of the line that would come next: where a resumed run goes on."""
    return store.next_line(transaction, run_id, stream)


def last_lines(transaction: sa.Connection, run_id: int, stream: Stream, count: int) -> list[str]:
    """Give the last lines, in their order."""
    return store.read_last(transaction, run_id, stream, count)


def read_steps(transaction: sa.Connection, run_id: int, stream: Stream, min_step: int, max_step: int, at_most: int) -> list[str]:
    """Give the lines whose step is at least min_step and below max_step, in their order, at most so many."""
    return store.read_bodies(transaction, run_id, stream, min_step=min_step, max_step=max_step, at_most=at_most)


def read_all(transaction: sa.Connection, run_id: int, stream: Stream) -> list[dict[str, Any]]:
    """Give every row, in order. Cost: every line is parsed."""
    return [history_line.parse(body) for body in store.read_bodies(transaction, run_id, stream)]


def describe_keys(transaction: sa.Connection, run_id: int) -> dict[str, Any]:
    """Describe the keys of a run's history, as W&B's `historyKeys`.

    `{"sets": [], "keys": {key: {"typeCounts": [{"type", "count"}], "monotonic": bool, "previousValue": last value}}, "lastStep": step}`;
    values of nested dicts by dotted path. Cost: every line is parsed.
    """
    keys: dict[str, _Key] = {}
    last_step = -1
    for row in read_all(transaction, run_id, Stream.HISTORY):
        last_step = max(last_step, row["_step"] if isinstance(row.get("_step"), int) else -1)
        for name, value in _flat(row):
            keys.setdefault(name, _Key()).see(value)
    return {"sets": [], "keys": {name: key.as_json() for name, key in keys.items()}, "lastStep": last_step}


class _Key:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.monotonic = True
        self.previous: Any = None

    def see(self, value: Any) -> None:
        kind = _type_name(value)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind != "number" or (self.previous is not None and not value >= self.previous):
            self.monotonic = False
        self.previous = value if kind in ("number", "string") else None

    def as_json(self) -> dict[str, Any]:
        counts = [{"type": kind, "count": count} for kind, count in self.counts.items()]
        return {"typeCounts": counts, "monotonic": self.monotonic, "previousValue": self.previous}


def _flat(row: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted paths of a row's values; a dict with `_type` is one value (media)."""
    found: list[tuple[str, Any]] = []
    for name, value in row.items():
        if isinstance(value, dict) and "_type" not in value:
            found.extend(_flat(value, f"{prefix}{name}."))
        else:
            found.append((prefix + name, value))
    return found


def _type_name(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case None:
            return "nil"
        case dict():
            return str(value.get("_type", "map"))
        case _:
            return "array"

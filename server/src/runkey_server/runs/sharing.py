"""Several processes that write one run at once, each counting its own lines from 0 (W&B's shared mode).

Observed with the official client 0.31: each of them names itself in a header, and sends the lines of its files from offset 0 on, its own
summary and its own config. So its lines are placed behind what is there, whoever wrote that; how many of them came is remembered, and a
repeated request changes nothing.
"""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from runkey_server.errors import Error
from runkey_server.runs import store

MAX_WRITERS = 10_000
MAX_WRITER_CHARACTERS = 128


@dataclass(frozen=True)
class Stretch:
    """Lines of a chunk, from one index up to but not with another, and the number of the line at which they are placed."""

    start: int
    end: int
    place: int


@dataclass(frozen=True)
class Placement:
    """Where the lines of a chunk belong. again: those of the last stretch that came before, which a progress bar may rewrite."""

    again: Stretch
    new: Stretch


def place_lines(transaction: sa.Connection, run_id: int, writer: str, file: str, lines: tuple[int, int], end: int) -> Placement:
    """Say where lines of a writer belong, and note that they came. lines: from one up to but not with another, by its own count.

    end: the number of the line after the file's last; the caller read it after `lock_run`. Raises Error `invalid` for too many writers.
    """
    known = store.find_writer(transaction, run_id, writer, file)
    if known is None:
        if store.count_writers(transaction, run_id, file) >= MAX_WRITERS:
            raise Error("invalid", f"More than {MAX_WRITERS} processes cannot write one run together.")
        known = (0, 0, end)
    next_line, first_line, first_place = known
    first, after = lines
    again = (max(first, first_line), max(first, first_line, min(after, next_line)))
    new = min(max(first, next_line), after)
    if new < after:
        # What follows the writer's last lines without a gap makes their stretch longer.
        goes_on = first <= next_line and first_place + next_line - first_line == end
        store.put_writer(transaction, run_id, writer, file, (after, *((first_line, first_place) if goes_on else (new, end))))
    return Placement(
        Stretch(again[0] - first, again[1] - first, first_place + again[0] - first_line),
        Stretch(new - first, after - first, end),
    )


def join_config(old: str, new: str) -> str:
    """Add what one writer says of the config to what is there; what is W&B's own (`_wandb`) is joined one level deeper."""
    mine, added = json.loads(old), json.loads(new)
    own = _inner(mine), _inner(added)
    joined = mine | added
    if own[0] and own[1]:
        machines = {name: each for part in own for name, each in _dict(part.get("e")).items()}
        value = own[0] | {name: each for name, each in own[1].items() if each or name not in own[0]} | ({"e": machines} if machines else {})
        joined["_wandb"] = {"value": value}
    return json.dumps(joined, ensure_ascii=False, separators=(",", ":"))


def join_summary(old: str, new: str) -> str:
    """Add what one writer says of the summary to what is there. What is no JSON object is handed on, for who checks it."""
    try:
        added = json.loads(new)
    except (ValueError, RecursionError):
        return new
    return json.dumps(json.loads(old) | added, ensure_ascii=False, separators=(",", ":")) if isinstance(added, dict) else new


def _inner(config: dict[str, Any]) -> dict[str, Any]:
    return _dict(_dict(config.get("_wandb")).get("value"))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

"""Looks through what is kept of a run's history: every body is decoded, and what was derived from it is derived again and compared.

Nothing is changed here; `mending` does that. A stream is looked at within one transaction, so that a running server may go on writing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from json import dumps, loads
from typing import Any

import numpy as np
import sqlalchemy as sa

from runkey_server.history import store
from runkey_server.history.columns import Column, Ints
from runkey_server.history.describing import Facts, facts_of
from runkey_server.history.encoding import decode
from runkey_server.history.outlines import KIND, Outline
from runkey_server.history.packed import outline_of
from runkey_server.history.packing import STEPS, Columns, Path, name_of, unpack
from runkey_server.history.store import Place
from runkey_server.history.tables import FULL, STEPS_ID

_EXACT = [name for name in KIND.names or () if name != "sum"]
_SUM_TOLERANCE = 1e-9
"""Sums of a block that came in pieces were added up in another order."""


@dataclass
class Chunk:
    """One chunk as it lies there. column: what its body says; None when it says nothing."""

    head: Any
    body: bytes | None
    column: Column | None


@dataclass
class Looked:
    """What a look at a stream found. faults: sentences; wrong_keys: keys of which something is wrong; is_counted_wrong: its own row is."""

    faults: list[str] = field(default_factory=list)
    wrong_keys: set[int] = field(default_factory=set)
    is_counted_wrong: bool = False

    def say(self, sentence: str, key_id: int | None = None) -> None:
        """Note a fault."""
        self.faults.append(sentence)
        if key_id is not None:
            self.wrong_keys.add(key_id)


def look(transaction: sa.Connection, place: Place) -> Looked:
    """Look at one stream. Cost: everything of it is read; one key's values at a time are in memory, and all steps."""
    found = Looked()
    names = _look_at_keys(transaction, place, found)
    told = {row.key_id: row.facts for row in store.list_keys(transaction, place)}
    steps = read_steps(transaction, place)
    chunks = {(head.key_id, head.first_index) for head in store.list_chunks(transaction, place)}
    key_ids = sorted({*told, *(key_id for key_id, _ in chunks)})
    ends = [_look_at_key(transaction, place, key_id, names.get(key_id), told.get(key_id), steps, found) for key_id in key_ids]
    for key_id, first_index in store.list_body_places(transaction, place):
        if (key_id, first_index) not in chunks:
            found.say(f"values of {names.get(key_id, 'a key without a name')} from place {first_index} on belong to no chunk", key_id)
    folded_end = max(ends, default=0)
    last = _look_at_segments(transaction, place, steps, found)
    _look_at_counts(transaction, place, folded_end, max(last, 0 if steps is None else int(steps.lines[-1]) + 1), found)
    return found


def read_chunks(transaction: sa.Connection, place: Place, key_id: int) -> Iterator[Chunk]:
    """Give the chunks of a key, in order, readable or not."""
    for head in store.list_chunks(transaction, place, [key_id], with_facts=True):
        body = store.look_for_body(transaction, place, key_id, head.first_index)
        yield Chunk(head, body, None if body is None else try_to_decode(body))


def read_steps(transaction: sa.Connection, place: Place) -> Column | None:
    """Give the steps of the folded lines, as far as they can be read; None when there are none."""
    pieces = [chunk.column for chunk in read_chunks(transaction, place, STEPS_ID) if chunk.column is not None]
    return Column.joined(pieces) if pieces else None


def try_to_decode(body: bytes) -> Column | None:
    """Read a column; None for bytes that are none."""
    try:
        column = decode(body)
    except Exception:  # whatever damaged bytes make a decoder do
        return None
    return column if len(column) and bool(np.all(column.lines[1:] > column.lines[:-1])) else None


def try_to_unpack(body: bytes, first_line: int) -> Columns | None:
    """Read a segment; None for bytes that are none."""
    try:
        columns = unpack(body, first_line)
    except Exception:  # as above
        return None
    return columns if STEPS in columns and len(columns[STEPS]) else None


def path_of(text: str) -> Path | None:
    """Read a key's path as it is kept; None for what is none."""
    try:
        path = tuple(loads(text))
    except (ValueError, TypeError):
        return None
    return path if all(isinstance(part, str) for part in path) else None


def quoted(path: Path) -> str:
    """Name a key for people."""
    return "the steps" if path == STEPS else repr(name_of(path)[:100])


def _look_at_keys(transaction: sa.Connection, place: Place, found: Looked) -> dict[int, str]:
    names = {}
    for row in store.list_keys(transaction, place):
        path = path_of(row.path)
        if path is None:
            found.say(f"the name of key {row.key_id} cannot be read", row.key_id)
            continue
        names[row.key_id] = quoted(path)
        if row.name != dumps(name_of(path)):
            found.say(f"{names[row.key_id]} is looked for under another name", row.key_id)
    return names


def _look_at_key(
    transaction: sa.Connection, place: Place, key_id: int, name: str | None, told: str | None, steps: Column | None, found: Looked
) -> int:
    """Look at a key's chunks; give the line after its last. told: its facts, as they are kept."""
    if told is None:
        found.say(f"there are values of key {key_id}, and no name for it", key_id)
    name = name or f"key {key_id}"
    facts, index, end, is_open = Facts(), 0, 0, False
    for chunk in read_chunks(transaction, place, key_id):
        head, column = chunk.head, chunk.column
        where = f"{name}, lines {head.first_line} to {head.last_line}"
        if column is None:
            found.say(f"{where}: {'the values are missing' if chunk.body is None else 'the values cannot be read'}", key_id)
            index, end = head.first_index + head.points, max(end, head.last_line + 1)
            continue
        if head.first_index != index:
            found.say(f"{where}: begins at place {head.first_index} of its series instead of {index}", key_id)
        if (head.points, head.first_line, head.last_line) != (len(column), int(column.lines[0]), int(column.lines[-1])):
            found.say(f"{where}: holds {len(column)} values, of lines {column.lines[0]} to {column.lines[-1]}", key_id)
        if int(column.lines[0]) < end:
            found.say(f"{where}: overlaps what is before it", key_id)
        if is_open and len(column) >= FULL:
            found.say(f"{where}: a full chunk stands behind one that is not", key_id)
        is_open = is_open or len(column) < FULL
        own = facts_of(column)
        if head.facts != own.as_text():
            found.say(f"{where}: what is told of the values is not so", key_id)
        if not _is_outlined(transaction, place, head, column, steps, has_lost_steps=STEPS_ID in found.wrong_keys):
            found.say(f"{where}: the outline is not that of the values", key_id)
        facts, index, end = facts.followed_by(own), head.first_index + len(column), int(column.lines[-1]) + 1
    if told is not None and not _are_told(told, facts) and key_id not in found.wrong_keys:
        found.say(f"{name}: what is told of the key is not so", key_id)
    return end


def _are_told(kept: str, facts: Facts) -> bool:
    try:
        return _text(Facts.from_text(kept)) == _text(facts)
    except (ValueError, TypeError):
        return False


def _text(facts: Facts) -> str:
    # Not compared as they are: NaN is not itself.
    return dumps([facts.counts, facts.is_monotonic, facts.first, facts.last], sort_keys=True)


def _is_outlined(
    transaction: sa.Connection, place: Place, head: Any, column: Column, steps: Column | None, *, has_lost_steps: bool
) -> bool:
    if steps is None or not _have_steps(column.lines, steps):
        return has_lost_steps
    body = store.find_outline(transaction, place, head.key_id, head.first_index)
    if len(body) % KIND.itemsize:
        return False
    return are_alike(np.frombuffer(body, KIND), outline_of(column, steps, head.first_index))


def _have_steps(lines: Ints, steps: Column) -> bool:
    places = np.searchsorted(steps.lines, lines)
    return bool(np.all(places < len(steps))) and np.array_equal(steps.lines[places], lines)


def are_alike(one: Outline, other: Outline) -> bool:
    """Tell whether two outlines say the same."""
    if len(one) != len(other):
        return False
    for name in _EXACT:
        same = (one[name] == other[name]) | ((one[name] != one[name]) & (other[name] != other[name]))
        if not bool(np.all(same)):
            return False
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(other["min"]), np.abs(other["max"])) * np.maximum(other["points"], 1)
        near = np.abs(one["sum"] - other["sum"]) <= _SUM_TOLERANCE * size
    # Sums beyond what a float holds, and of nothing, say nothing.
    return bool(np.all(near | ~np.isfinite(size) | (~np.isfinite(one["sum"]) & ~np.isfinite(other["sum"]))))


def _look_at_segments(transaction: sa.Connection, place: Place, steps: Column | None, found: Looked) -> int:
    """Look at what is not folded yet; give the line after its last."""
    end = 0
    taken = [] if steps is None else [steps.lines]
    for segment in store.list_segments(transaction, place):
        where = f"lines {segment.first_line} to {segment.last_line}, all keys"
        end = max(end, segment.last_line + 1)
        columns = try_to_unpack(segment.body, segment.first_line)
        if columns is None:
            found.say(f"{where}: cannot be read")
            continue
        lines = columns[STEPS].lines
        if (int(lines[0]), int(lines[-1])) != (segment.first_line, segment.last_line):
            found.say(f"{where}: holds lines {lines[0]} to {lines[-1]}")
        taken.append(lines)
    lines = np.concatenate(taken) if taken else np.zeros(0, np.int64)
    if len(np.unique(lines)) != len(lines):
        found.say(f"{len(lines) - len(np.unique(lines))} lines are there twice")
    return end


def _look_at_counts(transaction: sa.Connection, place: Place, folded_end: int, end: int, found: Looked) -> None:
    state = store.find_stream(transaction, place)
    faults = len(found.faults)
    count, size = store.count_segments(transaction, place)
    if state is None:
        if end:
            found.say("its counters are missing")
    else:
        if (state.segments, state.segment_bytes) != (count, size):
            found.say(f"counts {state.segments} segments of {state.segment_bytes} bytes, and has {count} of {size}")
        if state.next_line != end:
            found.say(f"says that line {state.next_line} comes next, and ends before line {end}")
        first = min((segment.first_line for segment in store.list_segments(transaction, place, at_most=1)), default=state.folded_to)
        if not folded_end <= state.folded_to <= first:
            found.say(
                f"says that it is folded up to line {state.folded_to}, where chunks end before {folded_end} and segments begin at {first}"
            )
    found.is_counted_wrong = len(found.faults) > faults

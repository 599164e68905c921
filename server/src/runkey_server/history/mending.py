"""Puts a damaged stream in order: what can be read is kept, what was derived is derived anew, what cannot be read is set aside and named.

A key of which a piece is lost is laid down anew, because the places of its later values have moved. The steps are never lost while the
keys are there: they follow from `_step` and the numbers of the lines.
"""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from runkey_server.history import store
from runkey_server.history.checking import (
    are_alike,
    look,
    path_of,
    quoted,
    read_chunks,
    try_to_unpack,
)
from runkey_server.history.columns import INT, Column
from runkey_server.history.describing import Facts
from runkey_server.history.folding import split
from runkey_server.history.outlines import KIND
from runkey_server.history.packed import outline_of
from runkey_server.history.packing import STEPS, Path, pack_columns, steps_of
from runkey_server.history.store import Place
from runkey_server.history.tables import STEPS_ID
from runkey_server.history.viewing import key_row


@dataclass
class Mended:
    """What became of a stream. losses: sentences; set_aside: bytes that nobody could read, by a name for each."""

    losses: list[str] = field(default_factory=list)
    set_aside: dict[str, bytes] = field(default_factory=dict)


def mend(transaction: sa.Connection, place: Place, at: datetime) -> Mended:
    """Put one stream in order. Only while nobody writes. Cost: memory for a key's whole series."""
    found, mended = look(transaction, place), Mended()
    if not found.faults:
        return mended
    paths = {row.key_id: path_of(row.path) for row in store.list_keys(transaction, place)}
    _set_nameless_aside(transaction, place, paths, mended)
    wrong = {key_id for key_id in found.wrong_keys if paths.get(key_id) is not None or key_id == STEPS_ID}
    known = {key_id: path for key_id, path in paths.items() if path is not None}
    known.setdefault(STEPS_ID, STEPS)
    columns = {key_id: _readable(transaction, place, key_id, path, mended) for key_id, path in known.items() if key_id in wrong}
    steps = _steps(transaction, place, known, columns)
    for key_id, path in sorted(known.items()):
        if key_id in wrong or _is_out_of_step(transaction, place, key_id, steps):
            column = steps if key_id == STEPS_ID else columns.get(key_id) or _joined(transaction, place, key_id)
            _lay_anew(transaction, place, key_id, path, column, steps)
    _mend_segments(transaction, place, steps, mended)
    _recount(transaction, place, steps, at)
    return mended


def _set_nameless_aside(transaction: sa.Connection, place: Place, paths: dict[int, Path | None], mended: Mended) -> None:
    """Take away values that belong to no key or to no chunk."""
    heads = {(head.key_id, head.first_index): head for head in store.list_chunks(transaction, place)}
    doomed = []
    for key_id, first_index in sorted({*heads, *store.list_body_places(transaction, place)}):
        head = heads.get((key_id, first_index))
        if head is not None and (paths.get(key_id) is not None or key_id == STEPS_ID):
            continue
        doomed.append((key_id, first_index))
        body = store.look_for_body(transaction, place, key_id, first_index)
        if body is not None:
            mended.set_aside[_name(place, f"key-{key_id}-place-{first_index}")] = body
        if head is not None:
            mended.losses.append(f"the values of a key without a name, lines {head.first_line} to {head.last_line}")
    store.delete_chunks(transaction, place, doomed)
    store.delete_keys(transaction, place, [key_id for key_id, path in paths.items() if path is None])


def _readable(transaction: sa.Connection, place: Place, key_id: int, path: Path, mended: Mended) -> Column | None:
    """Join what can be read of a key; the rest is set aside and named."""
    pieces: list[Column] = []
    end = 0
    for chunk in read_chunks(transaction, place, key_id):
        column = chunk.column
        if column is not None and int(column.lines[0]) < end:
            column = column.between(end, int(column.lines[-1]) + 1)
        if column is not None and len(column):
            pieces.append(column)
            end = int(column.lines[-1]) + 1
            continue
        if chunk.body is not None:
            mended.set_aside[_name(place, f"key-{key_id}-place-{chunk.head.first_index}")] = chunk.body
        if key_id != STEPS_ID:
            mended.losses.append(f"{quoted(path)}, lines {chunk.head.first_line} to {chunk.head.last_line}")
    return Column.joined(pieces) if pieces else None


def _joined(transaction: sa.Connection, place: Place, key_id: int) -> Column | None:
    pieces = [chunk.column for chunk in read_chunks(transaction, place, key_id) if chunk.column is not None]
    return Column.joined(pieces) if pieces else None


def _steps(transaction: sa.Connection, place: Place, known: dict[int, Path], columns: dict[int, Column | None]) -> Column | None:
    """Find the step of every folded line of which anything is left."""
    kept = columns[STEPS_ID] if STEPS_ID in columns else _joined(transaction, place, STEPS_ID)
    told, lines = None, [] if kept is None else [kept.lines]
    for key_id in known:
        if key_id != STEPS_ID:
            column = columns[key_id] if key_id in columns else _joined(transaction, place, key_id)
            if column is not None:
                lines.append(column.lines)
                told = column if known[key_id] == ("_step",) else told
    if not lines:
        return None
    every = np.unique(np.concatenate(lines))
    if kept is not None and np.array_equal(every, kept.lines):
        return kept
    made = steps_of(every, told)
    if kept is not None:
        made.ints[np.searchsorted(every, kept.lines[kept.kinds == INT])] = kept.ints
    return made


def _is_out_of_step(transaction: sa.Connection, place: Place, key_id: int, steps: Column | None) -> bool:
    """Tell whether the steps that were found anew are others than a key's outlines say."""
    if steps is None:
        return False
    return any(
        chunk.column is None
        or not are_alike(
            np.frombuffer(store.find_outline(transaction, place, key_id, chunk.head.first_index), KIND),
            outline_of(chunk.column, steps, chunk.head.first_index),
        )
        for chunk in read_chunks(transaction, place, key_id)
    )


def _lay_anew(transaction: sa.Connection, place: Place, key_id: int, path: Path, column: Column | None, steps: Column | None) -> None:
    store.delete_chunks(transaction, place, [(key_id, head.first_index) for head in store.list_chunks(transaction, place, [key_id])])
    store.delete_keys(transaction, place, [key_id])
    if column is not None and steps is not None:
        chunks = split(key_id, 0, column, outline_of(column, steps, 0))
        store.insert_chunks(transaction, place, chunks)
        facts = Facts()
        for chunk in chunks:
            facts = facts.followed_by(Facts.from_text(chunk["facts"]))
        store.put_keys(transaction, place, [key_row(key_id, path, facts)])


def _mend_segments(transaction: sa.Connection, place: Place, steps: Column | None, mended: Mended) -> None:
    taken = set() if steps is None else set(steps.lines.tolist())
    for segment in store.list_segments(transaction, place):
        columns = try_to_unpack(segment.body, segment.first_line)
        lines = None if columns is None else columns[STEPS].lines
        fresh = None if lines is None else np.array([line not in taken for line in lines.tolist()], np.bool_)
        if columns is not None and lines is not None and fresh is not None:
            taken.update(lines.tolist())
            if bool(fresh.all()) and (int(lines[0]), int(lines[-1])) == (segment.first_line, segment.last_line):
                continue
        store.delete_segments(transaction, place, [segment.first_line])
        if columns is None or lines is None or fresh is None:
            mended.set_aside[_name(place, f"segment-{segment.first_line}")] = bytes(segment.body)
            mended.losses.append(f"all keys, lines {segment.first_line} to {segment.last_line}")
        elif bool(fresh.any()):
            kept = {path: column.take(np.isin(column.lines, lines[fresh])) for path, column in columns.items()}
            body = pack_columns({path: column for path, column in kept.items() if len(column)})
            store.insert_segment(transaction, place, int(lines[fresh][0]), int(lines[fresh][-1]), body)


def _recount(transaction: sa.Connection, place: Place, steps: Column | None, at: datetime) -> None:
    store.make_stream(transaction, place, at)
    state = store.find_stream(transaction, place)
    count, size = store.count_segments(transaction, place)
    first = min((segment.first_line for segment in store.list_segments(transaction, place, at_most=1)), default=None)
    folded_end = 0 if steps is None else int(steps.lines[-1]) + 1
    folded_to = max(state.folded_to, folded_end)
    store.update_stream(
        transaction,
        place,
        next_line=store.find_last_line(transaction, place, STEPS_ID) + 1,
        folded_to=folded_to if first is None or folded_to <= first else folded_end,
        segments=count,
        segment_bytes=size,
        revision=state.revision + 1,
    )


def _name(place: Place, what: str) -> str:
    return f"run-{place[0]}-{'events' if place[1] else 'history'}-{what}"

"""Folds segments into chunks in the background. Nothing that is read changes by it.

A fold is prepared while others write, and applied in one transaction, unless the stream was changed elsewhere than at its end meanwhile:
killed at any moment, all of it is done or nothing. New values become a chunk; while the chunk before is not larger, it is taken in, so that
a value is written a few times at most, and chunks double until they are full.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from json import dumps
from typing import Any

import numpy as np
import sqlalchemy as sa

from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.history import store
from runkey_server.history.columns import Column
from runkey_server.history.describing import Facts, facts_of
from runkey_server.history.encoding import decode
from runkey_server.history.outlines import BLOCK, KIND, Outline, joined
from runkey_server.history.packed import chunk_of, outline_of
from runkey_server.history.packing import STEPS, Path
from runkey_server.history.store import Place
from runkey_server.history.tables import FULL, STEPS_ID
from runkey_server.history.viewing import key_row, unpack_all

# A stream is folded when it has so many segments or bytes in them, or was left alone for so long.
SEGMENTS, BYTES, IDLE = 64, 2 * 1024 * 1024, timedelta(seconds=20)
_GAP_AGE = timedelta(hours=1)
"""Lines that are missing are taken to be lost after so long, or when a whole fold's worth has come after them: a server that was put back
to a backup never gets what its clients had sent. One that comes all the same unfolds what follows it."""

MOST_SEGMENTS, _MOST_BYTES = 1_000, 8 * 1024 * 1024


@dataclass(frozen=True)
class Fold:
    """What a fold will write and drop."""

    place: Place
    revision: int
    first_lines: list[int]
    size: int
    folded_to: int
    keys: list[dict[str, object]]
    chunks: list[dict[str, Any]]
    taken_in: list[tuple[int, int]]


class Folder:
    """Folds for one server, in the worker that keeps house."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Begin."""
        self._database = database
        self._clock = clock

    def fold_due(self) -> None:
        """Fold what is worth it. A stream that cannot be folded keeps no other from its turn; its error is raised afterwards.

        Raises Error `unavailable`.
        """
        with self._database.reading() as transaction:
            due = store.list_unfolded(transaction, segments=SEGMENTS, bytes_=BYTES, written_before=self._clock() - IDLE)
        failures: list[Exception] = []
        while due:
            due = [place for place in due if self._try_to_fold(place, failures)]
        if failures:
            raise failures[0]

    def _try_to_fold(self, place: Place, failures: list[Exception]) -> bool:
        try:
            return fold(self._database, place, self._clock())
        except Exception as failure:
            failures.append(failure)
            return False


def fold(database: Database, place: Place, at: datetime) -> bool:
    """Fold a portion of a stream; False when nothing can be folded now. Raises Error `unavailable`."""
    with database.reading() as transaction:
        prepared = prepare(transaction, place, closes_gaps=_has_given_up(store.find_stream(transaction, place), at))
    if prepared is None:
        return False
    with database.writing() as transaction:
        return apply(transaction, prepared)


def _has_given_up(state: Any, at: datetime) -> bool:
    """Tell whether lines that are missing are taken to be lost."""
    if state is None:
        return False
    return bool(state.written_at <= at - _GAP_AGE or state.segments >= MOST_SEGMENTS or state.segment_bytes >= _MOST_BYTES)


def prepare(transaction: sa.Connection, place: Place, *, closes_gaps: bool = False) -> Fold | None:
    """Make ready to fold a portion of a stream; None when nothing can be folded now."""
    state = store.find_stream(transaction, place)
    if state is None or not state.segments:
        return None
    segments = _portion(store.list_segments(transaction, place, at_most=MOST_SEGMENTS), state.folded_to, closes_gaps)
    if not segments:
        return None
    columns = unpack_all(segments)
    keys, chunks, taken_in = _chunks(transaction, place, columns)
    return Fold(
        place,
        state.revision,
        [segment.first_line for segment in segments],
        sum(len(segment.body) for segment in segments),
        max(segment.last_line for segment in segments) + 1,
        keys,
        chunks,
        taken_in,
    )


def apply(transaction: sa.Connection, fold: Fold) -> bool:
    """Write a fold; False when it is void."""
    state = store.find_stream(transaction, fold.place, to_change=True)
    if state is None or state.revision != fold.revision:
        return False
    store.delete_chunks(transaction, fold.place, fold.taken_in)
    store.insert_chunks(transaction, fold.place, fold.chunks)
    store.put_keys(transaction, fold.place, fold.keys)
    store.delete_segments(transaction, fold.place, fold.first_lines)
    store.update_stream(
        transaction,
        fold.place,
        folded_to=fold.folded_to,
        segments=state.segments - len(fold.first_lines),
        segment_bytes=state.segment_bytes - fold.size,
        revision=state.revision + 1,
    )
    return True


def _portion(segments: list[Any], folded_to: int, closes_gaps: bool) -> list[Any]:
    """Choose the first segments without a gap before or between them, up to a size; with all that overlap the last of these."""
    chosen: list[Any] = []
    expected, size = folded_to, 0
    for segment in segments:
        if segment.first_line > expected and not closes_gaps:
            break
        if size > _MOST_BYTES and segment.first_line >= expected:
            break
        chosen.append(segment)
        expected, size = max(expected, segment.last_line + 1), size + len(segment.body)
    return chosen


def _chunks(
    transaction: sa.Connection, place: Place, columns: dict[Path, Column]
) -> tuple[list[dict[str, object]], list[dict[str, Any]], list[tuple[int, int]]]:
    known = {row.path: (row.key_id, Facts.from_text(row.facts)) for row in store.list_keys(transaction, place)}
    still_open: dict[int, list[Any]] = {}
    for chunk in store.list_chunks(transaction, place, only_open=True):
        still_open.setdefault(chunk.key_id, []).append(chunk)
    keys, chunks, taken_in = [], [], []
    next_id = max((key_id for key_id, _ in known.values()), default=STEPS_ID) + 1
    for path, column in columns.items():
        key_id, facts = known.get(dumps(path)) or (STEPS_ID if path == STEPS else next_id, Facts())
        next_id = max(next_id, key_id + 1)
        first_index = sum(facts.counts.values())
        made = outline_of(column, columns[STEPS], first_index)
        keys.append(key_row(key_id, path, facts.followed_by(facts_of(column))))
        pieces = [(column, made)]
        for chunk in reversed(still_open.get(key_id, [])):
            if chunk.points > sum(len(piece) for piece, _ in pieces):
                break
            body = store.find_body(transaction, place, key_id, chunk.first_index)
            pieces.insert(0, (decode(body), np.frombuffer(store.find_outline(transaction, place, key_id, chunk.first_index), KIND)))
            taken_in.append((key_id, chunk.first_index))
            first_index = chunk.first_index
        whole, outlined = Column.joined([piece for piece, _ in pieces]), joined([piece for _, piece in pieces])
        chunks.extend(split(key_id, first_index, whole, outlined))
    return keys, chunks, taken_in


def split(key_id: int, first_index: int, column: Column, made: Outline) -> list[dict[str, Any]]:
    """Make chunks that end where full ones do."""
    chunks = []
    start = 0
    while start < len(column):
        index = first_index + start
        end = min(len(column), start + FULL - index % FULL)
        blocks = slice(*np.searchsorted(made["block"], (index // BLOCK, (first_index + end - 1) // BLOCK + 1)))
        chunks.append(chunk_of(key_id, index, column.take(slice(start, end)), made[blocks]))
        start = end
    return chunks

"""The HistoryStore in our own database, SQLite or PostgreSQL: the half that writes.

Rows arrive as segments, one a request, written in one statement. A background pass folds them into chunks: one key's values, at most 8,192,
with an outline. `viewing` reads both.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from json import loads

import numpy as np
import sqlalchemy as sa

from runkey_server.history import store
from runkey_server.history.columns import Column
from runkey_server.history.describing import Facts, facts_of
from runkey_server.history.encoding import decode, encode
from runkey_server.history.model import ALL_LINES, Batch, Stream
from runkey_server.history.outlines import Outline, outline
from runkey_server.history.packing import STEPS, Columns, Path, are_same, columns_of, pack_columns, rows_of, unpack
from runkey_server.history.store import Place
from runkey_server.history.tables import STEPS_ID
from runkey_server.history.viewing import PackedView, key_row, steps_at


class PackedHistory:
    """See `HistoryStore`. Holds nothing itself."""

    def append(self, transaction: sa.Connection, run_id: int, stream: Stream, batch: Batch, at: datetime) -> None:
        """Write rows at their lines. Cost: two statements, where they follow what is there."""
        if not batch.rows:
            return
        place = (run_id, int(stream))
        state = store.find_stream(transaction, place, to_change=True)
        if state is None:
            store.make_stream(transaction, place, at)
            state = store.find_stream(transaction, place, to_change=True)
        end = batch.first + len(batch.rows)
        if batch.first >= state.next_line:
            store.insert_segment(transaction, place, batch.first, end - 1, batch.body)
            size = state.segment_bytes + len(batch.body)
            store.update_stream(transaction, place, next_line=end, segments=state.segments + 1, segment_bytes=size, written_at=at)
            return
        self._append_again(transaction, place, batch, at)

    def view(self, transaction: sa.Connection, run_id: int, stream: Stream) -> PackedView:
        """Look at a stream."""
        return PackedView(transaction, (run_id, int(stream)))

    def cut(self, transaction: sa.Connection, run_id: int, stream: Stream, line: int, at: datetime) -> None:
        """Drop the lines from one on."""
        place = (run_id, int(stream))
        state = store.find_stream(transaction, place, to_change=True)
        if state is not None and line < state.next_line:
            self._cut(transaction, place, line)
            self._recount(transaction, place, written_at=at)

    def copy(self, transaction: sa.Connection, run_id: int, to_run_id: int, stream: Stream, line: int, at: datetime) -> None:
        """Copy a stream as it lies there, and cut it: nothing but what is cut through is decoded."""
        place = (run_id, int(stream))
        # It is copied in several statements, and a fold in between would move lines from one table to another.
        store.find_stream(transaction, place, to_change=True)
        store.copy_stream(transaction, place, to_run_id)
        self.cut(transaction, to_run_id, stream, line, at)

    def purge(self, transaction: sa.Connection, run_id: int) -> None:
        """Drop everything of a run."""
        store.delete_run(transaction, run_id)

    # --- what was written before ----------------------------------------------------------------------------------------

    def _append_again(self, transaction: sa.Connection, place: Place, batch: Batch, at: datetime) -> None:
        """Write rows of which some lines may be there: compare, cut where they differ, add what is missing."""
        end = batch.first + len(batch.rows)
        there = rows_of(PackedView(transaction, place).read_few((batch.first, end)))
        new = dict(enumerate(batch.rows, batch.first))
        changed = next((line for line, row in new.items() if line in there and not are_same(there[line], row)), None)
        if changed is not None:
            self._cut(transaction, place, changed)
        missing = [line for line in new if line not in there or (changed is not None and line >= changed)]
        if not missing:
            return
        state = store.find_stream(transaction, place)
        if missing[0] < state.folded_to:
            self._unfold(transaction, place, missing[0])
        body = pack_columns(columns_of(np.array(missing, np.int64), [new[line] for line in missing]))
        store.insert_segment(transaction, place, missing[0], missing[-1], body)
        self._recount(transaction, place, written_at=at)

    def _cut(self, transaction: sa.Connection, place: Place, line: int) -> None:
        """Drop the lines from one on."""
        segments = store.list_segments(transaction, place, (line, ALL_LINES[1]))
        store.delete_segments(transaction, place, [segment.first_line for segment in segments])
        for segment in segments:
            if segment.first_line < line:
                kept = _between(unpack(segment.body, segment.first_line), (segment.first_line, line))
                store.insert_segment(transaction, place, segment.first_line, int(kept[STEPS].lines[-1]), pack_columns(kept))
        self._cut_chunks(transaction, place, line)

    def _unfold(self, transaction: sa.Connection, place: Place, line: int) -> None:
        """Make a segment again of the folded lines from one on: a line that was missing came late."""
        state = store.find_stream(transaction, place)
        columns = PackedView(transaction, place).read_folded((line, state.folded_to), None)
        self._cut_chunks(transaction, place, line)
        if columns:
            lines = columns[STEPS].lines
            store.insert_segment(transaction, place, int(lines[0]), int(lines[-1]), pack_columns(columns))

    def _cut_chunks(self, transaction: sa.Connection, place: Place, line: int) -> None:
        state = store.find_stream(transaction, place)
        if line >= state.folded_to:
            return
        doomed = store.list_chunks(transaction, place, lines=(line, ALL_LINES[1]))
        trimmed = []
        first = min([line, *(chunk.first_line for chunk in doomed)])
        steps = PackedView(transaction, place).read_folded((first, line), set()).get(STEPS)
        for chunk in doomed:
            if chunk.first_line < line and steps is not None:
                column = decode(store.find_body(transaction, place, chunk.key_id, chunk.first_index)).between(chunk.first_line, line)
                trimmed.append(chunk_of(chunk.key_id, chunk.first_index, column, outline_of(column, steps, chunk.first_index)))
        store.delete_chunks(transaction, place, [(chunk.key_id, chunk.first_index) for chunk in doomed])
        store.insert_chunks(transaction, place, trimmed)
        self._renew_facts(transaction, place, sorted({chunk.key_id for chunk in doomed}))
        store.update_stream(transaction, place, folded_to=line)

    def _renew_facts(self, transaction: sa.Connection, place: Place, key_ids: Sequence[int]) -> None:
        paths = {row.key_id: loads(row.path) for row in store.list_keys(transaction, place)}
        facts = dict.fromkeys(key_ids, Facts())
        for chunk in store.list_chunks(transaction, place, key_ids, with_facts=True):
            facts[chunk.key_id] = facts[chunk.key_id].followed_by(Facts.from_text(chunk.facts))
        # A key without a value is none: nobody would be told of it, had its rows not been folded before they were dropped.
        store.delete_keys(transaction, place, [key_id for key_id, found in facts.items() if not found.counts])
        left = [key_row(key_id, tuple(paths[key_id]), found) for key_id, found in facts.items() if found.counts]
        store.put_keys(transaction, place, left)

    def _recount(self, transaction: sa.Connection, place: Place, **more: object) -> None:
        state = store.find_stream(transaction, place)
        count, size = store.count_segments(transaction, place)
        next_line = store.find_last_line(transaction, place, STEPS_ID) + 1
        store.update_stream(
            transaction, place, segments=count, segment_bytes=size, next_line=next_line, revision=state.revision + 1, **more
        )


def _between(columns: Mapping[Path, Column], lines: tuple[int, int]) -> Columns:
    cut = {path: column.between(*lines) for path, column in columns.items()}
    return {path: column for path, column in cut.items() if len(column)}


def outline_of(column: Column, steps: Column, first_index: int) -> Outline:
    """Outline a column. steps: for all of its lines at least."""
    return outline(column, steps_at(steps, column.lines), first_index)


def chunk_of(key_id: int, first_index: int, column: Column, made: Outline) -> dict[str, object]:
    """Make a chunk's row of a column and its outline."""
    return {
        "key_id": key_id,
        "first_index": first_index,
        "points": len(column),
        "first_line": int(column.lines[0]),
        "last_line": int(column.lines[-1]),
        "facts": facts_of(column).as_text(),
        "outline": made.tobytes(),
        "body": encode(column),
    }

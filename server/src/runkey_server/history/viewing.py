"""One stream as it lies in our database: lines below `folded_to` are in chunks, the others in segments; who reads cannot tell.

What is known of the stream, its keys and what is not folded yet are looked up once a view.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from json import dumps, loads
from typing import Any

import numpy as np
import sqlalchemy as sa

from runkey_server.history import store
from runkey_server.history.columns import Column, Ints
from runkey_server.history.describing import Facts, facts_of
from runkey_server.history.encoding import decode
from runkey_server.history.model import ALL_LINES
from runkey_server.history.outlines import Outline, outline, read_outline
from runkey_server.history.packing import STEPS, Columns, Path, name_of, unpack
from runkey_server.history.store import Place

STEPS_ID = 0


class PackedView:
    """See `View`. Costs are those of the first use."""

    def __init__(self, transaction: sa.Connection, place: Place) -> None:
        """Look at a stream within a transaction."""
        self._transaction = transaction
        self._place = place

    @property
    def next_line(self) -> int:
        """The number of the line after the last. Cost: one indexed look-up."""
        return 0 if self._state is None else int(self._state.next_line)

    @cached_property
    def facts(self) -> Mapping[Path, Facts]:
        """What is told of every key. Cost: a row a key, and what is not folded yet is decoded."""
        found = {path: facts for path, (_, facts) in self._keys.items() if path != STEPS}
        for path, column in self._tail.items():
            if path != STEPS:
                found[path] = found.get(path, Facts()).followed_by(facts_of(column))
        return found

    def read(self, lines: tuple[int, int] = ALL_LINES, names: Iterable[str] | None = None) -> Columns:
        """Give the columns of a span of lines. Cost: every chunk that has a line in it is decoded."""
        if self._state is None:
            return {}
        wanted = None if names is None else set(names)
        parts: dict[Path, list[Column]] = {STEPS: []}
        if lines[0] < self._state.folded_to:
            for path, column in self.read_folded(lines, wanted).items():
                parts.setdefault(path, []).append(column)
        if lines[1] > self._state.folded_to:
            for path, column in self._tail.items():
                if wanted is None or path == STEPS or name_of(path) in wanted:
                    chosen = column.between(*lines)
                    if len(chosen):
                        parts.setdefault(path, []).append(chosen)
        return {path: Column.joined(found) for path, found in parts.items() if found}

    def outline(self, path: Path) -> Outline:
        """Give the outline of a series. Cost: a row a chunk; what is not folded yet is decoded."""
        pieces, first_index = [], 0
        if path in self._keys:
            key_id, facts = self._keys[path]
            pieces = store.list_outlines(self._transaction, self._place, key_id)
            first_index = sum(facts.counts.values())
        if path in self._tail:
            column = self._tail[path]
            pieces.append(outline(column, steps_at(self._tail[STEPS], column.lines), first_index).tobytes())
        return read_outline(pieces)

    def read_folded(self, lines: tuple[int, int], names: set[str] | None) -> Columns:
        """Give what chunks hold of a span of lines; names None: of every key; the steps always."""
        chosen = self._paths(names)
        span = None if lines[0] <= 0 and self._state is not None and lines[1] >= self._state.folded_to else lines
        parts: dict[int, list[Column]] = {}
        for key_id, body in store.list_bodies(self._transaction, self._place, None if names is None else list(chosen), span):
            column = decode(body).between(*lines)
            if len(column):
                parts.setdefault(key_id, []).append(column)
        return {path: Column.joined(parts[key_id]) for key_id, path in chosen.items() if key_id in parts}

    def _paths(self, names: set[str] | None) -> dict[int, Path]:
        """Give the keys of some names, and the steps. Cost: a row a key that is asked for: of 10,000 a few are read often."""
        if names is None:
            return {key_id: path for path, (key_id, _) in self._keys.items()}
        rows = store.list_keys(self._transaction, self._place, [dumps(name) for name in {*names, name_of(STEPS)}])
        found = {row.key_id: tuple(loads(row.path)) for row in rows}
        # The steps have the name of an empty key.
        return {key_id: path for key_id, path in found.items() if path == STEPS or name_of(path) in names}

    @cached_property
    def _state(self) -> Any:
        return store.find_stream(self._transaction, self._place)

    @cached_property
    def _keys(self) -> dict[Path, tuple[int, Facts]]:
        rows = store.list_keys(self._transaction, self._place)
        return {tuple(loads(row.path)): (row.key_id, Facts.from_text(row.facts)) for row in rows}

    @cached_property
    def _tail(self) -> Columns:
        if self._state is None or not self._state.segments:
            return {}
        parts: dict[Path, list[Column]] = {}
        for segment in store.list_segments(self._transaction, self._place):
            for path, column in unpack(segment.body, segment.first_line).items():
                parts.setdefault(path, []).append(column)
        return {path: Column.joined(found) for path, found in parts.items()}


def steps_at(steps: Column, lines: Ints) -> Ints:
    """Give the steps of some lines. steps: the column that has one for every line."""
    if len(lines) == len(steps) and lines[0] == steps.lines[0] and lines[-1] == steps.lines[-1]:
        return steps.ints
    return steps.ints[np.searchsorted(steps.lines, lines)]


def key_row(key_id: int, path: Path, facts: Facts) -> dict[str, object]:
    """Make a key's row."""
    return {"key_id": key_id, "path": dumps(path), "name": dumps(name_of(path)), "facts": facts.as_text()}

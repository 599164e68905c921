"""One stream as it lies in our database: lines below `folded_to` are in chunks, the others in segments; who reads cannot tell.

What is known of the stream and its keys, and what is not folded yet, are looked up once a view.
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


class PackedView:
    """See `View`. Costs are those of the first use."""

    def __init__(self, transaction: sa.Connection, place: Place) -> None:
        """Look at a stream within a transaction."""
        self._transaction = transaction
        self._place = place
        self._named: dict[str, dict[Path, tuple[int, Facts]]] = {}

    @property
    def next_line(self) -> int:
        """The number of the line after the last. Cost: one indexed look-up."""
        return 0 if self._state is None else int(self._state.next_line)

    def facts(self, names: Iterable[str] | None = None) -> Mapping[Path, Facts]:
        """What is told of keys, of those of some names or of all. Cost: a row a key, and what is not folded yet is decoded."""
        wanted = None if names is None else set(names)
        found = {path: facts for path, (_, facts) in self._keys(wanted).items() if path != STEPS}
        for path, column in self._tail.items():
            if path != STEPS and (wanted is None or name_of(path) in wanted):
                found[path] = found.get(path, Facts()).followed_by(facts_of(column))
        return found

    def read(self, lines: tuple[int, int] = ALL_LINES, names: Iterable[str] | None = None) -> Columns:
        """Give the columns of a span of lines. Cost: every chunk that has a line in it is decoded, and all that is not folded yet."""
        if self._state is None:
            return {}
        return self._read(lines, None if names is None else set(names), self._tail if lines[1] > self._state.folded_to else {})

    def read_few(self, lines: tuple[int, int]) -> Columns:
        """Give the columns of a span of lines, once a view. Cost: what has a line in it is decoded, whatever else is not folded yet."""
        if self._state is None:
            return {}
        return self._read(lines, None, unpack_all(store.list_segments(self._transaction, self._place, lines)))

    def _read(self, lines: tuple[int, int], wanted: set[str] | None, tail: Columns) -> Columns:
        parts: dict[Path, list[Column]] = {STEPS: []}
        if self._state is not None and lines[0] < self._state.folded_to:
            for path, column in self.read_folded(lines, wanted).items():
                parts.setdefault(path, []).append(column)
        for path, column in tail.items():
            if wanted is None or path == STEPS or name_of(path) in wanted:
                chosen = column.between(*lines)
                if len(chosen):
                    parts.setdefault(path, []).append(chosen)
        return {path: Column.joined(found) for path, found in parts.items() if found}

    def outline(self, path: Path) -> Outline:
        """Give the outline of a series. Cost: a row a chunk; what is not folded yet is decoded."""
        pieces, first_index = [], 0
        known = self._keys({name_of(path)})
        if path in known:
            key_id, facts = known[path]
            pieces = store.list_outlines(self._transaction, self._place, key_id)
            first_index = sum(facts.counts.values())
        if path in self._tail:
            column = self._tail[path]
            pieces.append(outline(column, steps_at(self._tail[STEPS], column.lines), first_index).tobytes())
        return read_outline(pieces)

    def read_folded(self, lines: tuple[int, int], names: set[str] | None) -> Columns:
        """Give what chunks hold of a span of lines; names None: of every key; the steps always."""
        # The steps have the name of an empty key.
        known = self._keys(None if names is None else names | {name_of(STEPS)})
        chosen = {key_id: path for path, (key_id, _) in known.items() if names is None or path == STEPS or name_of(path) in names}
        span = None if lines[0] <= 0 and self._state is not None and lines[1] >= self._state.folded_to else lines
        parts: dict[int, list[Column]] = {}
        for key_id, body in store.list_bodies(self._transaction, self._place, None if names is None else list(chosen), span):
            column = decode(body).between(*lines)
            if len(column):
                parts.setdefault(key_id, []).append(column)
        return {path: Column.joined(parts[key_id]) for key_id, path in chosen.items() if key_id in parts}

    @cached_property
    def _state(self) -> Any:
        return store.find_stream(self._transaction, self._place)

    def _keys(self, names: set[str] | None) -> dict[Path, tuple[int, Facts]]:
        """Give the folded keys of some names, or all, in the order in which they were first seen. Of 10,000 a few are asked for often."""
        if names is None:
            return self._all_keys
        missing = names - self._named.keys()
        if missing:
            self._named.update({name: {} for name in missing})
            for path, known in _known(store.list_keys(self._transaction, self._place, [dumps(name) for name in missing])).items():
                self._named[name_of(path)][path] = known
        found = [item for name in names for item in self._named[name].items()]
        return dict(sorted(found, key=lambda item: item[1][0]))

    @cached_property
    def _all_keys(self) -> dict[Path, tuple[int, Facts]]:
        return _known(store.list_keys(self._transaction, self._place))

    @cached_property
    def _tail(self) -> Columns:
        if self._state is None or not self._state.segments:
            return {}
        return unpack_all(store.list_segments(self._transaction, self._place))


def unpack_all(segments: Iterable[Any]) -> Columns:
    """Read segments as one."""
    parts: dict[Path, list[Column]] = {}
    for segment in segments:
        for path, column in unpack(segment.body, segment.first_line).items():
            parts.setdefault(path, []).append(column)
    return {path: Column.joined(found) for path, found in parts.items()}


def _known(rows: Iterable[Any]) -> dict[Path, tuple[int, Facts]]:
    return {tuple(loads(row.path)): (row.key_id, Facts.from_text(row.facts)) for row in rows}


def steps_at(steps: Column, lines: Ints) -> Ints:
    """Give the steps of some lines. steps: the column that has one for every line."""
    if len(lines) == len(steps) and lines[0] == steps.lines[0] and lines[-1] == steps.lines[-1]:
        return steps.ints
    return steps.ints[np.searchsorted(steps.lines, lines)]


def key_row(key_id: int, path: Path, facts: Facts) -> dict[str, object]:
    """Make a key's row."""
    return {"key_id": key_id, "path": dumps(path), "name": dumps(name_of(path)), "facts": facts.as_text()}

"""A table out of Python values, for the tests of what writes tables."""

from typing import Any

import numpy as np

from runkey_server.exporting.model import Field, Span, unlike
from runkey_server.history import Column


class Cells:
    """A table of Python values: rows of dicts by column name."""

    def __init__(self, names: list[str], rows: list[dict[str, Any]]) -> None:
        taken: set[str] = set()
        self.fields = [Field(unlike(name, taken), is_heavy=name.startswith("h")) for name in names]
        self._names = names
        self._rows = rows

    def spans(self, rows: int) -> Any:
        for first in range(0, len(self._rows), rows):
            yield Span(0, first, min(first + rows, len(self._rows)))

    def begin(self, span: Span) -> Any:
        return _Part(self._names, self._rows[span.first : span.end])


class _Part:
    def __init__(self, names: list[str], rows: list[dict[str, Any]]) -> None:
        self._names = names
        self._rows = rows
        self.count = len(rows)

    def read(self, places: list[int]) -> dict[int, Column]:
        found = {}
        for place in places:
            name = self._names[place]
            there = [(number, row[name]) for number, row in enumerate(self._rows) if name in row]
            if there:
                found[place] = Column.of(np.array([number for number, _ in there], np.int64), [value for _, value in there])
        return found

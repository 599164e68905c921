"""One key's values in memory: where each stands (its line), what kind it is, and the value itself, exactly as JSON had it.

Three kinds: a float, a whole number that fits 64 bits, and everything else (text, booleans, None, lists, dicts, whole numbers beyond that).
1 and 1.0 are not the same, NaN and the infinities are floats like any other. Pure; nothing here knows of bytes or tables.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT, INT, OTHER = 0, 1, 2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kinds = NDArray[np.uint8]


class Column:
    """Values in the order of their lines. kinds: one a value; floats, ints, others: the values of each kind, in order."""

    __slots__ = ("floats", "ints", "kinds", "lines", "others")

    def __init__(self, lines: Ints, kinds: Kinds, floats: Floats, ints: Ints, others: list[Any]) -> None:
        """Hold the parts."""
        self.lines = lines
        self.kinds = kinds
        self.floats = floats
        self.ints = ints
        self.others = others

    def __len__(self) -> int:
        return len(self.lines)

    @classmethod
    def of(cls, lines: Ints, values: Sequence[Any]) -> "Column":
        """Make a column of Python values, one a line. Cost: quick when all are of one kind."""
        types = set(map(type, values))
        count = len(values)
        if types == {float}:
            return cls(lines, np.zeros(count, np.uint8), np.array(values, np.float64), _NO_INTS, [])
        if types == {int}:
            try:
                return cls(lines, np.full(count, INT, np.uint8), _NO_FLOATS, np.array(values, np.int64), [])
            except OverflowError:
                pass
        kinds = np.fromiter(map(_kind, values), np.uint8, count)
        by_kind: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        for kind, value in zip(kinds.tolist(), values, strict=True):
            by_kind[kind].append(value)
        return cls(lines, kinds, np.array(by_kind[FLOAT], np.float64), np.array(by_kind[INT], np.int64), by_kind[OTHER])

    @classmethod
    def joined(cls, columns: Sequence["Column"]) -> "Column":
        """Put columns of one key together, in the order of their lines; no line may be in two of them."""
        if len(columns) == 1:
            return columns[0]
        whole = cls(
            np.concatenate([column.lines for column in columns]),
            np.concatenate([column.kinds for column in columns]),
            np.concatenate([column.floats for column in columns]),
            np.concatenate([column.ints for column in columns]),
            [value for column in columns for value in column.others],
        )
        lines = whole.lines
        return whole if bool(np.all(lines[1:] > lines[:-1])) else whole.take(np.argsort(lines, kind="stable"))

    def take(self, places: "Ints | slice | NDArray[np.bool_]") -> "Column":
        """Give the values at some places, in the order that is asked for."""
        kinds = self.kinds[places]
        if len(self.floats) == len(self.kinds):
            return Column(self.lines[places], kinds, self.floats[places], _NO_INTS, [])
        if len(self.ints) == len(self.kinds):
            return Column(self.lines[places], kinds, _NO_FLOATS, self.ints[places], [])
        # The rank of a value within its kind says where it lies.
        ranks = np.empty(len(self.kinds), np.int64)
        for kind in (FLOAT, INT, OTHER):
            chosen = self.kinds == kind
            ranks[chosen] = np.arange(int(chosen.sum()))
        ranks = ranks[places]
        others = [self.others[rank] for rank in ranks[kinds == OTHER].tolist()]
        return Column(self.lines[places], kinds, self.floats[ranks[kinds == FLOAT]], self.ints[ranks[kinds == INT]], others)

    def between(self, first_line: int, end_line: int) -> "Column":
        """Give the values from a line on, up to but not with another."""
        start, end = np.searchsorted(self.lines, (first_line, end_line))
        return self if (start, end) == (0, len(self)) else self.take(slice(int(start), int(end)))

    def values(self) -> list[Any]:
        """Give the values as JSON had them."""
        if len(self.floats) == len(self.kinds):
            return list(self.floats.tolist())
        if len(self.ints) == len(self.kinds):
            return list(self.ints.tolist())
        parts = (iter(self.floats.tolist()), iter(self.ints.tolist()), iter(self.others))
        return [next(parts[kind]) for kind in self.kinds.tolist()]

    def numbers(self) -> tuple[Ints, Floats]:
        """Give the lines of the values that are numbers, and those as floats. Whole numbers beyond 2^53 become the nearest float."""
        if len(self.floats) == len(self.kinds):
            return self.lines, self.floats
        if len(self.ints) == len(self.kinds):
            return self.lines, self.ints.astype(np.float64)
        is_number = np.array([kind != OTHER for kind in self.kinds.tolist()], np.bool_)
        is_number[self.kinds == OTHER] = [_is_large_number(value) for value in self.others]
        numbers = np.zeros(len(self.kinds), np.float64)
        numbers[self.kinds == FLOAT] = self.floats
        numbers[self.kinds == INT] = self.ints
        numbers[self.kinds == OTHER] = [_as_float(value) if _is_large_number(value) else 0.0 for value in self.others]
        return self.lines[is_number], numbers[is_number]


_NO_FLOATS = np.empty(0, np.float64)
_NO_INTS = np.empty(0, np.int64)
_MIN, _MAX = -(2**63), 2**63 - 1


def _kind(value: Any) -> int:
    if type(value) is float:
        return FLOAT
    return INT if type(value) is int and _MIN <= value <= _MAX else OTHER


def _is_large_number(value: Any) -> bool:
    return type(value) is int


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")

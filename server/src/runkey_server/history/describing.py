"""What is told of a key: which kinds of values it has, whether they ever fell, and the last one. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runkey_server.history.columns import INT, OTHER, Column

_LONGEST_LAST = 1_000


@dataclass(frozen=True)
class Facts:
    """counts: W&B's name of a kind to how many. first, last: numbers, or texts that are not too long; None for anything else."""

    counts: dict[str, int] = field(default_factory=dict)
    is_monotonic: bool = True
    first: Any = None
    last: Any = None

    def followed_by(self, later: "Facts") -> "Facts":
        """Give the facts of both, one after the other."""
        if not self.counts:
            return later
        counts = dict(self.counts)
        for kind, count in later.counts.items():
            counts[kind] = counts.get(kind, 0) + count
        goes_on = self.is_monotonic and later.is_monotonic and _is_not_below(later.first, self.last)
        return Facts(counts, goes_on, self.first, later.last)

    def as_text(self) -> str:
        """Write the facts for keeping."""
        return json.dumps([self.counts, self.is_monotonic, self.first, self.last])

    @classmethod
    def from_text(cls, text: str) -> "Facts":
        """Read kept facts."""
        return cls(*json.loads(text))

    def as_json(self) -> dict[str, Any]:
        """Describe a key as W&B's `historyKeys` does."""
        # Sorted: in which order kinds were met depends on where one fold ended and the next began.
        counts = [{"type": kind, "count": count} for kind, count in sorted(self.counts.items())]
        return {"typeCounts": counts, "monotonic": self.is_monotonic, "previousValue": self.last}


def facts_of(column: Column) -> Facts:
    """Find the facts of a column; at least one value."""
    values = column.others
    counts: dict[str, int] = {}
    if len(column.floats) + len(column.ints):
        counts["number"] = len(column.floats) + len(column.ints)
    for value in values:
        kind = _kind_name(value)
        counts[kind] = counts.get(kind, 0) + 1
    first, last = (column.take(slice(place, place + 1 or None)).values()[0] for place in (0, -1))
    return Facts(counts, _never_falls(column), _short(first), _short(last))


def _never_falls(column: Column) -> bool:
    if bool((column.kinds == OTHER).any()):
        return False
    if bool((column.kinds == INT).all()):
        return bool(np.all(column.ints[1:] >= column.ints[:-1]))
    _, numbers = column.numbers()
    return bool(np.all(numbers[1:] >= numbers[:-1])) and not bool(np.isnan(numbers[:1]).any())


def _is_not_below(value: Any, other: Any) -> bool:
    return _is_number(value) and _is_number(other) and value >= other


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> Any:
    return value if _is_number(value) or (isinstance(value, str) and len(value) <= _LONGEST_LAST) else None


def _kind_name(value: Any) -> str:
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

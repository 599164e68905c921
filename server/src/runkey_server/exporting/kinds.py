"""Which type a column of values can have without losing any of them. Pure.

What was seen is a set of bits, so that what is known of parts is joined by `|`.
"""

from enum import Enum

import numpy as np

from runkey_server.history import OTHER, Column

_INTS, _INEXACT, _FLOATS, _BOOLEANS, _TEXTS, _OBJECTS = (1 << bit for bit in range(6))
# A float from here on is beyond every 64-bit integer.
_BEYOND = 2.0**63


class Kind(Enum):
    """A type of column. JSON holds anything, as text."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    JSON = "json"


def seen_in(column: Column) -> int:
    """Say what a column has; None is nothing."""
    seen = _FLOATS if len(column.floats) else 0
    if len(column.ints):
        with np.errstate(invalid="ignore"):
            floats = column.ints.astype(np.float64)
            is_exact = bool(np.all((floats < _BEYOND) & (floats.astype(np.int64) == column.ints)))
        seen |= _INTS if is_exact else _INTS | _INEXACT
    for kind in set(map(type, column.others)):
        seen |= _OTHERS.get(kind, _OBJECTS)
    return seen


_OTHERS = {type(None): 0, bool: _BOOLEANS, str: _TEXTS}


def kind_of(seen: int) -> Kind:
    """Choose the type for all that was seen; a column of nothing has numbers."""
    if seen in (_INTS, _INTS | _INEXACT):
        return Kind.INTEGER
    if seen in (0, _FLOATS, _INTS | _FLOATS):
        return Kind.NUMBER
    if seen == _BOOLEANS:
        return Kind.BOOLEAN
    return Kind.TEXT if seen == _TEXTS else Kind.JSON


def without_nones(column: Column) -> Column:
    """Leave out the values that are None."""
    if None not in column.others:
        return column
    keep = np.ones(len(column), np.bool_)
    keep[column.kinds == OTHER] = [value is not None for value in column.others]
    return column.take(keep)

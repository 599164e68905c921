"""Many numbers to a few: the first, last, smallest, largest and sum of each group of neighbours. Pure; what outlines and charts share."""

import numpy as np
from numpy.typing import NDArray

from runkey_server.history.columns import Floats, Ints

Bools = NDArray[np.bool_]


class Summary:
    """One entry a group. first, last, smallest, largest: of the finite numbers, NaN where there is none; total: their sum."""

    __slots__ = ("first", "infinities", "largest", "last", "nans", "numbers", "smallest", "total")

    def __init__(self, values: Floats, starts: Ints, is_number: Bools | None = None) -> None:
        """Summarise values. starts: where the groups begin, growing; is_number: what counts, None for all."""
        is_finite = np.isfinite(values)
        finite = values if bool(is_finite.all()) else np.where(is_finite, values, np.nan)
        is_nan, is_infinite = np.isnan(values), np.isinf(values)
        if is_number is not None:
            is_nan &= is_number
        self.numbers = _count(np.ones(len(values), np.bool_) if is_number is None else is_number, starts)
        self.nans = _count(is_nan, starts)
        self.infinities = _count(is_infinite, starts)
        self.first, self.last = first_known(finite, starts), last_known(finite, starts)
        self.smallest, self.largest = np.fmin.reduceat(finite, starts), np.fmax.reduceat(finite, starts)
        with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest have an infinite sum, or none
            self.total = np.add.reduceat(np.where(is_finite, values, 0.0), starts)


def _count(flags: Bools, starts: Ints) -> Ints:
    return np.add.reduceat(flags.astype(np.int64), starts)


def first_known(values: Floats, starts: Ints) -> Floats:
    """Give the first value of each group that is not NaN."""
    places = np.where(np.isnan(values), len(values), np.arange(len(values)))
    found = np.minimum.reduceat(places, starts)
    ends = np.append(starts[1:], len(values))
    return np.where(found < ends, values[np.minimum(found, len(values) - 1)], np.nan)


def last_known(values: Floats, starts: Ints) -> Floats:
    """Give the last value of each group that is not NaN."""
    places = np.where(np.isnan(values), -1, np.arange(len(values)))
    found = np.maximum.reduceat(places, starts)
    return np.where(found >= starts, values[np.maximum(found, 0)], np.nan)

"""Histogram: how often which values occur, as a value of a row (`histogram`). It is in the row itself; there is no file."""

import math
import sys
from typing import Any

from runkey.media.arrays import as_array, flat_numbers, is_array
from runkey.media.files import Carrier

DEFAULT_BINS = 64
MAX_BINS = 512


class Histogram:
    """Values counted in bins of equal width, or (np_histogram) counts and edges as `numpy.histogram` gives them.

    Values that are no finite numbers are left out: a gradient that overflowed costs no run. Raises ValueError, TypeError.
    """

    MAX_LENGTH = MAX_BINS

    def __init__(self, sequence: Any = None, np_histogram: Any = None, num_bins: int = DEFAULT_BINS) -> None:
        """Count now."""
        if np_histogram is not None:
            if len(np_histogram) != 2:
                raise ValueError("np_histogram is a pair: the counts, and the edges of the bins.")
            counts, edges = np_histogram
            self.histogram: list[float] = flat_numbers(counts)
            self.bins: list[float] = flat_numbers(edges)
        elif sequence is not None:
            if not 1 <= num_bins <= MAX_BINS:
                raise ValueError(f"A histogram has 1 to {MAX_BINS} bins.")
            self.histogram, self.bins = _count(as_array(sequence), num_bins)
        else:
            raise ValueError("A histogram is made of a sequence, or of np_histogram.")
        if len(self.histogram) > MAX_BINS:
            raise ValueError(f"A histogram has 1 to {MAX_BINS} bins.")
        if len(self.histogram) + 1 != len(self.bins):
            raise ValueError("A histogram has one edge more than it has counts.")

    def _runkey_media(self, run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        return {"_type": "histogram", "values": self.histogram, "bins": self.bins}


def _count(values: Any, bins: int) -> tuple[list[float], list[float]]:
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        array = values if is_array(values) else numpy.asarray(flat_numbers(values))
        if array.dtype.kind in "fc":
            array = array[numpy.isfinite(array)]
        if array.dtype.kind == "b":
            array = array.astype("uint8")
        counts, edges = numpy.histogram(array, bins=bins)
        return counts.tolist(), edges.tolist()
    return count_in_bins([number for number in flat_numbers(values) if math.isfinite(number)], bins)


def count_in_bins(numbers: list[float], bins: int) -> tuple[list[float], list[float]]:
    """Count numbers as NumPy does: the last bin holds its upper edge, equal numbers get a bin's width of one, none at all 0 to 1."""
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    edges = [low + width * number for number in range(bins)] + [high]
    counts: list[float] = [0] * bins
    for number in numbers:
        place = min(int((number - low) / width), bins - 1) if width else 0
        # The quotient may be a hair off what the edges say.
        if number < edges[place]:
            place -= 1
        elif number >= edges[place + 1] and place + 1 < bins:
            place += 1
        counts[place] += 1
    return counts, edges

"""An outline of a series: for every 512 values, by their place in the series, what a chart needs to know without reading them.

The grid is the series' own (values 0 to 511, 512 to 1023, …), so an outline is the same however the values lie in chunks; where a chunk
ends within a block, both halves are put together again. 89 bytes for 512 values. Pure.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from runkey_server.history.columns import Column, Ints
from runkey_server.history.summarising import Summary, first_known, last_known

BLOCK = 512

Outline = NDArray[np.void]

KIND = np.dtype(
    [
        ("block", "<u4"),
        ("points", "<u4"),  # numbers, NaN and infinities among them
        ("nans", "<u4"),
        ("infinities", "<u4"),
        ("is_sorted", "?"),  # whether steps never go back within it
        ("first_line", "<i8"),
        ("last_line", "<i8"),
        ("min_step", "<i8"),
        ("max_step", "<i8"),
        # Of the finite numbers; NaN where there is none.
        ("first", "<f8"),
        ("last", "<f8"),
        ("min", "<f8"),
        ("max", "<f8"),
        ("sum", "<f8"),
    ]
)


def outline(column: Column, steps: Ints, first_index: int) -> Outline:
    """Outline a column whose first value is the series' value number `first_index`. steps: one a value."""
    blocks = np.arange(first_index // BLOCK, (first_index + len(column) - 1) // BLOCK + 1)
    starts = np.maximum(blocks * BLOCK - first_index, 0)
    ends = np.append(starts[1:], len(column))
    lines, numbers = column.numbers()
    if len(lines) == len(column):
        is_number, values = np.ones(len(column), np.bool_), numbers
    else:
        is_number, values = np.zeros(len(column), np.bool_), np.full(len(column), np.nan)
        places = np.searchsorted(column.lines, lines)
        is_number[places], values[places] = True, numbers
    goes_back = np.zeros(len(column), np.bool_)
    goes_back[1:] = steps[1:] < steps[:-1]
    goes_back[starts] = False
    made = np.zeros(len(blocks), KIND)
    made["block"] = blocks
    summary = Summary(values, starts, is_number)
    made["points"], made["nans"], made["infinities"] = summary.numbers, summary.nans, summary.infinities
    made["is_sorted"] = ~np.logical_or.reduceat(goes_back, starts)
    made["first_line"], made["last_line"] = column.lines[starts], column.lines[ends - 1]
    made["min_step"], made["max_step"] = np.minimum.reduceat(steps, starts), np.maximum.reduceat(steps, starts)
    made["first"], made["last"] = summary.first, summary.last
    made["min"], made["max"], made["sum"] = summary.smallest, summary.largest, summary.total
    return made


def read_outline(pieces: Iterable[bytes]) -> Outline:
    """Read kept outlines of one series, in order."""
    # As bytes: to put arrays of records together, numpy compares every field of every one.
    return _whole(np.frombuffer(b"".join(pieces), KIND))


def joined(outlines: list[Outline]) -> Outline:
    """Put outlines of one series together, in order; the halves of a block become one."""
    return read_outline(piece.tobytes() for piece in outlines)


def _whole(whole: Outline) -> Outline:
    starts = np.flatnonzero(np.append(True, whole["block"][1:] != whole["block"][:-1])) if len(whole) else np.zeros(0, np.int64)
    return whole if len(starts) == len(whole) else merged(whole, starts)


def merged(whole: Outline, starts: Ints) -> Outline:
    """Make one entry of each group of neighbours. starts: where the groups begin; at least one."""
    ends = np.append(starts[1:], len(whole)) - 1
    made = whole[starts].copy()
    made["last_line"] = whole["last_line"][ends]
    is_sorted = whole["is_sorted"].copy()
    inner = np.ones(len(whole), np.bool_)
    inner[starts] = False
    is_sorted[1:] &= ~inner[1:] | (whole["min_step"][1:] >= whole["max_step"][:-1])
    made["is_sorted"] = np.logical_and.reduceat(is_sorted, starts)
    with np.errstate(all="ignore"):
        made["min_step"] = np.minimum.reduceat(whole["min_step"], starts)
        made["max_step"] = np.maximum.reduceat(whole["max_step"], starts)
        made["min"] = np.fmin.reduceat(whole["min"], starts)
        made["max"] = np.fmax.reduceat(whole["max"], starts)
        made["sum"] = np.add.reduceat(whole["sum"], starts)
    for name in ("points", "nans", "infinities"):
        made[name] = np.add.reduceat(whole[name].astype(np.int64), starts)
    made["first"], made["last"] = first_known(whole["first"], starts), last_known(whole["last"], starts)
    return made

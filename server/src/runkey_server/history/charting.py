"""A series as few buckets: what a page draws, the API answers and an export of a chart holds, by one function.

Few points come whole. Up to 512 a bucket, buckets are equal spans of x and hold exactly the points in theirs. With more, outlines answer:
buckets are then equal numbers of blocks, so that 10 million points cost a row of the database for every 8,192. Either way the answer
depends on what was logged alone, never on how it lies, and no extreme is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runkey_server.history.columns import Column, Floats, Ints
from runkey_server.history.model import ALL_LINES, View
from runkey_server.history.outlines import BLOCK, Outline
from runkey_server.history.packing import STEPS, Path, name_of
from runkey_server.history.summarising import Summary
from runkey_server.history.viewing import steps_at

STEP_AXIS = "_step"
MAX_BUCKETS = 10_000
_FARTHEST = 2.0**1022


@dataclass(frozen=True)
class Series:
    """Buckets in the order of x. All arrays have one length.

    x, x_last: of the first and last number in it. first, last, smallest, largest, mean: of the finite numbers, NaN where there is none.
    count: numbers in it, NaN and infinities among them; nans, infinities: how many of these.
    """

    x: Floats
    x_last: Floats
    first: Floats
    last: Floats
    smallest: Floats
    largest: Floats
    mean: Floats
    count: Ints
    nans: Ints
    infinities: Ints


def chart(
    view: View,
    names: Sequence[str],
    *,
    buckets: int,
    axis: str = STEP_AXIS,
    span: tuple[float | None, float | None] = (None, None),
) -> dict[str, Series]:
    """Give each named series as at most so many buckets, over those x that lie in the span, both ends included.

    axis: the name of the key that is x. Keys that are not there, or have no number, are left out.
    """
    buckets = max(1, min(buckets, MAX_BUCKETS))
    facts = view.facts({*names, axis})
    # Two paths may share a name; the first that was seen is meant.
    paths: dict[str, Path] = {name_of(path): path for path in reversed(list(facts))}
    axis_path = STEPS if axis == STEP_AXIS else paths.get(axis)
    wanted = [name for name in dict.fromkeys(names) if name in paths and facts[paths[name]].counts.get("number")]
    if axis_path is None or not wanted:
        return {}
    low, high = (-np.inf if span[0] is None else span[0], np.inf if span[1] is None else span[1])
    axis_outline = None if axis_path == STEPS else view.outline(axis_path)
    axis_values = 0 if axis_path == STEPS else sum(facts[axis_path].counts.values())
    found: dict[str, Series] = {}
    for name in wanted:
        series: Series | None
        seen = _Outlined(view.outline(paths[name]), axis_outline, axis_values)
        chosen = seen.overlapping(low, high)
        if chosen is not None and int(seen.outline["points"][chosen].sum()) > BLOCK * buckets:
            series = _of_blocks(view, paths[name], seen, chosen, axis_path, (low, high), buckets)
        else:
            lines = ALL_LINES if chosen is None else seen.lines(chosen)
            series = _of_points(*_points(view, paths[name], axis_path, lines, (low, high)), buckets)
        if series is not None:
            found[name] = series
    return found


class _Outlined:
    """A series' outline beside its axis', as far as they stand side by side."""

    def __init__(self, outline: Outline, axis: Outline | None, axis_values: int) -> None:
        """axis None: steps, which every outline has. axis_values: values of the axis; where one is no finite number, there is no point."""
        self.outline = outline
        if axis is None:
            self._low, self._high = outline["min_step"].astype(np.float64), outline["max_step"].astype(np.float64)
            self.is_usable = bool(outline["is_sorted"].all())
        else:
            same = len(axis) == len(outline) and np.array_equal(axis["first_line"], outline["first_line"])
            finite = int(axis["points"].sum()) - int(axis["nans"].sum()) - int(axis["infinities"].sum())
            self.is_usable = same and finite == axis_values and np.array_equal(axis["last_line"], outline["last_line"])
            self._low, self._high = (axis["min"], axis["max"]) if self.is_usable else (np.zeros(0), np.zeros(0))
        if self.is_usable:
            self.is_usable = bool(np.all(self._low[1:] >= self._high[:-1]))

    def overlapping(self, low: float, high: float) -> "slice | None":
        """Give the blocks that have an x in a span; None where blocks cannot tell."""
        if not self.is_usable:
            return None
        start = int(np.searchsorted(self._high, low, "left"))
        end = int(np.searchsorted(self._low, high, "right"))
        return slice(start, max(start, end))

    def lines(self, chosen: slice) -> tuple[int, int]:
        """Give the span of lines of some blocks."""
        blocks = self.outline[chosen]
        return (int(blocks["first_line"][0]), int(blocks["last_line"][-1]) + 1) if len(blocks) else (0, 0)

    def reaches_out(self, block: int, low: float, high: float) -> bool:
        """Tell whether a block has an x outside of a span."""
        return bool(self._low[block] < low or self._high[block] > high)

    def bounds(self, chosen: slice) -> tuple[Floats, Floats]:
        """Give the smallest and largest x of some blocks."""
        return self._low[chosen], self._high[chosen]


def _points(
    view: View,
    path: Path,
    axis_path: Path,
    lines: tuple[int, int],
    span: tuple[float, float],
) -> tuple[Floats, Floats]:
    """Give x and y of the numbers in a span of lines and of x, in the order of x."""
    names = [name_of(path)] if axis_path == STEPS else [name_of(path), name_of(axis_path)]
    columns = view.read(lines, names)
    if path not in columns:
        return np.zeros(0), np.zeros(0)
    at, y = columns[path].numbers()
    x, has_x = _x_at(at, columns, axis_path)
    keep = has_x & (x >= span[0]) & (x <= span[1])
    if not bool(keep.all()):
        x, y = x[keep], y[keep]
    if bool(np.all(x[1:] >= x[:-1])):
        return x, y
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def _x_at(lines: Ints, columns: dict[Path, Column], axis_path: Path) -> tuple[Floats, NDArray[np.bool_]]:
    if not len(lines):
        return np.zeros(0), np.zeros(0, np.bool_)
    if axis_path == STEPS:
        return steps_at(columns[STEPS], lines).astype(np.float64), np.ones(len(lines), np.bool_)
    if axis_path not in columns:
        return np.zeros(len(lines)), np.zeros(len(lines), np.bool_)
    there, values = columns[axis_path].numbers()
    places = np.minimum(np.searchsorted(there, lines), max(len(there) - 1, 0))
    if not len(there):
        return np.zeros(len(lines)), np.zeros(len(lines), np.bool_)
    x = values[places]
    return x, (there[places] == lines) & np.isfinite(x)


def _of_points(x: Floats, y: Floats, buckets: int) -> Series | None:
    if not len(x):
        return None
    if len(x) <= buckets:
        starts = np.arange(len(x))
    else:
        # From one end of the floats to the other is farther than a float can say; a quarter of it is not.
        placed = x if x[-1] / 2 - x[0] / 2 < _FARTHEST else x / 4
        width = (placed[-1] - placed[0]) / buckets
        numbers = np.minimum((placed - placed[0]) / width, buckets - 1).astype(np.int64) if width > 0 else np.zeros(len(x), np.int64)
        starts = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
    summary = Summary(y, starts)
    ends = np.append(starts[1:], len(x)) - 1
    finite = summary.numbers - summary.nans - summary.infinities
    return Series(
        x[starts],
        x[ends],
        summary.first,
        summary.last,
        summary.smallest,
        summary.largest,
        _mean(summary.total, finite),
        summary.numbers,
        summary.nans,
        summary.infinities,
    )


def _of_blocks(
    view: View,
    path: Path,
    seen: _Outlined,
    chosen: slice,
    axis_path: Path,
    span: tuple[float, float],
    buckets: int,
) -> Series:
    """Answer from the outline; blocks at the ends of the span, which reach out of it, are read."""
    size = -(-(chosen.stop - chosen.start) // buckets)
    edges = {number for number in (chosen.start, chosen.stop - 1) if seen.reaches_out(number, *span)}
    blocks = seen.outline[chosen]
    low, high = seen.bounds(chosen)
    columns: dict[str, NDArray[Any]] = {
        "x": low.copy(),
        "x_last": high.copy(),
        **{name: blocks[name].astype(np.float64) for name in ("first", "last", "min", "max", "sum")},
        **{name: blocks[name].astype(np.int64) for name in ("points", "nans", "infinities")},
    }
    for number in edges:
        read = _of_points(*_points(view, path, axis_path, seen.lines(slice(number, number + 1)), span), 1)
        row = number - chosen.start
        if read is None:
            columns["points"][row] = 0
            continue
        finite = read.count - read.nans - read.infinities
        told = (read.x, read.x_last, read.first, read.last, read.smallest, read.largest, np.nan_to_num(read.mean * finite))
        for name, value in zip(("x", "x_last", "first", "last", "min", "max", "sum"), told, strict=True):
            columns[name][row] = value[0]
        columns["points"][row], columns["nans"][row], columns["infinities"][row] = read.count[0], read.nans[0], read.infinities[0]
    keep = columns["points"] > 0
    columns = {name: values[keep] for name, values in columns.items()}
    groups = np.flatnonzero(keep) // size
    return _grouped(columns, np.flatnonzero(np.append(True, groups[1:] != groups[:-1])))


def _grouped(columns: dict[str, NDArray[Any]], starts: Ints) -> Series:
    ends = np.append(starts[1:], len(columns["x"])) - 1
    firsts, lasts = Summary(columns["first"], starts), Summary(columns["last"], starts)
    with np.errstate(over="ignore", invalid="ignore"):  # sums of numbers near the largest are infinite
        sums = {name: np.add.reduceat(columns[name], starts) for name in ("points", "nans", "infinities", "sum")}
    return Series(
        columns["x"][starts],
        columns["x_last"][ends],
        firsts.first,
        lasts.last,
        np.fmin.reduceat(columns["min"], starts),
        np.fmax.reduceat(columns["max"], starts),
        _mean(sums["sum"], sums["points"] - sums["nans"] - sums["infinities"]),
        sums["points"].astype(np.int64),
        sums["nans"].astype(np.int64),
        sums["infinities"].astype(np.int64),
    )


def _mean(total: Floats, count: NDArray[np.float64] | Ints) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan)

"""Rows out, as they were logged: a span of lines or steps, some evenly spread, the last ones."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from runkey_server.history.columns import Column, Ints
from runkey_server.history.model import ALL_LINES, View
from runkey_server.history.outlines import Outline
from runkey_server.history.packing import STEPS, Row, name_of, rows_of, write_row

_PORTION = 8_192
"""Lines read at once where all are asked for: a full chunk's."""

_MOST_IN_A_PAGE = 100_000


def last_lines(view: View, count: int) -> list[str]:
    """Give the last lines, in their order, as JSON."""
    end = view.next_line
    rows = rows_of(view.read((max(0, end - count), end))) if count > 0 else {}
    return [write_row(row) for row in rows.values()]


def read_portions(view: View) -> Iterator[list[Row]]:
    """Give every row, in order, some thousand at a time."""
    for start, end in list_stretches(view):
        for first in range(start, end, _PORTION):
            yield list(rows_of(view.read((first, min(first + _PORTION, end)))).values())


def list_stretches(view: View) -> list[tuple[int, int]]:
    """Give spans that hold all lines, in order, without the gaps that are wide: nobody should have to look through what is not there."""
    outline = view.outline(STEPS)
    stretches: list[tuple[int, int]] = []
    for block in outline[["first_line", "last_line", "points"]].tolist():
        for first, end in _parts(view, *block):
            if stretches and first - stretches[-1][1] <= _PORTION:
                stretches[-1] = (stretches[-1][0], end)
            else:
                stretches.append((first, end))
    return stretches


def _parts(view: View, first: int, last: int, points: int) -> list[tuple[int, int]]:
    """Divide a block where lines are missing in it."""
    if last - first < points + _PORTION:
        return [(first, last + 1)]
    lines = view.read((first, last + 1), ())[STEPS].lines
    cuts = np.flatnonzero(np.diff(lines) > _PORTION)
    return list(zip(lines[np.append(0, cuts + 1)].tolist(), (lines[np.append(cuts, -1)] + 1).tolist(), strict=True))


def read_all(view: View) -> list[Row]:
    """Give every row, in order."""
    return [row for rows in read_portions(view) for row in rows]


def read_steps(view: View, min_step: int, max_step: int, at_most: int) -> list[str]:
    """Give the lines whose step is at least min_step and below max_step, in their order, at most so many, as JSON."""
    lines = lines_of_steps(view, min_step, max_step)[:at_most]
    return [write_row(row) for row in _rows_at(view, lines)]


def lines_of_steps(view: View, min_step: int | None, max_step: int | None) -> Ints:
    """Give the numbers of the lines whose step is at least min_step and below max_step. Cost: the blocks that may have one are read."""
    low, high = 0 if min_step is None else min_step, 2**63 - 1 if max_step is None else max_step
    blocks = _blocks_of_steps(view, low, high)
    found = []
    for first, end in _spans(blocks):
        steps = view.read((first, end), ()).get(STEPS)
        if steps is not None:
            found.append(steps.lines[(steps.ints >= low) & (steps.ints < high)])
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _around_steps(view: View, min_step: int | None, max_step: int | None) -> tuple[int, int]:
    """Give a span of lines outside of which no step is at least min_step and below max_step."""
    if min_step is None and max_step is None:
        return ALL_LINES
    blocks = _blocks_of_steps(view, min_step, max_step)
    return (int(blocks["first_line"][0]), int(blocks["last_line"][-1]) + 1) if len(blocks) else (0, 0)


def _blocks_of_steps(view: View, min_step: int | None, max_step: int | None) -> Outline:
    outline = view.outline(STEPS)
    low, high = 0 if min_step is None else min_step, 2**63 - 1 if max_step is None else max_step
    return outline[(outline["max_step"] >= low) & (outline["min_step"] < high)]


def _spans(blocks: Outline) -> list[tuple[int, int]]:
    """Join neighbouring blocks to spans of lines."""
    spans: list[tuple[int, int]] = []
    for first, last in zip(blocks["first_line"].tolist(), blocks["last_line"].tolist(), strict=True):
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], last + 1)
        else:
            spans.append((first, last + 1))
    return spans


def sample_lines(view: View, at_most: int) -> list[str]:
    """Give at most so many lines, evenly spread, first and last among them, as JSON."""
    if at_most <= 0:
        return []
    steps = view.read(names=()).get(STEPS)
    if steps is None:
        return []
    return [write_row(row) for row in _rows_at(view, spread(steps.lines, at_most))]


def sample_rows(
    view: View,
    keys: Sequence[str],
    at_most: int,
    *,
    min_step: int | None = None,
    max_step: int | None = None,
) -> list[dict[str, Any]]:
    """Give at most so many of the history rows that have all these keys (dotted for nested ones), with these keys alone.

    Of steps from min_step up to but not with max_step. Evenly spread, first and last among them; all of them where there is room for one
    row a step: that is a page of steps, as the official client asks for them, and steps may repeat.
    """
    if at_most <= 0 or not keys:
        return []
    columns = view.read(_around_steps(view, min_step, max_step), keys)
    if STEPS not in columns:
        return []
    steps = columns[STEPS]
    keep = np.ones(len(steps), np.bool_)
    if min_step is not None:
        keep &= steps.ints >= min_step
    if max_step is not None:
        keep &= steps.ints < max_step
    lines = steps.lines[keep]
    named: dict[str, list[Column]] = {}
    for path, column in columns.items():
        if path != STEPS:
            named.setdefault(name_of(path), []).append(column)
    chosen = {}
    for key in keys:
        if key not in named:
            return []
        chosen[key] = Column.joined(named[key])
        lines = lines[np.isin(lines, chosen[key].lines, assume_unique=True)]
    is_page = min_step is not None and max_step is not None and max_step - min_step <= at_most
    lines = spread(lines, _MOST_IN_A_PAGE if is_page else at_most)
    values = {key: column.take(np.searchsorted(column.lines, lines)).values() for key, column in chosen.items()}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def spread(items: Ints, at_most: int) -> Ints:
    """Choose at most so many of a list, evenly, the first and the last among them."""
    if at_most <= 0:
        return items[:0]
    if len(items) <= at_most:
        return items
    if at_most == 1:
        return items[-1:]
    return items[np.arange(at_most) * (len(items) - 1) // (at_most - 1)]


def _rows_at(view: View, lines: Ints) -> list[Row]:
    """Give the rows of some lines, in order; what lies between is read a portion at a time and let go."""
    rows: list[Row] = []
    at = 0
    while at < len(lines):
        first = int(lines[at])
        end = int(np.searchsorted(lines, first + _PORTION))
        wanted = lines[at:end]
        columns = view.read((first, int(wanted[-1]) + 1))
        taken = {path: _only(column, wanted) for path, column in columns.items()}
        rows.extend(rows_of({path: column for path, column in taken.items() if len(column)}).values())
        at = end
    return rows


def _only(column: Column, lines: Ints) -> Column:
    return column.take(np.isin(column.lines, lines, assume_unique=True)) if len(lines) != len(column) else column

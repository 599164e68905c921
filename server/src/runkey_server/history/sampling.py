"""Fewer rows than there are, deterministic: the same question gives the same rows, first and last always among them."""

from typing import Any, TypeVar

import sqlalchemy as sa

from runkey_server.history import store
from runkey_server.history.model import Stream
from runkey_server.history.reading import read_all
from runkey_wire import history_line

_T = TypeVar("_T")


def sample_lines(transaction: sa.Connection, run_id: int, stream: Stream, at_most: int) -> list[str]:
    """Give at most so many lines, evenly spread."""
    return _spread(store.read_bodies(transaction, run_id, stream), at_most)


def sample_rows(
    transaction: sa.Connection,
    run_id: int,
    keys: list[str],
    at_most: int,
    *,
    min_step: int | None = None,
    max_step: int | None = None,
) -> list[dict[str, Any]]:
    """Give at most so many of the history rows that have all these keys (dotted for nested ones), with these keys alone."""
    bodies = store.read_bodies(transaction, run_id, Stream.HISTORY, min_step=min_step, max_step=max_step)
    chosen = []
    for body in bodies:
        row = history_line.parse(body)
        values = {key: _at(row, key) for key in keys}
        if all(value is not _ABSENT for value in values.values()):
            chosen.append(values)
    return _spread(chosen, at_most)


def series(transaction: sa.Connection, run_id: int, buckets: int) -> dict[str, list[tuple[float, float]]]:
    """Give every numeric key of a run's history as points (step, value).

    With more points than 2 x buckets, equal spans of steps each give their smallest and largest value, so no extreme is lost.
    NaN and infinities have no place on a chart and are left out.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for line, row in enumerate(read_all(transaction, run_id, Stream.HISTORY)):
        step = row.get("_step", line)
        for key, value in row.items():
            if key.startswith("_") or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if _is_drawable(step) and _is_drawable(value):
                found.setdefault(key, []).append((float(step), float(value)))
    return {key: _buckets(points, buckets) for key, points in found.items()}


def _buckets(points: list[tuple[float, float]], buckets: int) -> list[tuple[float, float]]:
    if len(points) <= 2 * buckets:
        return points
    first, last = points[0][0], max(point[0] for point in points)
    width = (last - first) / buckets or 1.0
    spans: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        spans.setdefault(min(int((point[0] - first) / width), buckets - 1), []).append(point)
    kept: list[tuple[float, float]] = []
    for span in spans.values():
        extremes = (min(span, key=lambda p: p[1]), max(span, key=lambda p: p[1]))
        kept.extend(sorted(set(extremes)))
    return kept


def _spread(items: list[_T], at_most: int) -> list[_T]:
    if at_most <= 0:
        return []
    if len(items) <= at_most:
        return items
    if at_most == 1:
        return items[-1:]
    return [items[index * (len(items) - 1) // (at_most - 1)] for index in range(at_most)]


def _is_drawable(value: Any) -> bool:
    # Below 1e300 every whole number has a float, and differences of two stay finite.
    return isinstance(value, int | float) and abs(value) < 1e300


_ABSENT = object()


def _at(row: dict[str, Any], key: str) -> Any:
    if key in row:
        return row[key]
    value: Any = row
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return _ABSENT
        value = value[part]
    return value

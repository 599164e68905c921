"""Draws a line chart as the parts of an SVG: a path, ticks, and the figures in words. Pure; the template puts them together."""

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in the drawing's own units."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """One metric, drawn. path: the `d` of an SVG path."""

    title: str
    path: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    last: float
    smallest: float
    largest: float
    count: int


def draw(title: str, points: list[tuple[float, float]]) -> Chart:
    """Draw points (x, y), in order; at least one."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_low, x_high = _span(min(xs), max(xs))
    y_low, y_high = _span(min(ys), max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM),
        )

    placed = [place(x, y) for x, y in points]
    if len(placed) == 1:
        # A line of no length, which round caps turn into a dot.
        placed *= 2
    return Chart(
        title=title,
        path="M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in placed),
        x_ticks=[Tick(place(value, y_low)[0], label(value)) for value in ticks(x_low, x_high, 5)],
        y_ticks=[Tick(place(x_low, value)[1], label(value)) for value in ticks(y_low, y_high, 4)],
        last=ys[-1],
        smallest=min(ys),
        largest=max(ys),
        count=len(points),
    )


def ticks(low: float, high: float, about: int) -> list[float]:
    """Give round values between two bounds, about so many: multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)][: 3 * about]


def label(value: float) -> str:
    """Write a tick's value briefly."""
    if value == 0:
        return "0"
    if abs(value) >= 1e5 or abs(value) < 1e-3:
        return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:.6g}"


def _span(low: float, high: float) -> tuple[float, float]:
    """Widen a span that floating point cannot divide: a single value, or two that are next to each other."""
    if high - low > max(abs(low), abs(high)) * 1e-12:
        return low, high
    half = abs(low) * 0.5 or 0.5
    return low - half, high + half

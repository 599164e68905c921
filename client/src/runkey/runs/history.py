"""Turns log() calls into history rows: step, commit, time. Pure: no thread, no I/O, no clock of its own.

As W&B does: without a step every call is a row of its own and the step grows by one; with one, calls of the same step make one row, which
is complete when a later step comes; `commit=False` lets the next call add to the row. A step that is already past is refused.
"""

from collections.abc import Mapping
from typing import Any


class StepIsPast(Exception):
    """A row for a step that was completed before."""


class History:
    """The rows of one run, as they grow. started: when it began, in seconds since 1970; first_step: of a new run, 0."""

    def __init__(self, started: float, first_step: int = 0) -> None:
        """Begin with no row."""
        self.step = first_step
        self._started = started
        self._partial: dict[str, Any] = {}

    def log(self, data: Mapping[str, Any], step: int | None, commit: bool | None, now: float) -> list[dict[str, Any]]:
        """Add values; give the rows that this completes, none, one or two. Raises StepIsPast."""
        rows: list[dict[str, Any]] = []
        if step is not None:
            if step < self.step:
                raise StepIsPast
            if step > self.step:
                rows = self.flush()
                self.step = step
        self._partial.update(data)
        self._partial["_timestamp"] = now
        if commit if commit is not None else step is None:
            rows += self.flush()
        return rows

    def flush(self) -> list[dict[str, Any]]:
        """Complete the row that is open, if any."""
        if not self._partial:
            return []
        row, self._partial = self._partial, {}
        row["_step"] = self.step
        row["_runtime"] = row["_timestamp"] - self._started
        self.step += 1
        return [row]

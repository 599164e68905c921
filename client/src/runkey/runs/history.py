"""Turns log() calls into history rows: step, commit, time. Pure: no thread, no I/O, no clock of its own.

As W&B does: without a step every call is a row of its own and the step grows by one; with one, calls of the same step make one row, which
is complete when a later step comes; `commit=False` lets the next call add to the row. A step that is already past is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class StepIsPast(Exception):
    """A row for a step that was completed before."""


class Part(NamedTuple):
    """What one call adds to a row. number: which row of the run's; is_complete: no later call adds to it."""

    number: int
    row: dict[str, Any]
    is_complete: bool


class History:
    """The rows of one run, as they grow. step: of the next row."""

    def __init__(
        self,
        started: float,
        completed: Callable[[dict[str, Any]], None] = lambda _: None,
        *,
        first_step: int = 0,
    ) -> None:
        """Begin with no row. started: in seconds since 1970. completed: is told of each whole row. first_step: of a new run, 0."""
        self.step = first_step
        self._number = 0
        self._started = started
        self._completed = completed
        self._open: dict[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a row that more values may be added to."""
        return self._open is not None

    def add(self, data: Mapping[str, Any], step: int | None, commit: bool | None, now: float) -> Part:
        """Take the values of one call. Raises StepIsPast."""
        if step is not None and step != self.step:
            if step < self.step:
                raise StepIsPast
            self.complete()
            self.step = step
        row = {"_timestamp": now, **data}
        row["_runtime"] = now - self._started
        row["_step"] = self.step
        number = self._number
        if commit is False or (commit is None and step is not None):
            self._open = {**self._open, **row} if self._open else row
            return Part(number, row, False)
        if self._open:
            whole, self._open = {**self._open, **row}, None
        else:
            whole = row
        self._completed(whole)
        self.step += 1
        self._number = number + 1
        return Part(number, row, True)

    def complete(self) -> None:
        """Complete the row that is open, if any."""
        if self._open is not None:
            whole, self._open = self._open, None
            self._completed(whole)
            self.step += 1
            self._number += 1

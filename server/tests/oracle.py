"""The rule of history in a few lines of Python: what every store of it must equal."""

import json
from collections.abc import Sequence
from typing import Any


class Oracle:
    """Lines by their number. The same row changes nothing; another one replaces it and drops the rest."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}

    def append(self, first: int, rows: Sequence[dict[str, Any]]) -> None:
        new = dict(enumerate(rows, first))
        changed = next((line for line, row in new.items() if line in self.rows and text(self.rows[line]) != text(row)), None)
        if changed is not None:
            self.rows = {line: row for line, row in self.rows.items() if line < changed}
        self.rows |= new

    def texts(self) -> dict[int, str]:
        return {line: text(self.rows[line]) for line in sorted(self.rows)}

    def steps(self) -> dict[int, int]:
        return {line: step_of(line, row) for line, row in self.rows.items()}


def text(row: dict[str, Any]) -> str:
    """A row so that equal texts are equal to the bit."""
    return json.dumps(row, sort_keys=True)


def step_of(line: int, row: dict[str, Any]) -> int:
    step = row.get("_step")
    return step if type(step) is int and 0 <= step < 2**63 else line

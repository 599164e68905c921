"""What a run was when its process ended, read from its journal: config, summary, name; whether it ended by itself, and what was lost."""

import json
from typing import Any

from runkey.runs.encoding import encode
from runkey.runs.metrics import Metrics
from runkey.runs.model import Standing
from runkey.runs.summary import Summary
from runkey.stream import Reader, Record, framing


class Replay:
    """A run as its journal tells it. standing: None when even its beginning cannot be read. exit_code: None when it did not end.

    rows: how many it took. damaged: stretches that could not be read; torn_bytes: of a record that was being written at the end.
    Raises OSError, UsageError for a journal of a newer format.
    """

    def __init__(self, folder: str) -> None:
        """Read all of it."""
        self.standing: Standing | None = None
        self.exit_code: int | None = None
        self.rows = 0
        self.last_line = 0
        self._metrics = Metrics()
        self._summary = Summary(self._metrics, {}, lambda _, __: None)
        self._open: tuple[int, dict[str, Any]] | None = None
        self._row_at: dict[int, tuple[Any, Any]] = {}
        reader = Reader(folder)
        try:
            for record in reader.records():
                self._see(record)
        finally:
            reader.close()
        self._complete()
        self.damaged, self.torn_bytes = reader.damaged, reader.torn_bytes

    def config(self) -> tuple[dict[str, Any], dict[str, Any], Metrics]:
        """Give the config, W&B's own part of it, and the metrics."""
        assert self.standing is not None
        return self.standing.config, self.standing.private, self._metrics

    def summary_text(self) -> str:
        """Give the summary as JSON."""
        values = self._summary.copy()
        runtime = values.get("_runtime")
        if isinstance(runtime, int | float):
            values["_wandb"] = {"runtime": int(runtime)}
        return encode(values, lambda _, __: None)

    def is_line(self, number: int, row: dict[str, Any]) -> bool:
        """Tell whether a row that the server has is the one that this journal has at that line."""
        return self._row_at.get(number) == (row.get("_step"), row.get("_timestamp"))

    def _see(self, record: Record) -> None:
        kind = record.kind
        if kind == framing.BEGIN:
            self._begin(Standing(**json.loads(record.payload)))
        elif self.standing is None:
            return
        elif kind in (framing.HISTORY, framing.OPEN_ROW):
            self._take_row(record)
        elif kind == framing.CONFIG:
            _change(self.standing, json.loads(record.payload))
        elif kind == framing.SUMMARY:
            told = json.loads(record.payload)
            self._summary.apply(told["set"], told["removed"])
        elif kind == framing.METRIC:
            self._metrics.define(**json.loads(record.payload))
        elif kind == framing.END:
            self.exit_code = int(json.loads(record.payload)["exit_code"])

    def _begin(self, standing: Standing) -> None:
        if self.standing is not None:
            # Each file of a journal begins with how the run stood; what was read before says the same.
            return
        self.standing = standing
        standing.define_metrics(self._metrics)
        self._summary.restore(standing.summary, standing.summary_state)
        self.last_line = standing.line

    def _take_row(self, record: Record) -> None:
        number_text, _, line = record.payload.partition(b" ")
        number, row = int(number_text), json.loads(line)
        if self._open is not None and self._open[0] != number:
            self._complete()
        whole = {**self._open[1], **row} if self._open else row
        self._open = number, whole
        if record.kind == framing.HISTORY:
            self._complete()

    def _complete(self) -> None:
        if self._open is None:
            return
        (number, row), self._open = self._open, None
        self._summary.take_row(row)
        self.rows += 1
        self.last_line = number + 1
        self._row_at[number] = row.get("_step"), row.get("_timestamp")


def _change(standing: Standing, told: dict[str, Any]) -> None:
    standing.config.update(told.get("set") or {})
    for key in told.get("removed") or ():
        standing.config.pop(key, None)
    standing.add_private(told.get("private") or {})
    standing.origin.update(told.get("origin") or {})
    for member, value in (told.get("described") or {}).items():
        setattr(standing, member, value)

"""A run that goes on from a step of another, and one that goes back to a step of its own.

The official client says where in its own part of the config, `branch_point`, and begins to count steps after it; from which line of the
history it sends, it takes from our answer. So a fork gets the history of the other run up to the step before it sends its own.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server import history
from runkey_server.errors import Error
from runkey_server.history import Stream
from runkey_server.runs import store
from runkey_server.runs.model import Run

_MOST_STEPS = 2**62


@dataclass(frozen=True)
class BranchPoint:
    """The last step that is taken over. run: the name of the run whose it is."""

    run: str
    step: int


def branch_point_of(config: str) -> BranchPoint | None:
    """Read from where a run goes on; None for one that begins by itself. config: as JSON text."""
    told: Any = json.loads(config)
    for key in ("_wandb", "value", "branch_point"):
        told = told.get(key) if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("run_id"), str):
        return None
    step = told.get("step")
    if isinstance(step, bool) or not isinstance(step, int | float) or not 0 <= step < _MOST_STEPS:
        return None
    return BranchPoint(told["run_id"], int(step))


def fork(transaction: sa.Connection, run: Run, point: BranchPoint, at: datetime) -> None:
    """Give a run that was made just now the history and the summary of another of its project, up to a step.

    Raises Error `not_found` when there is no such run. Cost: the other's history is written once more.
    """
    parent = store.find_run(transaction, run.entity, run.project, point.run)
    if parent is None or parent.deleted_at is not None or parent.project_id != run.project_id:
        raise Error("not_found", f"There is no run {point.run[:80]!r} in the project {run.project!r} to fork from.")
    line = history.count_lines_to(transaction, parent.id, point.step)
    history.copy(transaction, parent.id, run.id, line, at)
    store.update_run(transaction, run.id, {"summary": _summary(transaction, run.id)})


def rewind(transaction: sa.Connection, run: Run, step: int, at: datetime) -> None:
    """Take a run back to a step: its later history is dropped, its summary is what it was then, and it runs again.

    What it printed and what its machine told is dropped: the client that goes on sends both from their beginning.
    """
    history.cut(transaction, run.id, Stream.HISTORY, history.count_lines_to(transaction, run.id, step), at)
    history.cut(transaction, run.id, Stream.EVENTS, 0, at)
    store.delete_console_lines(transaction, run.id)
    begun_again = {"reported_state": "running", "exit_code": None, "stop_requested": False, "heartbeat_at": at}
    store.update_run(transaction, run.id, {"summary": _summary(transaction, run.id), **begun_again})


def _summary(transaction: sa.Connection, run_id: int) -> str:
    return json.dumps(history.last_values(transaction, run_id)).encode("utf-8", "replace").decode()

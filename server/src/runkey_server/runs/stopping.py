"""Asks runs to stop, and moves a run to a state by hand.

Who runs hears of it in the answer to what it sends next, and ends as after Ctrl-C. Nobody is asked here whether somebody may.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from runkey_server.errors import Error
from runkey_server.runs import store
from runkey_server.runs.model import RUNNING, Run

_FROM = {
    "pending": ("running", "failed", "crashed", "preempted"),
    "failed": ("pending", "running"),
}


def stop_runs(transaction: sa.Connection, project_id: int, names: Sequence[str]) -> list[str]:
    """Ask runs of a project to stop; gives the names of those that had not ended and had not been asked."""
    return store.request_stop(transaction, project_id, names, RUNNING)


def set_state(transaction: sa.Connection, run: Run, state: str, at: datetime) -> None:
    """Move a run to `pending`, so that it may be taken up again, or to `failed`. Raises Error `invalid` for what it cannot become."""
    before = run.state(at)
    if state not in _FROM:
        raise Error("invalid", f"A run can be set to {' or '.join(_FROM)}, not to {state[:80]!r}.")
    if before == state:
        return
    if before not in _FROM[state]:
        raise Error("invalid", f"A run that is {before} cannot be set to {state}.")
    store.update_run(transaction, run.id, {"reported_state": state})

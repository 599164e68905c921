"""What a running run tells: that it lives, its summary, its exit code; and whether it may still be told."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error, unauthenticated
from runkey_server.projects import may
from runkey_server.runs import store
from runkey_server.runs.model import Run


@dataclass(frozen=True)
class Report:
    """One word of a run. summary: the whole new one, as JSON text. complete: it is the last word."""

    summary: str | None = None
    complete: bool = False
    exit_code: int | None = None
    preempting: bool = False


def get_writable(transaction: sa.Connection, actor: Actor, entity: str, project: str, name: str) -> Run:
    """Find a run that the actor may write to.

    Raises Error `not_found` for an unknown or a foreign run, `gone` for a deleted one of the actor's own, `unauthenticated` for a run
    that a replaced or expired key did not open or that has ended.
    """
    run = store.find_run(transaction, entity.lower(), project, name)
    if run is None or not may(actor, "write", run.account_id, opened_by=None if run.has_ended else run.opened_by):
        if actor.only_opened_runs:
            raise unauthenticated()
        raise Error("not_found", "There is no such run.")
    if run.deleted_at is not None:
        raise Error("gone", f"The run {run.name!r} was deleted.")
    return run


def report(transaction: sa.Connection, run: Run, said: Report, at: datetime) -> None:
    """Take in one word. A run that ended and speaks again without ending runs again. Raises Error `invalid` for a bad summary."""
    values: dict[str, Any] = {"heartbeat_at": at}
    if said.summary is not None:
        values["summary"] = _checked_summary(said.summary)
    if said.complete:
        values["exit_code"] = said.exit_code or 0
        failed = "preempted" if said.preempting or run.reported_state == "preempting" else "failed"
        values["reported_state"] = failed if said.exit_code else "finished"
        # It stopped; whoever takes it up again may run.
        values["stop_requested"] = False
    elif said.preempting:
        values["reported_state"] = "preempting"
    elif run.has_ended:
        values["reported_state"] = "running"
        values["exit_code"] = None
    store.update_run(transaction, run.id, values)


def _checked_summary(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise Error("invalid", "The summary is not a JSON object.")
    return text

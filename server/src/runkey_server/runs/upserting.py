"""Makes a run or changes it. None in a change leaves a thing alone."""

import json
import secrets
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import may, open_project
from runkey_server.runs import store
from runkey_server.runs.branching import branch_point_of, fork
from runkey_server.runs.model import Changes, Run
from runkey_server.runs.naming import mint_display_name
from runkey_server.runs.sharing import join_config
from runkey_wire import names

DEFAULT_PROJECT = "uncategorized"
_MAX_JSON_CHARACTERS = 16 * 1024 * 1024
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def upsert(
    transaction: sa.Connection,
    actor: Actor,
    entity: str | None,
    project_name: str | None,
    name: str | None,
    changes: Changes,
    at: datetime,
    *,
    joins: bool = False,
) -> tuple[Run, bool]:
    """Make a run in a project (made on the fly), or change the one that has this name; the flag tells whether it was made.

    joins: whoever asks is one of several that write it, and adds to the config.

    Raises Error `not_found` for a foreign entity, or a run to fork from that is not there; `invalid` for bad names or values; `gone` for a
    name whose run was deleted; `unauthenticated` for a key that may only write on to runs it opened.
    """
    values = _values(changes)
    existing = find_meant(transaction, actor, entity, project_name, name)
    if existing is not None and may(actor, "write", existing.account_id, opened_by=_opener(existing)):
        if existing.deleted_at is not None:
            raise Error("gone", f"The run {existing.name!r} was deleted. Begin one with another id.")
        if not actor.only_opened_runs:
            values["opened_by"] = actor.key_id
        if existing.is_silent(at):
            # Whom it was meant for is gone.
            values["stop_requested"] = False
        if joins and "config" in values:
            store.lock_run(transaction, existing.id)
            values["config"] = join_config(_get(transaction, existing.id).config, values["config"])
            _check_json("config", values["config"])
        store.update_run(transaction, existing.id, values)
        return _get(transaction, existing.id), False
    if actor.only_opened_runs:
        raise Error("unauthenticated", "user is not logged in")
    project, _ = open_project(transaction, actor, entity, project_name or DEFAULT_PROJECT, at)
    name = name or "".join(secrets.choice(_BASE36) for _ in range(8))
    fault = names.run_id_fault(name)
    if fault:
        raise Error("invalid", f"{name[:80]!r} {fault}.")
    run_id = store.insert_run(transaction, _new_run(project.id, name, actor, at) | values)
    if run_id is None:
        raise Error("unavailable", "The same run was begun twice at one moment. Try again.", retry_after_seconds=1)
    run = _get(transaction, run_id)
    point = branch_point_of(run.config)
    if point is not None and point.run != name:
        fork(transaction, run, point, at)
        run = _get(transaction, run_id)
    return run, True


def find_meant(transaction: sa.Connection, actor: Actor, entity: str | None, project_name: str | None, name: str | None) -> Run | None:
    """Find the run that an upsert would change, whoever asks, deleted ones included."""
    return store.find_run(transaction, (entity or actor.entity).lower(), project_name or DEFAULT_PROJECT, name or "")


def update_by_id(transaction: sa.Connection, actor: Actor, run_id: int, changes: Changes) -> Run:
    """Change a run that is known by its id. Raises Error `not_found`, also for a foreign one; `invalid` for bad values."""
    run = store.find_run_by_id(transaction, run_id)
    if run is None or run.deleted_at is not None or not may(actor, "write", run.account_id, opened_by=_opener(run)):
        raise Error("not_found", "There is no such run.")
    store.update_run(transaction, run.id, _values(changes))
    return _get(transaction, run.id)


def _opener(run: Run) -> str | None:
    return None if run.has_ended else run.opened_by


def _new_run(project_id: int, name: str, actor: Actor, at: datetime) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "name": name,
        "display_name": mint_display_name(),
        "reported_state": "running",
        "config": "{}",
        "summary": "{}",
        "tags": [],
        "stop_requested": False,
        "opened_by": actor.key_id,
        "created_at": at,
        "heartbeat_at": at,
    }


def _values(changes: Changes) -> dict[str, Any]:
    """Column values of what changes, checked."""
    values = {field.name: getattr(changes, field.name) for field in fields(changes)}
    values = {name: value for name, value in values.items() if value is not None}
    for column in ("config", "summary"):
        if column in values:
            _check_json(column, values[column])
    for column, value in values.items():
        if isinstance(value, str):
            check_text(column, value)
    if "tags" in values:
        for tag in values["tags"]:
            check_text("tags", tag)
        values["tags"] = list(dict.fromkeys(values["tags"]))
    if "state" in values:
        values["reported_state"] = values.pop("state")
    return values


def _check_json(column: str, text: str) -> None:
    try:
        is_object = len(text) <= _MAX_JSON_CHARACTERS and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise Error("invalid", f"{column} is not a JSON object of at most {_MAX_JSON_CHARACTERS} characters.")


def check_text(column: str, text: str) -> None:
    """Raise Error `invalid` for what a database's text has no place for."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Error("invalid", f"{column} has a character that is no text.") from None
    if "\0" in text:
        raise Error("invalid", f"{column} has a NUL character.")


def _get(transaction: sa.Connection, run_id: int) -> Run:
    run = store.find_run_by_id(transaction, run_id)
    if run is None:
        raise Error("not_found", "There is no such run any more.")
    return run

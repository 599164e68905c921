"""One run, or an ordered page of them, for an actor who may read it."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import Project, may
from runkey_server.runs import store
from runkey_server.runs.model import Run


def find_run(transaction: sa.Connection, actor: Actor | None, entity: str, project: str, name: str) -> Run | None:
    """Find a run that the actor may read; None alike for one that does not exist, or was deleted."""
    run = store.find_run(transaction, entity.lower(), project, name)
    if run is None or run.deleted_at is not None or not may(actor, "read", run.account_id):
        return None
    return run


def get_run_by_id(transaction: sa.Connection, run_id: int) -> Run:
    """Find a run by its id, whoever asks. Raises Error `not_found`."""
    run = store.find_run_by_id(transaction, run_id)
    if run is None or run.deleted_at is not None:
        raise Error("not_found", "There is no such run.")
    return run


def list_runs(
    transaction: sa.Connection, project: Project, *, order: str | None = None, skip: int = 0, at_most: int | None = None
) -> list[Run]:
    """Give a page of a project's runs. order: `created_at` or `heartbeat_at`, with + or - before it, as the official client sends it.

    Raises Error `invalid` for any other order.
    """
    order = order or "+created_at"
    descending, column = order.startswith("-"), order.lstrip("+-")
    if column not in store.ORDERS:
        raise Error("invalid", f"Runs cannot be ordered by {column[:80]!r} yet; {' and '.join(store.ORDERS)} can be used.")
    return store.list_runs(transaction, project.id, order=column, descending=descending, skip=skip, at_most=at_most)


def list_changed(transaction: sa.Connection, project: Project, since: datetime, *, at_most: int) -> list[Run]:
    """Give the runs of a project that said something since a moment, the latest first."""
    return store.list_changed(transaction, project.id, since, at_most)


def list_named(transaction: sa.Connection, project: Project, names: Sequence[str]) -> list[Run]:
    """Give those runs of a project that have these names, the newest first."""
    return store.list_runs_by_name(transaction, project.id, names)


def number_runs(transaction: sa.Connection, project: Project, names: Sequence[str] | None = None) -> dict[str, int]:
    """Give the ids of a project's runs by their names, the newest first. names: of these alone."""
    return store.number_runs(transaction, project.id, names)


def count_runs(transaction: sa.Connection, project: Project) -> int:
    """Count a project's runs."""
    return store.count_runs(transaction, project.id)

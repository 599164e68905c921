"""One run, or an ordered page of them, for an actor who may read it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import exc

from runkey_server.asgi.actor import Actor
from runkey_server.database.filtering import Condition
from runkey_server.database.matching import MAX_SECONDS
from runkey_server.errors import Error
from runkey_server.projects import Project, may
from runkey_server.runs import store
from runkey_server.runs.model import Run
from runkey_server.runs.ordering import read_cursor, read_order, write_cursor


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


@dataclass(frozen=True)
class Page:
    """Some runs in their order, and with each the cursor after which the next page begins. more: whether there are others."""

    runs: list[Run]
    cursors: list[str]
    more: bool


def list_page(
    transaction: sa.Connection,
    project: Project,
    now: datetime,
    *,
    chosen: Condition | None = None,
    order: str | None = None,
    after: str | None = None,
    at_most: int,
) -> Page:
    """Give a page of those of a project's runs that a filter chooses, from after a cursor on.

    Raises Error `invalid` for an order or a cursor that cannot be used, and for a filter that takes too long. Cost: by `created_at`, what
    lies between the pages is read; by anything else, a look at each run of the project.
    """
    ordering = read_order(order, now)
    place = None if after is None else read_cursor(after, ordering)
    with _in_time():
        found = store.list_runs(transaction, project.id, ordering, where=chosen, after=place, at_most=at_most + 1)
    listed = found[:at_most]
    return Page([run for run, _ in listed], [write_cursor(at) for _, at in listed], len(found) > at_most)


def list_runs(
    transaction: sa.Connection, project: Project, *, order: str | None = None, skip: int = 0, at_most: int | None = None
) -> list[Run]:
    """Give a page of a project's runs, by when they began. order: `+created_at` or `-created_at`."""
    ordering = read_order(order, datetime.now(UTC))
    return [run for run, _ in store.list_runs(transaction, project.id, ordering, skip=skip, at_most=at_most)]


@contextmanager
def _in_time() -> Iterator[None]:
    """Say so when a regular expression would take for ever."""
    began = time.monotonic()
    try:
        yield
    except exc.OperationalError as error:
        # SQLite says no more of a function of ours than that it raised something.
        if "user-defined function" in str(error.orig) and time.monotonic() - began >= MAX_SECONDS:
            raise Error("invalid", f"The regular expression takes longer than {MAX_SECONDS:.0f} seconds over these runs.") from None
        raise


def list_changed(transaction: sa.Connection, project: Project, since: datetime, *, at_most: int) -> list[Run]:
    """Give the runs of a project that said something since a moment, the latest first."""
    return store.list_changed(transaction, project.id, since, at_most)


def list_named(transaction: sa.Connection, project: Project, names: Sequence[str]) -> list[Run]:
    """Give those runs of a project that have these names, the newest first."""
    return store.list_runs_by_name(transaction, project.id, names)


def number_runs(transaction: sa.Connection, project: Project, names: Sequence[str] | None = None) -> dict[str, int]:
    """Give the ids of a project's runs by their names, the newest first. names: of these alone."""
    return store.number_runs(transaction, project.id, names)


def count_runs(transaction: sa.Connection, project: Project, chosen: Condition | None = None) -> int:
    """Count those of a project's runs that a filter chooses."""
    with _in_time():
        return store.count_runs(transaction, project.id, chosen)

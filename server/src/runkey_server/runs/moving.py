"""Moves runs from one project to another, with all that is known of them by their number: history, console, files.

What writes to a run writes to it by its project and name, so a run that goes on stays where it is. Nobody is asked here whether somebody
may.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import exc

from runkey_server.errors import Error
from runkey_server.projects import Project
from runkey_server.runs import store
from runkey_server.runs.model import Run

_NAMED = 3


def move_runs(transaction: sa.Connection, source: Project, names: Sequence[str], destination: Project, at: datetime) -> list[Run]:
    """Move runs of a project that are not deleted; give them as they were. All, or none.

    Rules of the other project leave them alone: it was a person's word. Raises Error `invalid` for the project that they are in,
    `conflict` while one goes on, or where the name of one is taken, were it by a run that was deleted there.
    """
    if destination.id == source.id:
        raise Error("invalid", f"They are in the project {destination.name!r} already.")
    found = store.list_runs_by_name(transaction, source.id, names)
    going_on = [run.name for run in found if not run.has_ended and not run.is_silent(at)]
    if going_on:
        raise Error("conflict", f"{_listed(going_on)} still goes on, and what writes to it would not find it. Stop it, or wait.")
    taken = store.list_taken(transaction, destination.id, [run.name for run in found])
    if taken:
        raise Error(
            "conflict", f"In the project {destination.name!r} there is, or was until yesterday, a run with the id {_listed(taken)}."
        )
    try:
        with transaction.begin_nested():
            store.move_runs(transaction, [run.id for run in found], destination.id, at)
    except exc.IntegrityError:
        raise Error("conflict", f"A run with the same id was begun in {destination.name!r} at this moment.") from None
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")

"""Marks runs deleted, and takes that back within a day.

The name stays taken until the run is purged, so that late rows of it cannot end up in another run. Nobody is asked here whether somebody
may: the doors ask `projects.may`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.projects import UNDO_FOR, Project
from runkey_server.runs import store
from runkey_server.runs.model import RUNNING, Run

SILENT_FOR = timedelta(days=7)
"""A run that did not say its last word is older than it looks: a machine may come back that was off for days."""


def delete_runs(transaction: sa.Connection, project_id: int, names: Sequence[str], at: datetime) -> list[str]:
    """Mark runs deleted: they are found no more, and what still writes to them hears "gone". Gives the names of those that were there."""
    return store.mark_deleted(transaction, project_id, names, at)


def restore_runs(transaction: sa.Connection, project_id: int, names: Sequence[str], at: datetime) -> list[str]:
    """Take back that runs were deleted; gives the names of those whose day was not over."""
    return store.unmark_deleted(transaction, project_id, names, at - UNDO_FOR, at)


def list_deleted(transaction: sa.Connection, project: Project, at: datetime, *, at_most: int) -> list[Run]:
    """Give the runs of a project that can be restored, the last deleted first."""
    return store.list_deleted(transaction, project.id, at - UNDO_FOR, at_most)


def list_deleted_before(transaction: sa.Connection, moment: datetime, *, at_most: int) -> list[int]:
    """Give the ids of runs that were deleted by a moment, whoever owns them, the first ones first."""
    return store.list_deleted_before(transaction, moment, at_most)


def list_older(transaction: sa.Connection, project_id: int, but_newest: int, at: datetime) -> list[tuple[str, tuple[str, ...]]]:
    """Give name and tags of a project's runs beyond the newest ones, as far as rules may delete them.

    Not those that have not ended, unless they are silent for a week, and not those that somebody restored.
    """
    found = store.list_older(transaction, project_id, but_newest, at - SILENT_FOR, RUNNING)
    return [(row.name, tuple(row.tags)) for row in found]

"""A project is deleted, and comes back within a day. Its name stays taken until it is purged; its runs are found no more meanwhile."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.asgi.actor import Actor
from runkey_server.projects import store
from runkey_server.projects.access import may
from runkey_server.projects.model import Project

UNDO_FOR = timedelta(days=1)
"""For so long what was deleted can be restored, a project as well as a run."""


def delete_project(transaction: sa.Connection, project: Project, at: datetime) -> bool:
    """Mark a project deleted, whoever asks; False when it was already."""
    return store.mark_deleted(transaction, project.id, at)


def restore_project(transaction: sa.Connection, project: Project, at: datetime) -> bool:
    """Take back that a project was deleted, whoever asks; False when its day is over."""
    return store.unmark_deleted(transaction, project.id, at - UNDO_FOR)


def find_deleted(transaction: sa.Connection, actor: Actor | None, entity: str, name: str) -> Project | None:
    """Find a deleted project that the actor may read."""
    project = store.find_project(transaction, entity.lower(), name)
    if project is None or project.deleted_at is None or not may(actor, "read", project.account_id):
        return None
    return project


def list_deleted(transaction: sa.Connection, actor: Actor | None, account_id: int, at: datetime) -> list[Project]:
    """Give the projects of an account that the actor may read and that can be restored, the last first."""
    return store.list_deleted(transaction, account_id, at - UNDO_FOR) if may(actor, "read", account_id) else []


def list_deleted_before(transaction: sa.Connection, moment: datetime, *, at_most: int) -> list[int]:
    """Give the ids of projects that were deleted by a moment, whoever owns them, the first ones first."""
    return store.list_deleted_before(transaction, moment, at_most)

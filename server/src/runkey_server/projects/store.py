"""The rows of projects: functions that take an open transaction."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.accounts import ANONYMOUS_PREFIX
from runkey_server.accounts.tables import accounts
from runkey_server.database import insert_for
from runkey_server.projects.model import Project
from runkey_server.projects.tables import project_aliases, project_layouts, projects

_SELECT = (
    sa.select(
        projects.c.id, projects.c.account_id, accounts.c.name.label("entity"), projects.c.name, projects.c.created_at, projects.c.deleted_at
    )
    .join_from(projects, accounts)
    .where(accounts.c.deleted_at.is_(None))
)


def insert_project(transaction: sa.Connection, account_id: int, name: str, at: datetime) -> bool:
    """Add a row; False when it is there already."""
    added = transaction.execute(
        insert_for(transaction, projects)
        .values(account_id=account_id, name=name, created_at=at)
        .on_conflict_do_nothing()
        .returning(projects.c.id)
    )
    return added.first() is not None


def find_project(transaction: sa.Connection, entity: str, name: str) -> Project | None:
    """Find by entity and name, or by the entity and name under which it was claimed; deleted ones included."""
    row = transaction.execute(_SELECT.where(accounts.c.name == entity, projects.c.name == name)).first()
    if row is None and entity.startswith(ANONYMOUS_PREFIX):
        alias = sa.select(project_aliases.c.project_id).where(project_aliases.c.entity == entity, project_aliases.c.name == name)
        row = transaction.execute(_SELECT.where(projects.c.id == alias.scalar_subquery())).first()
    return None if row is None else _project(row)


def find_project_by_id(transaction: sa.Connection, project_id: int) -> Project | None:
    """Find by id, deleted ones included."""
    row = transaction.execute(_SELECT.where(projects.c.id == project_id)).first()
    return None if row is None else _project(row)


def list_projects(transaction: sa.Connection, account_id: int, *, before_id: int | None, at_most: int | None) -> list[Project]:
    """Give an account's projects that are not deleted, newest first, from before a given one on."""
    statement = _SELECT.where(projects.c.account_id == account_id, projects.c.deleted_at.is_(None))
    if before_id is not None:
        statement = statement.where(projects.c.id < before_id)
    return [_project(row) for row in transaction.execute(statement.order_by(projects.c.id.desc()).limit(at_most))]


def list_all(transaction: sa.Connection, account_id: int) -> list[Project]:
    """Give all projects of an account, deleted ones included, newest first."""
    statement = _SELECT.where(projects.c.account_id == account_id).order_by(projects.c.id.desc())
    return [_project(row) for row in transaction.execute(statement)]


def list_deleted(transaction: sa.Connection, account_id: int, since: datetime) -> list[Project]:
    """Give an account's projects that were deleted after a moment, the last first."""
    statement = _SELECT.where(projects.c.account_id == account_id, projects.c.deleted_at > since)
    return [_project(row) for row in transaction.execute(statement.order_by(projects.c.deleted_at.desc()))]


def list_deleted_before(transaction: sa.Connection, moment: datetime, at_most: int) -> list[int]:
    """Give the ids of projects that were deleted by a moment, whoever owns them."""
    statement = sa.select(projects.c.id).where(projects.c.deleted_at <= moment).order_by(projects.c.deleted_at).limit(at_most)
    return list(transaction.execute(statement).scalars())


def mark_deleted(transaction: sa.Connection, project_id: int, at: datetime) -> bool:
    """Note when a project was deleted; False when it was before."""
    where = (projects.c.id == project_id, projects.c.deleted_at.is_(None))
    return transaction.execute(sa.update(projects).where(*where).values(deleted_at=at).returning(projects.c.id)).first() is not None


def unmark_deleted(transaction: sa.Connection, project_id: int, since: datetime) -> bool:
    """Forget that a project was deleted, if it was so after a moment."""
    where = (projects.c.id == project_id, projects.c.deleted_at > since)
    return transaction.execute(sa.update(projects).where(*where).values(deleted_at=None).returning(projects.c.id)).first() is not None


def count_projects(transaction: sa.Connection, account_id: int) -> int:
    """Count an account's projects, deleted ones included."""
    counted = sa.select(sa.func.count()).select_from(projects).where(projects.c.account_id == account_id)
    return int(transaction.execute(counted).scalar_one())


def has_project(transaction: sa.Connection, account_id: int, name: str) -> bool:
    """Tell whether an account has a project of this name."""
    taken = sa.select(projects.c.id).where(projects.c.account_id == account_id, projects.c.name == name)
    return transaction.execute(taken).first() is not None


def move_project(transaction: sa.Connection, project_id: int, account_id: int, name: str) -> None:
    """Give a project to an account, under a name."""
    transaction.execute(sa.update(projects).where(projects.c.id == project_id).values(account_id=account_id, name=name))


def insert_alias(transaction: sa.Connection, entity: str, name: str, project_id: int) -> None:
    """Remember where a project stood."""
    transaction.execute(sa.insert(project_aliases).values(entity=entity, name=name, project_id=project_id))


def find_layout(transaction: sa.Connection, project_id: int) -> str | None:
    """Give a project's layout; None when none was saved."""
    t = project_layouts
    return transaction.execute(sa.select(t.c.layout).where(t.c.project_id == project_id)).scalar()


def put_layout(transaction: sa.Connection, project_id: int, layout: str, at: datetime) -> None:
    """Save a project's layout in the place of the one before."""
    insert = insert_for(transaction, project_layouts).values(project_id=project_id, layout=layout, saved_at=at)
    transaction.execute(
        insert.on_conflict_do_update(
            index_elements=["project_id"], set_={"layout": insert.excluded.layout, "saved_at": insert.excluded.saved_at}
        )
    )


def delete_layout(transaction: sa.Connection, project_id: int) -> None:
    """Drop a project's layout."""
    transaction.execute(sa.delete(project_layouts).where(project_layouts.c.project_id == project_id))


def delete_project(transaction: sa.Connection, project_id: int) -> None:
    """Drop a project, and where it stood before."""
    delete_layout(transaction, project_id)
    transaction.execute(sa.delete(project_aliases).where(project_aliases.c.project_id == project_id))
    transaction.execute(sa.delete(projects).where(projects.c.id == project_id))


def _project(row: Any) -> Project:
    return Project(**row._mapping)

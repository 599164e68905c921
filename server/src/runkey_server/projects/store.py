"""The rows of projects: functions that take an open transaction."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.accounts.tables import accounts
from runkey_server.database import insert_for
from runkey_server.projects.model import Project
from runkey_server.projects.tables import projects

_SELECT = (
    sa.select(projects.c.id, projects.c.account_id, accounts.c.name.label("entity"), projects.c.name, projects.c.created_at)
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
    """Find by entity and name."""
    row = transaction.execute(_SELECT.where(accounts.c.name == entity, projects.c.name == name)).first()
    return None if row is None else _project(row)


def find_project_by_id(transaction: sa.Connection, project_id: int) -> Project | None:
    """Find by id."""
    row = transaction.execute(_SELECT.where(projects.c.id == project_id)).first()
    return None if row is None else _project(row)


def list_projects(transaction: sa.Connection, account_id: int, *, before_id: int | None, at_most: int) -> list[Project]:
    """Give an account's projects, newest first, from before a given one on."""
    statement = _SELECT.where(projects.c.account_id == account_id).order_by(projects.c.id.desc()).limit(at_most)
    if before_id is not None:
        statement = statement.where(projects.c.id < before_id)
    return [_project(row) for row in transaction.execute(statement)]


def _project(row: Any) -> Project:
    return Project(**row._mapping)

"""The rows of rules: functions that take an open transaction."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server.database import insert_for
from runkey_server.projects.tables import projects
from runkey_server.retention.model import Rule
from runkey_server.retention.tables import retention_rules as t


def find_rule(transaction: sa.Connection, project_id: int) -> Rule | None:
    """Find the rule of a project."""
    row = transaction.execute(sa.select(t).where(t.c.project_id == project_id)).first()
    return None if row is None else Rule(row.keep_newest, tuple(row.keep_tags))


def put_rule(transaction: sa.Connection, project_id: int, rule: Rule, at: datetime) -> None:
    """Add or replace the rule of a project."""
    values = {"keep_newest": rule.keep_newest, "keep_tags": list(rule.keep_tags), "set_at": at}
    insert = insert_for(transaction, t).values(project_id=project_id, **values)
    transaction.execute(insert.on_conflict_do_update(index_elements=[t.c.project_id], set_=values))


def delete_rule(transaction: sa.Connection, project_id: int) -> None:
    """Drop the rule of a project."""
    transaction.execute(sa.delete(t).where(t.c.project_id == project_id))


def list_ruled(transaction: sa.Connection) -> list[int]:
    """Give the projects that have a rule and are not deleted."""
    return list(transaction.execute(sa.select(t.c.project_id).join(projects).where(projects.c.deleted_at.is_(None))).scalars())

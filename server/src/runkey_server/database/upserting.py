"""INSERT … ON CONFLICT, which SQLite and PostgreSQL both have and SQLAlchemy spells once a dialect."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_for(transaction: sa.Connection, table: sa.Table) -> Any:
    """Begin an INSERT that has `.on_conflict_do_nothing()`, `.on_conflict_do_update()` and `.excluded` in the transaction's dialect."""
    return sqlite.insert(table) if transaction.dialect.name == "sqlite" else postgresql.insert(table)

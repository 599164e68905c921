"""INSERT … ON CONFLICT, which SQLite and PostgreSQL both have and SQLAlchemy spells once a dialect."""

from typing import Any

import sqlalchemy as sa


def insert_for(transaction: sa.Connection, table: sa.Table) -> Any:
    """Begin an INSERT that has `.on_conflict_do_nothing()`, `.on_conflict_do_update()` and `.excluded` in the transaction's dialect."""
    if transaction.dialect.name == "sqlite":
        # slow import
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    # slow import
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)

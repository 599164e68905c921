"""One at a time by a name: what a count decides must not be decided twice on the same count."""

import sqlalchemy as sa


def hold(transaction: sa.Connection, name: str) -> None:
    """Wait until no other writing transaction holds this name, and hold it to the end. SQLite's writers are alone as it is."""
    if transaction.dialect.name == "postgresql":
        transaction.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))

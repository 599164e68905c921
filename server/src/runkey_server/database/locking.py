"""One at a time by a name: what a count decides must not be decided twice on the same count."""

import sqlalchemy as sa


def hold(transaction: sa.Connection, name: str, *, with_others: bool = False) -> None:
    """Wait until no other writing transaction holds this name, and hold it to the end. SQLite's writers are alone as it is.

    with_others: together with all who say so too, and with nobody who does not.
    """
    if transaction.dialect.name == "postgresql":
        lock = sa.func.pg_advisory_xact_lock_shared if with_others else sa.func.pg_advisory_xact_lock
        transaction.execute(sa.select(lock(sa.func.hashtextextended(name, 0))))

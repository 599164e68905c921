"""What SQLite itself finds wrong with a database: damaged pages and indexes, rows that name rows which are not there."""

import sqlalchemy as sa

from runkey_server.database.engine import Database

_AT_MOST = 20


def find_faults(database: Database) -> list[str]:
    """Say what is wrong, in sentences. SQLite only. Cost: the whole database is read. Raises Error `unavailable`."""
    try:
        with database.reading() as transaction:
            told = [str(row[0]) for row in transaction.exec_driver_sql(f"PRAGMA integrity_check({_AT_MOST})")]
            astray = transaction.exec_driver_sql("PRAGMA foreign_key_check").all()
    except sa.exc.DatabaseError as error:
        return [f"The database cannot be read: {error.orig}."]
    faults = [f"SQLite says of the database: {line}." for line in told if line != "ok"]
    counted: dict[tuple[str, str], int] = {}
    for row in astray:
        counted[row[0], row[2]] = counted.get((row[0], row[2]), 0) + 1
    return faults + [f"{count} rows of {table} name rows of {other} that are not there." for (table, other), count in counted.items()]


def build_indexes_anew(database: Database) -> None:
    """Build every index anew from its table. Raises Error `unavailable`."""
    with database.writing() as transaction:
        transaction.exec_driver_sql("REINDEX")

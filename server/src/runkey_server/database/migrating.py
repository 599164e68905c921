"""Brings a database to the schema of this version: the numbered steps in `migrations/versions`, by Alembic, each in a transaction.

Alembic takes a third of a second to import, so it is asked only when the database is not up to date yet.
"""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from runkey_server.database.engine import Database
from runkey_server.errors import Error

_FOLDER = Path(__file__).parent / "migrations"


def latest_version() -> str:
    """Name the newest step: `0001` of `0001_first.py`."""
    return max(path.name.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def migrate(database: Database) -> None:
    """Apply what is missing. Raises Error `invalid` when the database belongs to a newer version, `unavailable` when it does not answer."""
    current = current_version(database)
    if current == latest_version():
        return
    if current is not None and current > latest_version():
        raise Error(
            "invalid",
            f"The database was written by a newer runkey-server (schema {current}, this one knows {latest_version()}). Update this one.",
        )
    # slow import
    from alembic import command
    from alembic.config import Config

    with database.writing() as transaction:
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.attributes["connection"] = transaction
        command.upgrade(config, "head")


def current_version(database: Database) -> str | None:
    """Name the last step that was applied; None for an empty database."""
    with database.reading() as transaction:
        if not sa.inspect(transaction).has_table("alembic_version"):
            return None
        try:
            found = transaction.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        except exc.ProgrammingError:
            return None
    return None if found is None else str(found)

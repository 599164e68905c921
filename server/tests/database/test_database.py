from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from runkey_server import app  # noqa: F401 - so that every room's tables are in the metadata
from runkey_server.database import Database, bump_epoch, metadata, read_epoch
from runkey_server.database.migrating import current_version, latest_version, migrate
from runkey_server.errors import Error


def test_the_migrated_schema_is_what_the_rooms_describe(database: Database) -> None:
    with database.reading() as transaction:
        differences = compare_metadata(MigrationContext.configure(transaction), metadata)
    assert differences == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert current_version(database) == latest_version()
    migrate(database)
    with database.writing() as transaction:
        bump_epoch(transaction)
        assert read_epoch(transaction) == 1
    migrate(database)
    with database.reading() as transaction:
        assert read_epoch(transaction) == 1


def test_a_newer_database_is_refused(database: Database) -> None:
    with database.writing() as transaction:
        transaction.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Error, match="newer runkey-server"):
        migrate(database)


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.writing() as transaction:
            bump_epoch(transaction)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with database.reading() as transaction:
        assert read_epoch(transaction) == 0


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_reading_changes_nothing_on_postgres(database: Database) -> None:
    # SQLite's readers are kept from writing by the code alone.
    with pytest.raises(sa.exc.DBAPIError), database.reading() as transaction:
        bump_epoch(transaction)


def test_an_unreachable_database_is_unavailable_and_nothing_else(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/missing/x.db", "postgresql+psycopg://nobody@127.0.0.1:1/none"):
        database = Database(url)
        for transaction in (database.reading, database.writing):
            with pytest.raises(Error) as failure, transaction():
                pass
            assert (failure.value.code, failure.value.retry_after_seconds) == ("unavailable", 2)


@pytest.mark.parametrize("text", ["half \ud800", "nul \0"])
def test_what_no_text_can_hold_is_the_askers_fault_or_not_there(database: Database, text: str) -> None:
    versions = sa.table("alembic_version", sa.column("version_num"))
    asked = sa.select(versions).where(versions.c.version_num == text)
    for transaction in (database.reading, database.writing):
        try:
            with transaction() as opened:
                assert opened.execute(asked).first() is None
        except Error as refused:
            assert (refused.code, refused.retry_after_seconds) == ("invalid", None)
    with database.reading() as opened:
        assert read_epoch(opened) == 0


def test_sqlite_syncs_every_commit(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    with database.writing() as transaction:
        assert transaction.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert transaction.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.close()

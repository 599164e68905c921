"""Opens SQLite or PostgreSQL, and gives out transactions.

SQLite (one folder, the default): WAL, `synchronous=FULL` so that a commit has reached the disk when it returns, one writer at a time
and readers beside it. A writer takes its lock at the beginning (BEGIN IMMEDIATE), so no transaction can fail half-way for want of it.
PostgreSQL: a pool; the same promises by its own means.

A database that does not answer is `unavailable`, whatever the driver calls it: the one place that decides so is `_translated`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from runkey_server import errors

# A request waits this long for the writer's place, then hears "unavailable"; the official client waits longer and comes again.
_WRITER_WAIT_SECONDS = 5
_LOCK_WAIT_MILLISECONDS = 4_000
_READERS = 16
_POSTGRES_POOL = 10
_POSTGRES_OPTIONS = "-c statement_timeout=10000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=60000"


class Database:
    """One database, and the two kinds of transaction that stores may be given."""

    def __init__(self, url: str) -> None:
        """Prepare to open the database at a SQLAlchemy URL; nothing is opened before the first transaction."""
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._reader, self._writer = _sqlite_engines(self.url) if self.is_sqlite else _postgres_engines(self.url)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a transaction that sees one state of the database and changes nothing. Raises Error `unavailable`."""
        with _translated(), self._reader.begin() as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a transaction that is committed, durably, when the block ends, and undone when it raises.

        Raises Error `unavailable`. SQLite: one at a time in all processes.
        """
        with _translated(), self._writer.begin() as transaction:
            yield transaction

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise errors.unavailable("The database does not answer at this moment.") from error
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise errors.unavailable("The database does not answer at this moment.") from error
        raise


def _sqlite_engines(url: sa.URL) -> tuple[sa.Engine, sa.Engine]:
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": _LOCK_WAIT_MILLISECONDS / 1000}
    reader = sa.create_engine(url, connect_args=arguments, poolclass=sa.QueuePool, pool_size=_READERS, pool_timeout=_WRITER_WAIT_SECONDS)
    # The pool of one connection is the queue in which this process's writers wait.
    writer = sa.create_engine(
        url,
        connect_args=arguments,
        poolclass=sa.QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=_WRITER_WAIT_SECONDS,
    )
    for engine, begin in ((reader, "BEGIN"), (writer, "BEGIN IMMEDIATE")):
        sa.event.listen(engine, "connect", _set_pragmas)
        sa.event.listen(engine, "begin", _begin_with(begin))
    return reader, writer


def _set_pragmas(connection: Any, _: Any) -> None:
    # The driver's own BEGIN comes too late for readers and too weak for writers: ours is sent by `_begin_with`.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_LOCK_WAIT_MILLISECONDS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_with(statement: str) -> Any:
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _postgres_engines(url: sa.URL) -> tuple[sa.Engine, sa.Engine]:
    arguments = {"connect_timeout": 2, "options": _POSTGRES_OPTIONS}
    writer = sa.create_engine(url, connect_args=arguments, pool_size=_POSTGRES_POOL, pool_timeout=_WRITER_WAIT_SECONDS, pool_pre_ping=True)
    return writer.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ"), writer

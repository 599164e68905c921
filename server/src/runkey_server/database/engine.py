"""Opens SQLite or PostgreSQL, and gives out transactions.

SQLite (one folder, the default): WAL, `synchronous=FULL` so that a commit has reached the disk when it returns, one writer at a time
and readers beside it. A writer takes its lock at the beginning (BEGIN IMMEDIATE), so no transaction can fail half-way for want of it.
PostgreSQL: a pool; the same promises by its own means.

A database that does not answer is `unavailable`, whatever the driver calls it, and a value that it has no place for is `invalid`: the one
place that decides so is `_translated`.

After a failed read or write of the disk every connection is opened anew: what was not synced is taken from the disk again, never from
memory. SQLite writes what a failed sync covered once more before it says that it is there.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from runkey_server import errors
from runkey_server.database import matching
from runkey_server.database.reserve import RESERVE_BYTES, Reserve

# A request waits this long for the writer's place, then hears "unavailable"; the official client waits longer and comes again.
_WRITER_WAIT_SECONDS = 5
_LOCK_WAIT_MILLISECONDS = 4_000
_TRUNCATE_WAIT_MILLISECONDS = 200
_LOG_BYTES = 64 * 1024 * 1024
"""What the write-ahead log keeps of the disk once it has been written back; a long reader makes it longer for a while."""

_RETRY_WHEN_FULL_SECONDS = 5
_READERS = 16
_POSTGRES_POOL = 10
_POSTGRES_OPTIONS = "-c statement_timeout=10000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=60000"


class Database:
    """One database, and the two kinds of transaction that stores may be given."""

    def __init__(self, url: str, reserve_bytes: int = RESERVE_BYTES) -> None:
        """Prepare to open the database at a SQLAlchemy URL; nothing is opened before the first transaction."""
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._reader, self._writer = _sqlite_engines(self.url) if self.is_sqlite else _postgres_engines(self.url)
        # PostgreSQL's disk is its own affair.
        self._reserve = Reserve(Path(self.url.database).parent, reserve_bytes) if self.is_sqlite and self.url.database else None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a transaction that sees one state of the database and changes nothing. Raises Error `unavailable`, `invalid`."""
        with _translated(), self._reader.begin() as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a transaction that is committed, durably, when the block ends, and undone when it raises.

        Raises Error `unavailable`, `invalid`. SQLite: one at a time in all processes.
        """
        if self._reserve is not None:
            self._reserve.yield_when_needed()
        with _translated(), self._writer.begin() as transaction:
            yield transaction

    def check_room(self) -> None:
        """Turn data away while the disk is full, so that what is left serves signing in and revoking. Raises Error `unavailable`."""
        if self._reserve is not None:
            self._reserve.check()

    def is_short_of_room(self) -> bool:
        """Tell whether data is turned away because the disk is full. Raises Error `unavailable`."""
        return self._reserve is not None and self._reserve.lacks_bytes()

    def keep_reserve(self) -> None:
        """See that there is room for what must go on when the disk is full; see `Reserve`. Raises Error `unavailable`."""
        if self._reserve is None:
            return
        if not self._reserve.keep() or self._reserve.is_short():
            # The log may hold what the disk lacks.
            self.truncate_log()
            self._reserve.keep()

    def truncate_log(self) -> None:
        """Write the log back and give its place to the disk, as far as no reader needs it. SQLite only. Raises Error `unavailable`."""
        with _translated():
            connection = self._reader.raw_connection()
        cursor = connection.cursor()
        try:
            # Writers wait meanwhile, so it waits for readers but briefly.
            cursor.execute(f"PRAGMA busy_timeout={_TRUNCATE_WAIT_MILLISECONDS}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError:
            # Somebody reads, or the disk is too full even for this: the next time will do.
            pass
        finally:
            cursor.execute(f"PRAGMA busy_timeout={_LOCK_WAIT_MILLISECONDS}")
            connection.close()

    def copy_to(self, path: Path) -> None:
        """Copy one state of the database to a new file, while others read and write (SQLite's online backup). SQLite only.

        Raises Error `unavailable`. The log grows while it lasts, because it reads one state from beginning to end.
        """
        with _translated():
            connection = self._reader.raw_connection()
        try:
            source = connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            with contextlib.closing(sqlite3.connect(path)) as target:
                source.backup(target)
                # One file, with no log beside it.
                target.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as error:
            raise errors.unavailable(f"The database could not be copied to {path}: {error}.") from error
        finally:
            connection.close()

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        if _sqlite_code(getattr(error, "orig", None)) == sqlite3.SQLITE_FULL:
            raise errors.disk_full(_RETRY_WHEN_FULL_SECONDS) from error
        raise errors.unavailable("The database does not answer at this moment.") from error
    except (exc.DataError, UnicodeEncodeError) as error:
        # NUL, which PostgreSQL's text has no place for, half of a surrogate pair, a number beyond what a column holds.
        raise errors.Error("invalid", "There is a character in this that no text has here, or a number that is too large.") from error
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise errors.unavailable("The database does not answer at this moment.") from error
        raise


def _sqlite_code(error: BaseException | None) -> int:
    """Give SQLite's own result code, without what it adds in the higher bits; 0 for an error that has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


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
        sa.event.listen(engine, "handle_error", _open_anew_after_io_errors)
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
        f"journal_size_limit={_LOG_BYTES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    matching.register(connection)


def _open_anew_after_io_errors(context: sa.engine.ExceptionContext) -> None:
    if _sqlite_code(context.original_exception) == sqlite3.SQLITE_IOERR:
        context.is_disconnect = True


def _begin_with(statement: str) -> Any:
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _postgres_engines(url: sa.URL) -> tuple[sa.Engine, sa.Engine]:
    arguments = {"connect_timeout": 2, "options": _POSTGRES_OPTIONS}
    writer = sa.create_engine(url, connect_args=arguments, pool_size=_POSTGRES_POOL, pool_timeout=_WRITER_WAIT_SECONDS, pool_pre_ping=True)
    return writer.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ"), writer

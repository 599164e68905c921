"""The lines of history and events, as they were sent."""

import sqlalchemy as sa

from runkey_server.database.columns import metadata

history_lines = sa.Table(
    "history_lines",
    metadata,
    # No foreign key: runs stand on a floor above.
    sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stream", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
    # `_step` of the row, for paging; a row without one has its line number here.
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

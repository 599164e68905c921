"""The rows of letters that wait."""

import sqlalchemy as sa

from runkey_server.database.columns import Instant, RowId, metadata

letters = sa.Table(
    "letters",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("to", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("is_sealed", sa.Boolean, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("try_at", Instant, nullable=False, index=True),
    sa.Column("ends_at", Instant, nullable=False),
)

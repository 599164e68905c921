"""The rows of projects."""

import sqlalchemy as sa

from runkey_server.accounts.tables import accounts
from runkey_server.database.columns import Instant, RowId, metadata

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("account_id", "name"),
)

"""The rows of machines and of the hosts they were seen on."""

import sqlalchemy as sa

from runkey_server.accounts.tables import accounts
from runkey_server.database.columns import Instant, RowId, metadata

machines = sa.Table(
    "machines",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("os_user", sa.Text, nullable=False),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("joined_at", Instant, nullable=False),
    sa.Column("revoked_at", Instant),
)

machine_hosts = sa.Table(
    "machine_hosts",
    metadata,
    sa.Column("machine_id", sa.Text, sa.ForeignKey(machines.c.id), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("first_seen_at", Instant, nullable=False),
    sa.Column("last_seen_at", Instant, nullable=False),
)

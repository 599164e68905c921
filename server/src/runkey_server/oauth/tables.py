"""The rows of device authorizations and authorization codes."""

import sqlalchemy as sa

from runkey_server.accounts.tables import accounts
from runkey_server.database.columns import Instant, RowId, metadata


def _asking() -> list["sa.Column[str]"]:
    names = ("client_id", "scope", "machine_name", "os_user", "system", "address")
    return [sa.Column(name, sa.Text, nullable=False) for name in names] + [sa.Column("machine_id", sa.Text)]


device_authorizations = sa.Table(
    "device_authorizations",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    # SHA-256 of 256 random bits.
    sa.Column("device_digest", sa.LargeBinary, nullable=False, unique=True),
    # HMAC under the pepper, because a code that people type is short enough to be tried out on a copy of the database.
    sa.Column("user_digest", sa.LargeBinary, nullable=False, unique=True),
    *_asking(),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id)),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False, index=True),
    sa.Column("decided_at", Instant),
    # The id of the key that it gave.
    sa.Column("spent_by", sa.Text),
    # Of the address: what waits is counted for each.
    sa.Column("network", sa.Text, nullable=False, server_default="", index=True),
)

authorization_codes = sa.Table(
    "authorization_codes",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    *_asking(),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id), nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("code_challenge", sa.Text, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("spent_by", sa.Text),
)

"""The rows of API keys."""

import sqlalchemy as sa

from runkey_server.accounts.tables import accounts
from runkey_server.database.columns import Instant, RowId, metadata

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # HMAC-SHA-256 of the key under the pepper; the index is the whole look-up.
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("pepper_version", sa.Integer, nullable=False),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("last_four", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("last_used_at", Instant),
    sa.Column("expires_at", Instant),
    sa.Column("replaced_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("made_by", sa.Text, index=True),
    sa.Column("machine_id", sa.Text, index=True),
    # The id of the key whose place it took.
    sa.Column("replaces", sa.Text, index=True),
)

"""The rows of accounts, browser sessions, one-time links, attempts and notices."""

import sqlalchemy as sa

from runkey_server.database.columns import Instant, RowId, metadata

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("is_admin", sa.Boolean, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("password_hash", sa.Text),
    # What was allowed before it counts no more.
    sa.Column("password_set_at", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("disabled_at", Instant),
    # A deleted account keeps its row and so its name: nobody else may come to own addresses that were shared.
    sa.Column("deleted_at", Instant),
    # Set for an account without a name: when it is purged unless somebody claims it. claimed_by keeps who did.
    sa.Column("anonymous_until", Instant, index=True),
    sa.Column("claimed_by", RowId),
    # Counted for accounts without a name alone, because they alone have a limit.
    sa.Column("stored_bytes", sa.BigInteger, nullable=False, server_default="0"),
)

browser_sessions = sa.Table(
    "browser_sessions",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("handle", sa.Text, nullable=False, unique=True),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id), nullable=False, index=True),
    sa.Column("signed_in_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    # Opened by a dashboard's link, which may have been shared: it sees, and does nothing.
    sa.Column("is_guest", sa.Boolean, nullable=False, server_default=sa.false()),
)

one_time_links = sa.Table(
    "one_time_links",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id), index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),
    sa.Column("email", sa.Text),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_attempts_bucket", "bucket", "at"),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("account_id", RowId, sa.ForeignKey(accounts.c.id), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
)

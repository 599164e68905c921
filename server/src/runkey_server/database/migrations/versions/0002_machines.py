"""Machines, device authorizations, accounts without a name, notices; what a browser's session tells of itself."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.BigInteger


def upgrade() -> None:
    """Add the tables; browser sessions begin anew, so everybody signs in once more."""
    _accounts()
    _machines()
    _authorizations()


def _accounts() -> None:
    op.add_column("accounts", sa.Column("anonymous_until", moment))
    op.add_column("accounts", sa.Column("claimed_by", row_id))
    op.add_column("accounts", sa.Column("stored_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_accounts_anonymous_until", "accounts", ["anonymous_until"])
    op.add_column("one_time_links", sa.Column("email", sa.Text))
    op.drop_table("browser_sessions")
    op.create_table(
        "browser_sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("handle", sa.Text, nullable=False),
        sa.Column("account_id", row_id, nullable=False),
        sa.Column("signed_in_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_browser_sessions"),
        sa.UniqueConstraint("handle", name="uq_browser_sessions_handle"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_browser_sessions_account_id"),
    )
    op.create_index("ix_browser_sessions_account_id", "browser_sessions", ["account_id"])
    op.create_table(
        "attempts",
        sa.Column("bucket", sa.Text, nullable=False),
        sa.Column("at", moment, nullable=False),
    )
    op.create_index("ix_attempts_bucket", "attempts", ["bucket", "at"])
    op.create_table(
        "notices",
        sa.Column("id", row_id, nullable=False),
        sa.Column("account_id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_notices_account_id"),
    )
    op.create_index("ix_notices_account_id", "notices", ["account_id"])


def _machines() -> None:
    op.add_column("api_keys", sa.Column("machine_id", sa.Text))
    op.create_index("ix_api_keys_machine_id", "api_keys", ["machine_id"])
    op.create_table(
        "machines",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account_id", row_id, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "os_user", "system", "address")),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("joined_at", moment, nullable=False),
        sa.Column("revoked_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_machines"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_machines_account_id"),
    )
    op.create_index("ix_machines_account_id", "machines", ["account_id"])
    op.create_table(
        "machine_hosts",
        sa.Column("machine_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("first_seen_at", moment, nullable=False),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("machine_id", "name", name="pk_machine_hosts"),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name="fk_machine_hosts_machine_id"),
    )
    op.create_table(
        "project_aliases",
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("project_id", row_id, nullable=False),
        sa.PrimaryKeyConstraint("entity", "name", name="pk_project_aliases"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_project_aliases_project_id"),
    )


def _asking() -> list["sa.Column[str]"]:
    names = ("client_id", "scope", "machine_name", "os_user", "system", "address")
    return [sa.Column(name, sa.Text, nullable=False) for name in names] + [sa.Column("machine_id", sa.Text)]


def _authorizations() -> None:
    op.create_table(
        "device_authorizations",
        sa.Column("id", row_id, nullable=False),
        sa.Column("device_digest", sa.LargeBinary, nullable=False),
        sa.Column("user_digest", sa.LargeBinary, nullable=False),
        *_asking(),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("account_id", row_id),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("decided_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_device_authorizations"),
        sa.UniqueConstraint("device_digest", name="uq_device_authorizations_device_digest"),
        sa.UniqueConstraint("user_digest", name="uq_device_authorizations_user_digest"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_device_authorizations_account_id"),
    )
    op.create_index("ix_device_authorizations_expires_at", "device_authorizations", ["expires_at"])
    op.create_table(
        "authorization_codes",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *_asking(),
        sa.Column("account_id", row_id, nullable=False),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("code_challenge", sa.Text, nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("spent_by", sa.Text),
        sa.PrimaryKeyConstraint("digest", name="pk_authorization_codes"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_authorization_codes_account_id"),
    )

"""The first schema: accounts, keys, projects, runs, history, files."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# The number that SQLite counts by itself must be called INTEGER there; moments are whole microseconds since 1970.
row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.BigInteger


def upgrade() -> None:
    """Make every table."""
    _accounts()
    _keys()
    _runs()
    epoch = op.create_table(
        "credential_epoch",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_credential_epoch"),
    )
    op.bulk_insert(epoch, [{"id": 1, "value": 0}])


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("password_hash", sa.Text),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("disabled_at", moment),
        sa.Column("deleted_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "browser_sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("account_id", row_id, nullable=False),
        sa.Column("signed_in_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_browser_sessions"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_browser_sessions_account_id"),
    )
    op.create_index("ix_browser_sessions_account_id", "browser_sessions", ["account_id"])
    op.create_table(
        "one_time_links",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("account_id", row_id),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment),
        sa.PrimaryKeyConstraint("digest", name="pk_one_time_links"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_one_time_links_account_id"),
    )
    op.create_index("ix_one_time_links_account_id", "one_time_links", ["account_id"])


def _keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("pepper_version", sa.Integer, nullable=False),
        sa.Column("account_id", row_id, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("last_four", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_used_at", moment),
        sa.Column("expires_at", moment),
        sa.Column("replaced_at", moment),
        sa.Column("revoked_at", moment),
        sa.Column("made_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_api_keys_account_id"),
    )
    op.create_index("ix_api_keys_account_id", "api_keys", ["account_id"])
    op.create_index("ix_api_keys_made_by", "api_keys", ["made_by"])


def _runs() -> None:
    op.create_table(
        "projects",
        sa.Column("id", row_id, nullable=False),
        sa.Column("account_id", row_id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("account_id", "name", name="uq_projects_account_id_name"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_projects_account_id"),
    )
    texts = "notes description group_name job_type commit_hash host program repo sweep_name".split()
    op.create_table(
        "runs",
        sa.Column("id", row_id, nullable=False),
        sa.Column("project_id", row_id, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "display_name", "reported_state", "config", "summary")),
        sa.Column("tags", sa.JSON, nullable=False),
        *(sa.Column(name, sa.Text) for name in texts),
        sa.Column("exit_code", sa.Integer),
        sa.Column("stop_requested", sa.Boolean, nullable=False),
        sa.Column("opened_by", sa.Text),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("heartbeat_at", moment),
        sa.Column("deleted_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("project_id", "name", name="uq_runs_project_id_name"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_runs_project_id"),
    )
    op.create_table(
        "console_lines",
        sa.Column("run_id", row_id, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "line", name="pk_console_lines"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_console_lines_run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_lines",
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("stream", sa.SmallInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", "line", name="pk_history_lines"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "files",
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("md5", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mimetype", sa.Text, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_files"),
    )

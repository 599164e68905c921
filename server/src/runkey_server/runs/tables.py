"""The rows of runs and of what they print."""

import sqlalchemy as sa

from runkey_server.database.columns import Instant, RowId, metadata
from runkey_server.projects.tables import projects

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("project_id", RowId, sa.ForeignKey(projects.c.id), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("reported_state", sa.Text, nullable=False),
    sa.Column("config", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("notes", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("group_name", sa.Text),
    sa.Column("job_type", sa.Text),
    sa.Column("commit_hash", sa.Text),
    sa.Column("host", sa.Text),
    sa.Column("program", sa.Text),
    sa.Column("repo", sa.Text),
    sa.Column("sweep_name", sa.Text),
    sa.Column("exit_code", sa.Integer),
    sa.Column("stop_requested", sa.Boolean, nullable=False),
    # The id of the key that opened it, which may write on when it was replaced or has expired.
    sa.Column("opened_by", sa.Text, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("heartbeat_at", Instant),
    sa.Column("deleted_at", Instant),
    # A person's word: rules let it be from then on.
    sa.Column("restored_at", Instant),
    sa.UniqueConstraint("project_id", "name"),
    # Who was heard of since: pages that follow a project ask every second.
    sa.Index("ix_runs_project_id_heartbeat_at", "project_id", "heartbeat_at"),
    # Pages of a project's runs, each from where the one before ended.
    sa.Index("ix_runs_project_id_created_at", "project_id", "created_at", "id"),
)
_IS_DELETED = runs.c.deleted_at.is_not(None)
sa.Index("ix_runs_deleted_at", runs.c.deleted_at, sqlite_where=_IS_DELETED, postgresql_where=_IS_DELETED)

# What filters and orders compare: see `database.comparing`. Apart from the runs, so that looking through these reads nothing else.
run_values = sa.Table(
    "run_values",
    metadata,
    sa.Column("run_id", RowId, sa.ForeignKey(runs.c.id), primary_key=True, autoincrement=False),
    sa.Column("config", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
)

# How far each of several processes that write one run together has come in a file, by its own count: see `sharing`.
run_writers = sa.Table(
    "run_writers",
    metadata,
    sa.Column("run_id", RowId, sa.ForeignKey(runs.c.id), primary_key=True, autoincrement=False),
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("writer", sa.Text, primary_key=True),
    sa.Column("next_line", sa.BigInteger, nullable=False),
    # Its last lines that lie together: from which of its own on, and from which line of the file.
    sa.Column("first_line", sa.BigInteger, nullable=False),
    sa.Column("first_place", sa.BigInteger, nullable=False),
)

console_lines = sa.Table(
    "console_lines",
    metadata,
    sa.Column("run_id", RowId, sa.ForeignKey(runs.c.id), primary_key=True),
    sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

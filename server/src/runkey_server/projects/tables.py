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
    # A deleted project keeps its name until it is purged, and its runs count as deleted.
    sa.Column("deleted_at", Instant),
    sa.UniqueConstraint("account_id", "name"),
)
_IS_DELETED = projects.c.deleted_at.is_not(None)
sa.Index("ix_projects_deleted_at", projects.c.deleted_at, sqlite_where=_IS_DELETED, postgresql_where=_IS_DELETED)

# Where the projects of an entity went that was claimed: a run under way goes on writing to the address it began with.
project_aliases = sa.Table(
    "project_aliases",
    metadata,
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("project_id", RowId, sa.ForeignKey(projects.c.id), nullable=False),
)

# How the page of a project is laid out, as its page wrote it: JSON that nobody but that page understands.
project_layouts = sa.Table(
    "project_layouts",
    metadata,
    sa.Column("project_id", RowId, sa.ForeignKey(projects.c.id), primary_key=True),
    sa.Column("layout", sa.Text, nullable=False),
    sa.Column("saved_at", Instant, nullable=False),
)

"""The rows of rules."""

import sqlalchemy as sa

from runkey_server.database.columns import Instant, RowId, metadata
from runkey_server.projects.tables import projects

retention_rules = sa.Table(
    "retention_rules",
    metadata,
    # A rule goes with its project.
    sa.Column("project_id", RowId, sa.ForeignKey(projects.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("keep_newest", sa.Integer, nullable=False),
    sa.Column("keep_tags", sa.JSON, nullable=False),
    sa.Column("set_at", Instant, nullable=False),
)

"""Which runs of a project were heard of since a moment: an index for pages that follow it."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_runs_project_id_heartbeat_at", "runs", ["project_id", "heartbeat_at"])

"""Browser sessions that may only look; two indexes, for what was scanned under the writer's lock."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add them."""
    op.add_column("browser_sessions", sa.Column("is_guest", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_files_sha256", "files", ["sha256"])
    op.create_index("ix_runs_opened_by", "runs", ["opened_by"])

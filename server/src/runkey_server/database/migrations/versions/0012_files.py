"""Bytes that files let go."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"


def upgrade() -> None:
    """Add the table."""
    op.create_table("released_bytes", sa.Column("sha256", sa.Text, primary_key=True))

"""How the page of a project is laid out."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "project_layouts",
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("layout", sa.Text, nullable=False),
        sa.Column("saved_at", sa.BigInteger, nullable=False),
    )

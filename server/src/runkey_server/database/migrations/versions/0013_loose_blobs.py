"""Bytes that artifacts let go of."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table. Every blob is looked at once: until now some that nothing needed stayed."""
    op.create_table(
        "loose_blobs",
        sa.Column("project_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("md5", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "md5", name="pk_loose_blobs"),
    )
    op.execute("INSERT INTO loose_blobs (project_id, md5) SELECT project_id, md5 FROM blobs")

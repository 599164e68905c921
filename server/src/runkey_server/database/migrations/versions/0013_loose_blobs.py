"""Bytes that artifacts let go of, and versions that were begun."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table and indexes. Every blob is looked at once: until now some that nothing needed stayed."""
    op.create_table(
        "loose_blobs",
        sa.Column("project_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("md5", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "md5", name="pk_loose_blobs"),
    )
    op.create_index("ix_artifact_collections_deleted_at", "artifact_collections", ["deleted_at"])
    op.create_index(
        "ix_artifacts_pending",
        "artifacts",
        ["collection_id", "updated_at"],
        sqlite_where=sa.text("committed_at IS NULL AND deleted_at IS NULL"),
        postgresql_where=sa.text("committed_at IS NULL AND deleted_at IS NULL"),
    )
    op.execute("INSERT INTO loose_blobs (project_id, md5) SELECT project_id, md5 FROM blobs")

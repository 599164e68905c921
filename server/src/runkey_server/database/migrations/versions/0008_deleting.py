"""Projects that are deleted, deleted runs found without looking at the others, and rules by which runs are deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add them."""
    op.add_column("projects", sa.Column("deleted_at", sa.BigInteger))
    op.add_column("runs", sa.Column("restored_at", sa.BigInteger))
    for table in ("projects", "runs"):
        is_deleted = sa.text("deleted_at IS NOT NULL")
        op.create_index(f"ix_{table}_deleted_at", table, ["deleted_at"], sqlite_where=is_deleted, postgresql_where=is_deleted)
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "retention_rules",
        sa.Column("project_id", row_id, nullable=False),
        sa.Column("keep_newest", sa.Integer, nullable=False),
        sa.Column("keep_tags", sa.JSON, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_retention_rules"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_retention_rules_project_id", ondelete="CASCADE"),
    )

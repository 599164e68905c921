"""Parts in which large files of artifacts are sent."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "artifact_parts",
        sa.Column("artifact_id", _ROW_ID, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("md5", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("artifact_id", "digest", "number", name="pk_artifact_parts"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_artifact_parts_artifact_id"),
    )
    op.create_index("ix_artifact_parts_md5", "artifact_parts", ["md5"])

"""How far each of several writers of one run has come."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "run_writers",
        sa.Column("run_id", _ROW_ID, nullable=False, autoincrement=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("next_line", sa.BigInteger, nullable=False),
        sa.Column("first_line", sa.BigInteger, nullable=False),
        sa.Column("first_place", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "file", "writer", name="pk_run_writers"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_writers_run_id"),
    )

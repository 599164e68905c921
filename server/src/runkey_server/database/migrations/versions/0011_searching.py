"""Values of runs that filters and orders stand on, and an index by which a project's runs are paged."""

import sqlalchemy as sa
from alembic import op

from runkey_server.database.comparing import comparables

revision = "0011"
down_revision = "0010"

_PORTION = 500


def upgrade() -> None:
    """Add the table, fill it from what runs have, add the index."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    table = op.create_table(
        "run_values",
        sa.Column("run_id", row_id, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_values"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_values_run_id"),
    )
    runs = sa.table("runs", *(sa.column(name) for name in ("id", "config", "summary")))
    connection = op.get_bind()
    last = 0
    while rows := connection.execute(sa.select(runs).where(runs.c.id > last).order_by(runs.c.id).limit(_PORTION)).all():
        connection.execute(
            sa.insert(table),
            [{"run_id": row.id, "config": comparables(row.config, config=True), "summary": comparables(row.summary)} for row in rows],
        )
        last = rows[-1].id
    op.create_index("ix_runs_project_id_created_at", "runs", ["project_id", "created_at", "id"])

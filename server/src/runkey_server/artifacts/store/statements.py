"""What the statements of this store have in common: joins, conditions, counting, locking."""

from collections.abc import Iterable

import sqlalchemy as sa

from runkey_server.artifacts.tables import artifact_collections, artifact_types, artifacts
from runkey_server.projects.tables import projects

IN_PROJECT = artifact_collections.join(artifact_types).join(projects, projects.c.id == artifact_collections.c.project_id)
IS_ALIVE = artifacts.c.deleted_at.is_(None)


def count(transaction: sa.Connection, table: sa.Table, *where: "sa.ColumnElement[bool]") -> int:
    """Count rows."""
    return int(transaction.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def lock(transaction: sa.Connection, table: sa.Table, row_ids: Iterable[int]) -> bool:
    """Keep others from changing rows until this writing transaction ends; False where writers are alone, and nothing changed."""
    if transaction.dialect.name != "postgresql":
        return False
    # In order, so that two who lock several wait for each other and not in a circle.
    for row_id in sorted(set(row_ids)):
        transaction.execute(sa.select(table.c.id).where(table.c.id == row_id).with_for_update(key_share=True))
    return True

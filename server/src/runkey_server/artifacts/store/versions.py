"""The rows of versions, and of the runs that used them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts.model import Artifact
from runkey_server.artifacts.store.statements import IN_PROJECT, IS_ALIVE, count, lock
from runkey_server.artifacts.tables import (
    artifact_aliases,
    artifact_collections,
    artifact_entries,
    artifact_manifests,
    artifact_memberships,
    artifact_parts,
    artifact_types,
    artifact_uses,
    artifacts,
)
from runkey_server.database import insert_for
from runkey_server.projects.tables import projects

# The version's place in the collection that it was logged to.
_own = artifact_memberships.alias("own")
_ARTIFACT = sa.select(
    artifacts,
    artifact_collections.c.project_id,
    artifact_collections.c.name.label("collection_name"),
    artifact_types.c.name.label("type_name"),
    projects.c.account_id,
    _own.c.version_index,
).select_from(
    artifacts.join(IN_PROJECT, artifacts.c.collection_id == artifact_collections.c.id).outerjoin(
        _own, sa.and_(_own.c.artifact_id == artifacts.c.id, _own.c.collection_id == artifacts.c.collection_id)
    )
)
# As the index has it: a parameter, such as the name of a state, would keep SQLite from using one that holds only some rows.
_IS_PENDING = (artifacts.c.committed_at.is_(None), IS_ALIVE)


def insert_artifact(transaction: sa.Connection, values: Mapping[str, Any]) -> int:
    """Add a row; give its id."""
    inserted = transaction.execute(insert_for(transaction, artifacts).values(**values).returning(artifacts.c.id))
    return int(inserted.scalar_one())


def find_artifact(transaction: sa.Connection, artifact_id: int) -> Artifact | None:
    """Find a version by id, deleted ones included."""
    return _artifact(transaction.execute(_ARTIFACT.where(artifacts.c.id == artifact_id)).first())


def find_by_client_id(
    transaction: sa.Connection, client_id: str, *, project_id: int | None = None, account_id: int | None = None
) -> Artifact | None:
    """Find a version by what the client called it: in this project, or in those of this account."""
    statement = _ARTIFACT.where(artifacts.c.client_id == client_id, IS_ALIVE)
    if project_id is not None:
        statement = statement.where(artifact_collections.c.project_id == project_id)
    if account_id is not None:
        statement = statement.where(projects.c.account_id == account_id)
    return _artifact(transaction.execute(statement.order_by(artifacts.c.id).limit(1)).first())


def find_by_distributed_id(transaction: sa.Connection, collection_id: int, distributed_id: str) -> Artifact | None:
    """Find a pending version by the name that its writers share."""
    where = (artifacts.c.distributed_id == distributed_id, artifacts.c.collection_id == collection_id, artifacts.c.state == "PENDING")
    return _artifact(transaction.execute(_ARTIFACT.where(*where, IS_ALIVE).limit(1)).first())


def find_by_digest(transaction: sa.Connection, collection_id: int, digest: str) -> Artifact | None:
    """Find the newest committed version of a sequence that has a digest."""
    where = (artifacts.c.collection_id == collection_id, artifacts.c.digest == digest, artifacts.c.state == "COMMITTED")
    return _artifact(transaction.execute(_ARTIFACT.where(*where, IS_ALIVE).order_by(artifacts.c.id.desc()).limit(1)).first())


def select_artifacts() -> "sa.Select[Any]":
    """Begin a statement for versions that are not deleted; where, order and limit follow."""
    return _ARTIFACT.where(IS_ALIVE)


def read_artifacts(transaction: sa.Connection, statement: "sa.Select[Any]") -> list[Artifact]:
    """Run a statement for versions."""
    return [found for row in transaction.execute(statement) if (found := _artifact(row)) is not None]


def lock_artifacts(transaction: sa.Connection, artifact_ids: Iterable[int]) -> bool:
    """Keep others from changing versions until this writing transaction ends; False where writers are alone, and nothing changed."""
    return lock(transaction, artifacts, artifact_ids)


def update_artifact(transaction: sa.Connection, artifact_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a row."""
    if values:
        transaction.execute(sa.update(artifacts).where(artifacts.c.id == artifact_id).values(**values))


def list_expired(transaction: sa.Connection, at: datetime, at_most: int) -> list[int]:
    """Give the ids of versions whose time to live is over."""
    statement = sa.select(artifacts.c.id).where(artifacts.c.expires_at <= at, IS_ALIVE).order_by(artifacts.c.expires_at)
    return list(transaction.execute(statement.limit(at_most)).scalars())


def list_deleted_before(transaction: sa.Connection, moment: datetime, at_most: int) -> list[int]:
    """Give the ids of versions that were deleted by a moment."""
    statement = sa.select(artifacts.c.id).where(artifacts.c.deleted_at <= moment).order_by(artifacts.c.deleted_at)
    return list(transaction.execute(statement.limit(at_most)).scalars())


def list_abandoned(transaction: sa.Connection, moment: datetime, at_most: int) -> list[int]:
    """Give the ids of versions that were begun by a moment and never committed."""
    statement = sa.select(artifacts.c.id).where(artifacts.c.updated_at <= moment, *_IS_PENDING)
    return list(transaction.execute(statement.order_by(artifacts.c.updated_at).limit(at_most)).scalars())


def count_pending(transaction: sa.Connection, collection_id: int) -> int:
    """Count the versions of a sequence that were begun and not committed."""
    return count(transaction, artifacts, artifacts.c.collection_id == collection_id, *_IS_PENDING)


def list_ids_in(transaction: sa.Connection, project_id: int, at_most: int) -> list[int]:
    """Give ids of versions of a project, deleted ones included."""
    statement = sa.select(artifacts.c.id).join_from(artifacts, artifact_collections)
    return list(transaction.execute(statement.where(artifact_collections.c.project_id == project_id).limit(at_most)).scalars())


def delete_artifact(transaction: sa.Connection, artifact_id: int) -> None:
    """Drop a version with all its rows."""
    own = sa.select(artifact_memberships.c.id).where(artifact_memberships.c.artifact_id == artifact_id)
    transaction.execute(sa.delete(artifact_aliases).where(artifact_aliases.c.membership_id.in_(own)))
    for table in (artifact_memberships, artifact_manifests, artifact_entries, artifact_parts, artifact_uses):
        transaction.execute(sa.delete(table).where(table.c.artifact_id == artifact_id))
    transaction.execute(sa.delete(artifacts).where(artifacts.c.id == artifact_id))


def put_use(transaction: sa.Connection, artifact_id: int, run_id: int, used_as: str | None, at: datetime) -> None:
    """Note that a run used a version; once."""
    insert = insert_for(transaction, artifact_uses).values(artifact_id=artifact_id, run_id=run_id, used_as=used_as, used_at=at)
    transaction.execute(insert.on_conflict_do_nothing())


def list_users(transaction: sa.Connection, artifact_id: int, at_most: int) -> list[int]:
    """Give the ids of the runs that used a version, in the order in which they did."""
    t = artifact_uses
    statement = sa.select(t.c.run_id).where(t.c.artifact_id == artifact_id).order_by(t.c.used_at, t.c.run_id).limit(at_most)
    return list(transaction.execute(statement).scalars())


def used_by(run_id: int) -> "sa.ColumnElement[bool]":
    """Say, in a statement for versions, that a run used them."""
    return artifacts.c.id.in_(sa.select(artifact_uses.c.artifact_id).where(artifact_uses.c.run_id == run_id))


def forget_runs(transaction: sa.Connection, run_ids: Sequence[int]) -> None:
    """Forget runs that are gone for good: what they logged stays, and was logged by nobody."""
    transaction.execute(sa.update(artifacts).where(artifacts.c.run_id.in_(list(run_ids))).values(run_id=None))
    transaction.execute(sa.delete(artifact_uses).where(artifact_uses.c.run_id.in_(list(run_ids))))


def _artifact(row: Any) -> Artifact | None:
    if row is None:
        return None
    return Artifact(**{**row._mapping, "tags": tuple(row.tags), "wanted_aliases": tuple(row.wanted_aliases)})

"""The rows of types and collections."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts.model import ArtifactType, Collection
from runkey_server.artifacts.store.statements import IN_PROJECT, IS_ALIVE, count, lock
from runkey_server.artifacts.tables import (
    artifact_aliases,
    artifact_collections,
    artifact_memberships,
    artifact_types,
    artifacts,
    loose_blobs,
)
from runkey_server.database import insert_for
from runkey_server.projects.tables import projects

_COLLECTION = sa.select(
    *(artifact_collections.c[name] for name in "id project_id kind name description tags created_at updated_at".split()),
    artifact_types.c.name.label("type_name"),
    projects.c.account_id,
).select_from(IN_PROJECT)


def open_type(transaction: sa.Connection, project_id: int, name: str, at: datetime) -> tuple[int, bool]:
    """Find a type or make it; give its id, and whether it was made."""
    insert = insert_for(transaction, artifact_types).values(project_id=project_id, name=name, created_at=at)
    is_made = transaction.execute(insert.on_conflict_do_nothing().returning(artifact_types.c.id)).first() is not None
    wanted = sa.select(artifact_types.c.id).where(artifact_types.c.project_id == project_id, artifact_types.c.name == name)
    return int(transaction.execute(wanted).scalar_one()), is_made


def find_type(transaction: sa.Connection, project_id: int, name: str) -> ArtifactType | None:
    """Find a type by name."""
    wanted = sa.select(artifact_types).where(artifact_types.c.project_id == project_id, artifact_types.c.name == name)
    row = transaction.execute(wanted).first()
    return None if row is None else ArtifactType(**row._mapping)


def list_types(transaction: sa.Connection, project_id: int, after_id: int, at_most: int) -> list[ArtifactType]:
    """Give a project's types in the order in which they came."""
    wanted = sa.select(artifact_types).where(artifact_types.c.project_id == project_id, artifact_types.c.id > after_id)
    return [ArtifactType(**row._mapping) for row in transaction.execute(wanted.order_by(artifact_types.c.id).limit(at_most))]


def count_types(transaction: sa.Connection, project_id: int) -> int:
    """Count a project's types."""
    return count(transaction, artifact_types, artifact_types.c.project_id == project_id)


def count_collections_in(transaction: sa.Connection, project_id: int) -> int:
    """Count a project's collections, deleted ones included."""
    return count(transaction, artifact_collections, artifact_collections.c.project_id == project_id)


def insert_collection(transaction: sa.Connection, values: Mapping[str, Any]) -> bool:
    """Add a row; False when the name is taken in the project."""
    insert = insert_for(transaction, artifact_collections).values(tags=[], next_version=0, **values)
    return transaction.execute(insert.on_conflict_do_nothing().returning(artifact_collections.c.id)).first() is not None


def find_collection(transaction: sa.Connection, project_id: int, name: str) -> Collection | None:
    """Find a collection by name."""
    t = artifact_collections
    return _collection(transaction.execute(_COLLECTION.where(t.c.project_id == project_id, t.c.name == name)).first())


def find_collection_by_id(transaction: sa.Connection, collection_id: int) -> Collection | None:
    """Find a collection by id."""
    t = artifact_collections
    return _collection(transaction.execute(_COLLECTION.where(t.c.id == collection_id, t.c.deleted_at.is_(None))).first())


def select_collections(project_id: int, type_name: str | None) -> "sa.Select[Any]":
    """Begin a statement for a project's collections; a filter and an order may follow."""
    statement = _COLLECTION.where(artifact_collections.c.project_id == project_id, artifact_collections.c.deleted_at.is_(None))
    return statement if type_name is None else statement.where(artifact_types.c.name == type_name)


def read_collections(transaction: sa.Connection, statement: "sa.Select[Any]") -> list[Collection]:
    """Run a statement for collections."""
    return [found for row in transaction.execute(statement) if (found := _collection(row)) is not None]


def count_collections(transaction: sa.Connection, project_id: int) -> list[tuple[str, int]]:
    """Give the types of a project that have collections, by name, and how many."""
    found = select_collections(project_id, None).with_only_columns(artifact_types.c.name, sa.func.count())
    return [(name, count) for name, count in transaction.execute(found.group_by(artifact_types.c.name).order_by(artifact_types.c.name))]


def count_versions(transaction: sa.Connection, collection_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Give how many versions each of some collections has, and the number of the newest; an empty one is left out."""
    t = artifact_memberships
    counted = sa.select(t.c.collection_id, sa.func.count(), sa.func.max(t.c.version_index)).join_from(t, artifacts)
    counted = counted.where(IS_ALIVE, t.c.collection_id.in_(list(collection_ids))).group_by(t.c.collection_id)
    return {collection_id: (count, newest) for collection_id, count, newest in transaction.execute(counted)}


def lock_collections(transaction: sa.Connection, collection_ids: Iterable[int]) -> bool:
    """Keep others from changing collections until this writing transaction ends; False where writers are alone, and nothing changed."""
    return lock(transaction, artifact_collections, collection_ids)


def update_collection(transaction: sa.Connection, collection_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a row."""
    transaction.execute(sa.update(artifact_collections).where(artifact_collections.c.id == collection_id).values(**values))


def place_collection(transaction: sa.Connection, collection_id: int, values: Mapping[str, Any]) -> bool:
    """Change a collection's name or project; False, and nothing is changed, when its name is taken there."""
    try:
        with transaction.begin_nested():
            update_collection(transaction, collection_id, values)
    except sa.exc.IntegrityError:
        return False
    return True


def take_version(transaction: sa.Connection, collection_id: int) -> int:
    """Take the next number of a collection."""
    t = artifact_collections
    taken = sa.update(t).where(t.c.id == collection_id).values(next_version=t.c.next_version + 1).returning(t.c.next_version)
    return int(transaction.execute(taken).scalar_one()) - 1


def mark_collection_deleted(transaction: sa.Connection, collection_id: int, at: datetime) -> None:
    """Note when a collection was deleted; its name is free at once."""
    update_collection(transaction, collection_id, {"deleted_at": at, "name": f"/{collection_id}"})


def delete_collection(transaction: sa.Connection, collection_id: int) -> None:
    """Drop a collection with its memberships and aliases; its versions must be gone, or be others'."""
    for table in (artifact_aliases, artifact_memberships):
        transaction.execute(sa.delete(table).where(table.c.collection_id == collection_id))
    transaction.execute(sa.delete(artifact_collections).where(artifact_collections.c.id == collection_id))


def list_empty_collections(transaction: sa.Connection, at_most: int) -> list[int]:
    """Give the ids of collections that were deleted and whose versions are gone by now."""
    t = artifact_collections
    is_empty = ~sa.exists().where(artifacts.c.collection_id == t.c.id)
    return list(transaction.execute(sa.select(t.c.id).where(t.c.deleted_at.is_not(None), is_empty).limit(at_most)).scalars())


def list_logged_by(transaction: sa.Connection, project_id: int, run_ids: Sequence[int]) -> list[Collection]:
    """Give the sequences of a project to which any of some runs logged, by their ids."""
    logged = sa.select(artifacts.c.collection_id).where(artifacts.c.run_id.in_(list(run_ids)))
    statement = select_collections(project_id, None).where(artifact_collections.c.id.in_(logged))
    return sorted(read_collections(transaction, statement), key=lambda collection: collection.id)


def list_loggers(transaction: sa.Connection, collection_id: int) -> set[int]:
    """Give the ids of the runs that logged to a sequence; 0 for what was logged by none, or one that is gone."""
    found = sa.select(sa.func.coalesce(artifacts.c.run_id, 0)).where(artifacts.c.collection_id == collection_id)
    return set(transaction.execute(found.distinct()).scalars())


def delete_rest_of(transaction: sa.Connection, project_id: int) -> None:
    """Drop a project's collections and types; its versions must be gone."""
    collections = sa.select(artifact_collections.c.id).where(artifact_collections.c.project_id == project_id)
    for table in (artifact_aliases, artifact_memberships):
        transaction.execute(sa.delete(table).where(table.c.collection_id.in_(collections)))
    for owned in (artifact_collections, artifact_types, loose_blobs):
        transaction.execute(sa.delete(owned).where(owned.c.project_id == project_id))


def _collection(row: Any) -> Collection | None:
    return None if row is None else Collection(**{**row._mapping, "tags": tuple(row.tags)})

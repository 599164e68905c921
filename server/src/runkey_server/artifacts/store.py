"""The rows of artifacts: functions that take an open transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts.model import Alias, Artifact, ArtifactType, Collection, Entry, Manifest, Membership
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
    loose_blobs,
)
from runkey_server.database import among, insert_for
from runkey_server.files.tables import blobs
from runkey_server.projects.tables import projects

_IN_PROJECT = artifact_collections.join(artifact_types).join(projects, projects.c.id == artifact_collections.c.project_id)
_COLLECTION = sa.select(
    *(artifact_collections.c[name] for name in "id project_id kind name description tags created_at updated_at".split()),
    artifact_types.c.name.label("type_name"),
    projects.c.account_id,
).select_from(_IN_PROJECT)
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
    artifacts.join(_IN_PROJECT, artifacts.c.collection_id == artifact_collections.c.id).outerjoin(
        _own, sa.and_(_own.c.artifact_id == artifacts.c.id, _own.c.collection_id == artifacts.c.collection_id)
    )
)
_ALIAS = sa.select(
    artifact_aliases.c.id, artifact_aliases.c.alias, artifact_aliases.c.collection_id, artifact_memberships.c.artifact_id
).join_from(artifact_aliases, artifact_memberships)
_IS_ALIVE = artifacts.c.deleted_at.is_(None)
# As the index has it: a parameter, such as the name of a state, would keep SQLite from using one that holds only some rows.
_IS_PENDING = (artifacts.c.committed_at.is_(None), _IS_ALIVE)


# --- types and collections --------------------------------------------------------------------------------------------


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
    return _count(transaction, artifact_types, artifact_types.c.project_id == project_id)


def count_collections_in(transaction: sa.Connection, project_id: int) -> int:
    """Count a project's collections, deleted ones included."""
    return _count(transaction, artifact_collections, artifact_collections.c.project_id == project_id)


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
    counted = counted.where(_IS_ALIVE, t.c.collection_id.in_(list(collection_ids))).group_by(t.c.collection_id)
    return {collection_id: (count, newest) for collection_id, count, newest in transaction.execute(counted)}


def lock_collections(transaction: sa.Connection, collection_ids: Iterable[int]) -> bool:
    """Keep others from changing collections until this writing transaction ends; False where writers are alone, and nothing changed."""
    return _lock(transaction, artifact_collections, collection_ids)


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


def list_digests_in(transaction: sa.Connection, collection_id: int) -> list[str]:
    """Give the digests of all bytes that the versions of a sequence need, deleted ones included."""
    return list(transaction.execute(_needed_by(sa.select(artifacts.c.id).where(artifacts.c.collection_id == collection_id))).scalars())


# --- versions ---------------------------------------------------------------------------------------------------------


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
    statement = _ARTIFACT.where(artifacts.c.client_id == client_id, _IS_ALIVE)
    if project_id is not None:
        statement = statement.where(artifact_collections.c.project_id == project_id)
    if account_id is not None:
        statement = statement.where(projects.c.account_id == account_id)
    return _artifact(transaction.execute(statement.order_by(artifacts.c.id).limit(1)).first())


def find_by_distributed_id(transaction: sa.Connection, collection_id: int, distributed_id: str) -> Artifact | None:
    """Find a pending version by the name that its writers share."""
    where = (artifacts.c.distributed_id == distributed_id, artifacts.c.collection_id == collection_id, artifacts.c.state == "PENDING")
    return _artifact(transaction.execute(_ARTIFACT.where(*where, _IS_ALIVE).limit(1)).first())


def find_by_digest(transaction: sa.Connection, collection_id: int, digest: str) -> Artifact | None:
    """Find the newest committed version of a sequence that has a digest."""
    where = (artifacts.c.collection_id == collection_id, artifacts.c.digest == digest, artifacts.c.state == "COMMITTED")
    return _artifact(transaction.execute(_ARTIFACT.where(*where, _IS_ALIVE).order_by(artifacts.c.id.desc()).limit(1)).first())


def select_artifacts() -> "sa.Select[Any]":
    """Begin a statement for versions that are not deleted; where, order and limit follow."""
    return _ARTIFACT.where(_IS_ALIVE)


def read_artifacts(transaction: sa.Connection, statement: "sa.Select[Any]") -> list[Artifact]:
    """Run a statement for versions."""
    return [found for row in transaction.execute(statement) if (found := _artifact(row)) is not None]


def lock_artifacts(transaction: sa.Connection, artifact_ids: Iterable[int]) -> bool:
    """Keep others from changing versions until this writing transaction ends; False where writers are alone, and nothing changed."""
    return _lock(transaction, artifacts, artifact_ids)


def update_artifact(transaction: sa.Connection, artifact_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a row."""
    if values:
        transaction.execute(sa.update(artifacts).where(artifacts.c.id == artifact_id).values(**values))


def list_expired(transaction: sa.Connection, at: datetime, at_most: int) -> list[int]:
    """Give the ids of versions whose time to live is over."""
    statement = sa.select(artifacts.c.id).where(artifacts.c.expires_at <= at, _IS_ALIVE).order_by(artifacts.c.expires_at)
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
    return _count(transaction, artifacts, artifacts.c.collection_id == collection_id, *_IS_PENDING)


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


def delete_rest_of(transaction: sa.Connection, project_id: int) -> None:
    """Drop a project's collections and types; its versions must be gone."""
    collections = sa.select(artifact_collections.c.id).where(artifact_collections.c.project_id == project_id)
    for table in (artifact_aliases, artifact_memberships):
        transaction.execute(sa.delete(table).where(table.c.collection_id.in_(collections)))
    for owned in (artifact_collections, artifact_types, loose_blobs):
        transaction.execute(sa.delete(owned).where(owned.c.project_id == project_id))


# --- places in collections, and aliases -------------------------------------------------------------------------------


def insert_membership(transaction: sa.Connection, collection_id: int, artifact_id: int, version_index: int, at: datetime) -> None:
    """Add a row."""
    transaction.execute(
        sa.insert(artifact_memberships).values(
            collection_id=collection_id, artifact_id=artifact_id, version_index=version_index, created_at=at
        )
    )


def find_membership(transaction: sa.Connection, collection_id: int, artifact_id: int) -> Membership | None:
    """Find a version's place in a collection."""
    t = artifact_memberships
    row = transaction.execute(sa.select(t).where(t.c.collection_id == collection_id, t.c.artifact_id == artifact_id)).first()
    return None if row is None else Membership(**row._mapping)


def find_membership_by_alias(transaction: sa.Connection, collection_id: int, alias: str) -> Membership | None:
    """Find the place that an alias names."""
    t = artifact_memberships
    statement = sa.select(t).join_from(t, artifact_aliases).where(artifact_aliases.c.collection_id == collection_id)
    row = transaction.execute(statement.where(artifact_aliases.c.alias == alias)).first()
    return None if row is None else Membership(**row._mapping)


def select_memberships() -> "sa.Select[Any]":
    """Begin a statement for places of versions that are not deleted; where, order and limit follow."""
    return sa.select(artifact_memberships).join_from(artifact_memberships, artifacts).where(_IS_ALIVE)


def read_memberships(transaction: sa.Connection, statement: "sa.Select[Any]") -> list[Membership]:
    """Run a statement for places."""
    return [Membership(**row._mapping) for row in transaction.execute(statement)]


def delete_membership(transaction: sa.Connection, membership_id: int) -> None:
    """Drop a place, with its aliases."""
    transaction.execute(sa.delete(artifact_aliases).where(artifact_aliases.c.membership_id == membership_id))
    transaction.execute(sa.delete(artifact_memberships).where(artifact_memberships.c.id == membership_id))


def put_alias(transaction: sa.Connection, collection_id: int, membership_id: int, alias: str) -> None:
    """Give a place a name, taking it from the one that had it."""
    insert = insert_for(transaction, artifact_aliases).values(collection_id=collection_id, membership_id=membership_id, alias=alias)
    transaction.execute(
        insert.on_conflict_do_update(index_elements=["collection_id", "alias"], set_={"membership_id": insert.excluded.membership_id})
    )


def delete_alias(transaction: sa.Connection, membership_id: int, alias: str) -> None:
    """Take a name from a place, if it has it."""
    t = artifact_aliases
    transaction.execute(sa.delete(t).where(t.c.membership_id == membership_id, t.c.alias == alias))


def delete_aliases(transaction: sa.Connection, membership_id: int) -> None:
    """Take all its names from a place."""
    transaction.execute(sa.delete(artifact_aliases).where(artifact_aliases.c.membership_id == membership_id))


def count_aliases(transaction: sa.Connection, membership_id: int) -> int:
    """Count the aliases of a place."""
    return _count(transaction, artifact_aliases, artifact_aliases.c.membership_id == membership_id)


def list_aliases(transaction: sa.Connection, *, artifact_ids: Iterable[int] = (), membership_id: int | None = None) -> list[Alias]:
    """Give the aliases of versions in all collections, or those of one place."""
    statement = _ALIAS.order_by(artifact_aliases.c.id)
    if membership_id is None:
        statement = statement.where(artifact_memberships.c.artifact_id.in_(list(artifact_ids)))
    if membership_id is not None:
        statement = statement.where(artifact_memberships.c.id == membership_id)
    return [Alias(**row._mapping) for row in transaction.execute(statement)]


def list_aliases_at(transaction: sa.Connection, membership_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Give the aliases of some places, by the id of the place."""
    t = artifact_aliases
    found: dict[int, tuple[str, ...]] = {}
    wanted = sa.select(t.c.membership_id, t.c.alias).where(t.c.membership_id.in_(list(membership_ids))).order_by(t.c.id)
    for membership_id, alias in transaction.execute(wanted):
        found[membership_id] = (*found.get(membership_id, ()), alias)
    return found


def list_collection_aliases(transaction: sa.Connection, collection_id: int, after_id: int, at_most: int) -> list[Alias]:
    """Give the aliases in a collection in the order in which they came."""
    statement = _ALIAS.where(artifact_aliases.c.collection_id == collection_id, artifact_aliases.c.id > after_id)
    return [Alias(**row._mapping) for row in transaction.execute(statement.order_by(artifact_aliases.c.id).limit(at_most))]


# --- manifests and entries --------------------------------------------------------------------------------------------


def insert_manifest(transaction: sa.Connection, values: Mapping[str, Any]) -> Manifest:
    """Add a row."""
    manifest_id = transaction.execute(insert_for(transaction, artifact_manifests).values(**values).returning(artifact_manifests.c.id))
    return _manifest(transaction.execute(_of(artifact_manifests.c.id == int(manifest_id.scalar_one()))).one())


def update_manifest(transaction: sa.Connection, manifest_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a row."""
    if values:
        transaction.execute(sa.update(artifact_manifests).where(artifact_manifests.c.id == manifest_id).values(**values))


def find_manifest(transaction: sa.Connection, manifest_id: int) -> Manifest | None:
    """Find a manifest by id."""
    row = transaction.execute(_of(artifact_manifests.c.id == manifest_id)).first()
    return None if row is None else _manifest(row)


def list_manifests(transaction: sa.Connection, artifact_id: int) -> list[Manifest]:
    """Give the manifests of a version in the order in which they came."""
    wanted = _of(artifact_manifests.c.artifact_id == artifact_id).order_by(artifact_manifests.c.id)
    return [_manifest(row) for row in transaction.execute(wanted)]


def delete_manifests(transaction: sa.Connection, artifact_id: int, but_id: int) -> None:
    """Drop the manifests of a version but one."""
    t = artifact_manifests
    transaction.execute(sa.delete(t).where(t.c.artifact_id == artifact_id, t.c.id != but_id))


def put_entries(transaction: sa.Connection, artifact_id: int, entries: Iterable[Entry]) -> None:
    """Add entries, or replace those of the same path."""
    rows = [{"artifact_id": artifact_id, "path": e.path, "digest": e.digest, "size_bytes": e.size_bytes, "ref": e.ref} for e in entries]
    if rows:
        insert = insert_for(transaction, artifact_entries)
        new = {name: insert.excluded[name] for name in ("digest", "size_bytes", "ref")}
        transaction.execute(insert.on_conflict_do_update(index_elements=["artifact_id", "path"], set_=new), rows)


def replace_entries(transaction: sa.Connection, artifact_id: int, entries: Iterable[Entry]) -> set[str]:
    """Make these the entries of a version that had but bytes; give the digests that it has no more. What stays as it was is not written."""
    t = artifact_entries
    had = {row[0]: row[1] for row in transaction.execute(sa.select(t.c.path, t.c.digest).where(t.c.artifact_id == artifact_id))}
    by_path = {entry.path: entry for entry in entries}
    gone = had.keys() - by_path.keys()
    if gone:
        transaction.execute(sa.delete(t).where(t.c.artifact_id == artifact_id, among(transaction, t.c.path, gone)))
    put_entries(transaction, artifact_id, [e for e in by_path.values() if e.ref is not None or had.get(e.path) != e.digest])
    return set(had.values()).difference(entry.digest for entry in by_path.values())


def list_missing(transaction: sa.Connection, project_id: int, artifact_id: int) -> list[str]:
    """Give the digests of the bytes that the entries of a version name and that are not in its project."""
    t = artifact_entries
    is_here = sa.exists().where(blobs.c.project_id == project_id, blobs.c.md5 == t.c.digest)
    missing = sa.select(t.c.digest).distinct().where(t.c.artifact_id == artifact_id, t.c.ref.is_(None), ~is_here)
    return list(transaction.execute(missing.order_by(t.c.digest)).scalars())


def take_sizes(transaction: sa.Connection, project_id: int, artifact_id: int) -> None:
    """Write into the entries of a version what their bytes measure, which must be here."""
    t = artifact_entries
    size = sa.select(blobs.c.size_bytes).where(blobs.c.project_id == project_id, blobs.c.md5 == t.c.digest).scalar_subquery()
    transaction.execute(sa.update(t).where(t.c.artifact_id == artifact_id, t.c.ref.is_(None)).values(size_bytes=size))


def measure_entries(transaction: sa.Connection, artifact_id: int) -> tuple[int, int]:
    """Give how many entries a version has, and the bytes of all of them."""
    t = artifact_entries
    count, size = transaction.execute(sa.select(sa.func.count(), sa.func.sum(t.c.size_bytes)).where(t.c.artifact_id == artifact_id)).one()
    return count, int(size or 0)


def list_entries(
    transaction: sa.Connection,
    artifact_id: int,
    *,
    names: Sequence[str] | None = None,
    after: str | None = None,
    at_most: int | None = None,
) -> list[Entry]:
    """Give entries of a version by path. names: only these. after: only later paths."""
    t = artifact_entries
    statement = sa.select(t.c.path, t.c.digest, t.c.size_bytes, t.c.ref).where(t.c.artifact_id == artifact_id)
    if names is not None:
        statement = statement.where(among(transaction, t.c.path, names))
    if after is not None:
        statement = statement.where(t.c.path > after)
    return [Entry(**row._mapping) for row in transaction.execute(statement.order_by(t.c.path).limit(at_most))]


def find_by_content(transaction: sa.Connection, account_id: int, digest: str) -> tuple[int, str] | None:
    """Find a committed version of an account's projects that holds bytes; give its id and under which path."""
    t = artifact_entries
    held = t.join(artifacts, artifacts.c.id == t.c.artifact_id).join(artifact_collections).join(projects)
    where = [t.c.digest == digest, t.c.ref.is_(None), artifacts.c.state == "COMMITTED", _IS_ALIVE, projects.c.deleted_at.is_(None)]
    # The sum keeps SQLite from beginning with the account, of which it would read all entries.
    wanted = sa.select(t.c.artifact_id, t.c.path).select_from(held).where(*where, projects.c.account_id + 0 == account_id)
    row = transaction.execute(wanted.order_by(t.c.artifact_id.desc()).limit(1)).first()
    return None if row is None else (row.artifact_id, row.path)


def has_digest(transaction: sa.Connection, artifact_id: int, digest: str) -> bool:
    """Tell whether a version holds a file of this digest."""
    t = artifact_entries
    wanted = sa.select(sa.literal(1)).where(t.c.artifact_id == artifact_id, t.c.digest == digest, t.c.ref.is_(None))
    return transaction.execute(wanted.limit(1)).first() is not None


def count_entries(transaction: sa.Connection, artifact_id: int, *, names: Sequence[str] | None = None) -> int:
    """Count the entries of a version. names: only these."""
    t = artifact_entries
    named = () if names is None else (among(transaction, t.c.path, names),)
    return _count(transaction, t, t.c.artifact_id == artifact_id, *named)


def list_digests_at(transaction: sa.Connection, artifact_id: int, paths: Sequence[str]) -> dict[str, str]:
    """Give the digests of the bytes at some paths of a version."""
    t = artifact_entries
    wanted = sa.select(t.c.path, t.c.digest).where(t.c.artifact_id == artifact_id, among(transaction, t.c.path, paths), t.c.ref.is_(None))
    return {row[0]: row[1] for row in transaction.execute(wanted)}


def list_alone(transaction: sa.Connection, project_id: int, artifact_id: int) -> list[str]:
    """Give the digests of the bytes that a version needs, and no other one of its project that is not deleted."""
    own = _needed_by([artifact_id]).subquery("own")
    needs = _needs(own.c.digest, project_id, artifacts.c.id != artifact_id, _IS_ALIVE)
    return list(transaction.execute(sa.select(own.c.digest).where(*(~needed for needed in needs))).scalars())


def is_needed(transaction: sa.Connection, project_id: int, md5: str) -> bool:
    """Tell whether a version of a project needs some bytes; deleted ones do until they are purged."""
    return any(transaction.execute(sa.select(needed)).scalar_one() for needed in _needs(sa.literal(md5), project_id))


def _needed_by(artifact_ids: "sa.Select[Any] | list[int]") -> "sa.CompoundSelect[Any]":
    t, p, m = artifact_entries, artifact_parts, artifact_manifests
    entries = sa.select(t.c.digest).where(t.c.artifact_id.in_(artifact_ids), t.c.ref.is_(None))
    parts = sa.select(p.c.md5.label("digest")).where(p.c.artifact_id.in_(artifact_ids))
    manifests = sa.select(m.c.md5.label("digest")).where(m.c.artifact_id.in_(artifact_ids), m.c.md5.is_not(None))
    return sa.union(entries, parts, manifests)


def _needs(digest: "sa.ColumnElement[str]", project_id: int, *which: "sa.ColumnElement[bool]") -> "list[sa.Exists]":
    """Say that an entry, a part or a manifest of certain versions of a project names a digest."""
    t, p, m = (table.alias("other") for table in (artifact_entries, artifact_parts, artifact_manifests))
    # The sum keeps SQLite from beginning with the project: it would read all entries of all its versions for each digest.
    always = (artifact_collections.c.project_id + 0 == project_id, *which)

    def named_in(table: Any, *where: "sa.ColumnElement[bool]") -> sa.Exists:
        others = table.join(artifacts, artifacts.c.id == table.c.artifact_id).join(artifact_collections)
        return sa.exists().select_from(others).where(*where, *always)

    return [named_in(t, t.c.digest == digest, t.c.ref.is_(None)), named_in(p, p.c.md5 == digest), named_in(m, m.c.md5 == digest)]


def measure_rows(transaction: sa.Connection, artifact_id: int) -> tuple[int, int]:
    """Count the entries, parts, manifests, places and aliases of a version, and the characters of what entries and aliases name."""
    t = artifact_entries
    length = sa.func.length
    characters = sa.func.sum(length(t.c.path) + length(t.c.digest) + sa.func.coalesce(length(t.c.ref), 0))
    rows, size = transaction.execute(sa.select(sa.func.count(), characters).where(t.c.artifact_id == artifact_id)).one()
    aliases = list_aliases(transaction, artifact_ids=[artifact_id])
    for table in (artifact_parts, artifact_manifests, artifact_memberships):
        rows += _count(transaction, table, table.c.artifact_id == artifact_id)
    return rows + len(aliases), int(size or 0) + sum(len(alias.alias) for alias in aliases)


# --- bytes that were let go of ----------------------------------------------------------------------------------------


def put_loose(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> None:
    """Add rows."""
    if md5s:
        rows = [{"project_id": project_id, "md5": md5} for md5 in md5s]
        transaction.execute(insert_for(transaction, loose_blobs).on_conflict_do_nothing(), rows)


def loosen_all(transaction: sa.Connection, artifact_id: int) -> None:
    """Add rows for all bytes that a version needs."""
    own = _needed_by([artifact_id]).subquery("own")
    project_id = (
        sa.select(artifact_collections.c.project_id).join_from(artifacts, artifact_collections).where(artifacts.c.id == artifact_id)
    )
    # SQLite takes what follows a SELECT without a WHERE for a join.
    rows = sa.select(project_id.scalar_subquery(), own.c.digest).where(sa.true()).order_by(own.c.digest)
    transaction.execute(insert_for(transaction, loose_blobs).from_select(["project_id", "md5"], rows).on_conflict_do_nothing())


def list_loose(transaction: sa.Connection, at_most: int) -> tuple[int, list[str]]:
    """Give some digests of one project."""
    t = loose_blobs
    project_id = transaction.execute(sa.select(t.c.project_id).order_by(t.c.project_id).limit(1)).scalar_one_or_none()
    if project_id is None:
        return 0, []
    some = sa.select(t.c.md5).where(t.c.project_id == project_id).order_by(t.c.md5).limit(at_most)
    return project_id, list(transaction.execute(some).scalars())


def list_unneeded(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> list[str]:
    """Give those of some digests that have a row, and that no version needs."""
    t = loose_blobs
    some = sa.select(t.c.md5).where(t.c.project_id == project_id, among(transaction, t.c.md5, md5s))
    return list(transaction.execute(some.where(*(~needed for needed in _needs(t.c.md5, project_id)))).scalars())


def forget_loose(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> None:
    """Drop rows."""
    transaction.execute(sa.delete(loose_blobs).where(loose_blobs.c.project_id == project_id, among(transaction, loose_blobs.c.md5, md5s)))


# --- parts of large files ---------------------------------------------------------------------------------------------


def put_parts(transaction: sa.Connection, artifact_id: int, digest: str, md5s: Sequence[str]) -> None:
    """Note the parts of a file, in their order, in the place of others."""
    delete_parts(transaction, artifact_id, digest)
    rows = [{"artifact_id": artifact_id, "digest": digest, "number": number, "md5": md5} for number, md5 in enumerate(md5s, 1)]
    transaction.execute(sa.insert(artifact_parts), rows)


def list_parts(transaction: sa.Connection, artifact_id: int, digest: str) -> list[str]:
    """Give the MD5 of each part of a file, in their order."""
    t = artifact_parts
    wanted = sa.select(t.c.md5).where(t.c.artifact_id == artifact_id, t.c.digest == digest).order_by(t.c.number)
    return list(transaction.execute(wanted).scalars())


def list_all_parts(transaction: sa.Connection, artifact_id: int) -> list[str]:
    """Give the MD5 of each part of all files of a version, each once."""
    t = artifact_parts
    return list(transaction.execute(sa.select(t.c.md5).where(t.c.artifact_id == artifact_id).distinct()).scalars())


def delete_parts(transaction: sa.Connection, artifact_id: int, digest: str | None = None) -> None:
    """Drop the parts of a version. digest: of this file alone."""
    gone = sa.delete(artifact_parts).where(artifact_parts.c.artifact_id == artifact_id)
    transaction.execute(gone if digest is None else gone.where(artifact_parts.c.digest == digest))


# --- uses -------------------------------------------------------------------------------------------------------------


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


def _count(transaction: sa.Connection, table: sa.Table, *where: "sa.ColumnElement[bool]") -> int:
    return int(transaction.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def _lock(transaction: sa.Connection, table: sa.Table, row_ids: Iterable[int]) -> bool:
    if transaction.dialect.name != "postgresql":
        return False
    # In order, so that two who lock several wait for each other and not in a circle.
    for row_id in sorted(set(row_ids)):
        transaction.execute(sa.select(table.c.id).where(table.c.id == row_id).with_for_update(key_share=True))
    return True


def _of(condition: "sa.ColumnElement[bool]") -> "sa.Select[Any]":
    t = artifact_manifests
    return sa.select(t.c.id, t.c.artifact_id, t.c.type, t.c.md5, t.c.base_artifact_id).where(condition)


def _manifest(row: Any) -> Manifest:
    return Manifest(**row._mapping)


def _collection(row: Any) -> Collection | None:
    return None if row is None else Collection(**{**row._mapping, "tags": tuple(row.tags)})


def _artifact(row: Any) -> Artifact | None:
    if row is None:
        return None
    return Artifact(**{**row._mapping, "tags": tuple(row.tags), "wanted_aliases": tuple(row.wanted_aliases)})

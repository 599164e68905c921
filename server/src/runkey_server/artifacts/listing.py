"""Pages of types, collections, versions and what they hold."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts import store
from runkey_server.artifacts.model import Artifact, Collection, Membership, Version
from runkey_server.artifacts.tables import artifact_collections, artifact_memberships, artifact_types, artifacts
from runkey_server.asgi.actor import Actor
from runkey_server.database.filtering import Field, Fields, read_filter
from runkey_server.errors import Error
from runkey_server.projects import Project, may
from runkey_server.runs import Run

_COLLECTION_ORDERS = {
    "name": artifact_collections.c.name,
    "created_at": artifact_collections.c.created_at,
    "createdAt": artifact_collections.c.created_at,
    "updated_at": artifact_collections.c.updated_at,
    "updatedAt": artifact_collections.c.updated_at,
    "type": artifact_types.c.name,
}
_VERSION_ORDERS = {
    "version_index": artifact_memberships.c.version_index,
    "versionIndex": artifact_memberships.c.version_index,
    "created_at": artifacts.c.created_at,
    "createdAt": artifacts.c.created_at,
    "updated_at": artifacts.c.updated_at,
    "updatedAt": artifacts.c.updated_at,
    "size": artifacts.c.size_bytes,
}


def list_collections(
    transaction: sa.Connection, project: Project, type_name: str | None, *, filters: str | None, order: str | None, skip: int, at_most: int
) -> tuple[list[Collection], int]:
    """Give a page of a project's collections, by default by name, and how many there are. Raises Error `invalid`."""
    statement = store.collections.select_collections(project.id, type_name).where(*_chosen(filters, _COLLECTION_FIELDS))
    ordered = statement.order_by(*_order(order or "+name", _COLLECTION_ORDERS, artifact_collections.c.name))
    return store.collections.read_collections(transaction, ordered.offset(skip).limit(at_most)), _count(transaction, statement)


def list_memberships(
    transaction: sa.Connection, collection: Collection, *, filters: str | None, order: str | None, skip: int, at_most: int
) -> tuple[list[Membership], int]:
    """Give a page of a collection's committed versions, by default the newest first, and how many there are. Raises Error `invalid`."""
    statement = store.places.select_memberships().where(artifact_memberships.c.collection_id == collection.id)
    statement = statement.where(*_chosen(filters, _VERSION_FIELDS))
    ordered = statement.order_by(*_order(order or "-version_index", _VERSION_ORDERS, artifact_memberships.c.id))
    return store.places.read_memberships(transaction, ordered.offset(skip).limit(at_most)), _count(transaction, statement)


def list_versions(
    transaction: sa.Connection, actor: Actor, collection: Collection, *, skip: int, at_most: int
) -> tuple[list[Version], int]:
    """Give a page of a collection's versions that the actor may read, the newest first, and how many there are."""
    places, total = list_memberships(transaction, collection, filters=None, order=None, skip=skip, at_most=at_most)
    wanted = store.versions.select_artifacts().where(artifacts.c.id.in_([place.artifact_id for place in places]))
    found = {
        artifact.id: artifact for artifact in store.versions.read_artifacts(transaction, wanted) if may(actor, "read", artifact.account_id)
    }
    aliases = store.places.list_aliases_at(transaction, [place.id for place in places])
    pairs = ((place, found[place.artifact_id]) for place in places if place.artifact_id in found)
    return [Version(place, artifact, aliases.get(place.id, ())) for place, artifact in pairs], total


def list_places(transaction: sa.Connection, artifact_ids: Iterable[int], at_most: int) -> list[Membership]:
    """Give the places of versions in all collections, its own sequence first for each."""
    statement = store.places.select_memberships().where(artifact_memberships.c.artifact_id.in_(list(artifact_ids)))
    return store.places.read_memberships(transaction, statement.order_by(artifact_memberships.c.id).limit(at_most))


def list_outputs(transaction: sa.Connection, actor: Actor, run: Run, *, skip: int, at_most: int) -> tuple[list[Artifact], int]:
    """Give a page of the committed versions that a run logged and the actor may read, and how many there are."""
    return _page(transaction, actor, artifacts.c.run_id == run.id, skip, at_most)


def list_inputs(transaction: sa.Connection, actor: Actor, run: Run, *, skip: int, at_most: int) -> tuple[list[Artifact], int]:
    """Give a page of the versions that a run used and the actor may read, and how many there are."""
    return _page(transaction, actor, store.versions.used_by(run.id), skip, at_most)


def _page(transaction: sa.Connection, actor: Actor, which: "sa.ColumnElement[bool]", skip: int, at_most: int) -> tuple[list[Artifact], int]:
    # A run's own project was looked at; what it used may have changed hands since.
    statement = store.versions.select_artifacts().where(which, artifacts.c.state == "COMMITTED")
    page = statement.order_by(artifacts.c.id).offset(skip).limit(at_most)
    found = [artifact for artifact in store.versions.read_artifacts(transaction, page) if may(actor, "read", artifact.account_id)]
    return found, _count(transaction, statement)


def _count(transaction: sa.Connection, statement: "sa.Select[Any]") -> int:
    counted = sa.select(sa.func.count()).select_from(statement.order_by(None).subquery())
    return int(transaction.execute(counted).scalar_one())


def _order(order: str, orders: dict[str, "sa.Column[Any]"], last: "sa.Column[Any]") -> "list[sa.ColumnElement[Any]]":
    name = order.lstrip("+-")
    if name not in orders:
        raise Error("invalid", f"Artifacts cannot be ordered by {name[:80]!r}; {', '.join(orders)} can be used.")
    columns = (orders[name], last)
    return [column.desc() if order.startswith("-") else column.asc() for column in columns]


def _chosen(filters: str | None, fields: Fields) -> "list[sa.ColumnElement[bool]]":
    condition = read_filter(filters, fields)
    return [] if condition is None else [condition]


def _fields(what: str, texts: dict[str, Any], moments: dict[str, Any], tags: Any) -> Fields:
    known = {name: Field(name, "text", column) for name, column in texts.items()}
    for name, column in moments.items():
        known |= {spelt: Field(spelt, "moment", column) for spelt in (name, _in_snake_case(name))}
    for name in ("tag", "tags"):
        known[name] = Field(name, "tags", tags)
    return Fields(what, known.get, sorted(known))


def _in_snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


_COLLECTION_FIELDS = _fields(
    "Collections of artifacts",
    {"name": artifact_collections.c.name, "description": artifact_collections.c.description, "type": artifact_types.c.name},
    {"createdAt": artifact_collections.c.created_at, "updatedAt": artifact_collections.c.updated_at},
    artifact_collections.c.tags,
)
_VERSION_FIELDS = _fields(
    "Artifacts",
    {
        "state": artifacts.c.state,
        "digest": artifacts.c.digest,
        "description": artifacts.c.description,
        "commitHash": artifacts.c.commit_hash,
    },
    {"createdAt": artifacts.c.created_at, "updatedAt": artifacts.c.updated_at},
    artifacts.c.tags,
)

"""Pages of types, collections, versions and what they hold."""

import json
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts import store
from runkey_server.artifacts.model import Artifact, Collection, Membership
from runkey_server.artifacts.tables import artifact_collections, artifact_memberships, artifacts
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import Project, may
from runkey_server.runs import Run

_COLLECTION_ORDERS = {
    "name": artifact_collections.c.name,
    "created_at": artifact_collections.c.created_at,
    "createdAt": artifact_collections.c.created_at,
    "updated_at": artifact_collections.c.updated_at,
    "updatedAt": artifact_collections.c.updated_at,
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
    transaction: sa.Connection, project: Project, type_name: str | None, *, order: str | None, skip: int, at_most: int
) -> tuple[list[Collection], int]:
    """Give a page of a project's collections, by default by name, and how many there are. Raises Error `invalid` for a bad order."""
    statement = store.select_collections(project.id, type_name)
    ordered = statement.order_by(*_order(order or "+name", _COLLECTION_ORDERS, artifact_collections.c.id))
    return store.read_collections(transaction, ordered.offset(skip).limit(at_most)), _count(transaction, statement)


def list_memberships(
    transaction: sa.Connection, collection: Collection, *, filters: str | None, order: str | None, skip: int, at_most: int
) -> tuple[list[Membership], int]:
    """Give a page of a collection's committed versions, by default the newest first, and how many there are. Raises Error `invalid`."""
    statement = store.select_memberships().where(artifact_memberships.c.collection_id == collection.id)
    statement = statement.where(*_conditions(filters))
    ordered = statement.order_by(*_order(order or "-version_index", _VERSION_ORDERS, artifact_memberships.c.id))
    return store.read_memberships(transaction, ordered.offset(skip).limit(at_most)), _count(transaction, statement)


def list_places(transaction: sa.Connection, artifact: Artifact, at_most: int) -> list[Membership]:
    """Give the places of a version in all collections, its own sequence first."""
    statement = store.select_memberships().where(artifact_memberships.c.artifact_id == artifact.id)
    return store.read_memberships(transaction, statement.order_by(artifact_memberships.c.id).limit(at_most))


def list_outputs(transaction: sa.Connection, actor: Actor, run: Run, *, skip: int, at_most: int) -> tuple[list[Artifact], int]:
    """Give a page of the committed versions that a run logged and the actor may read, and how many there are."""
    return _page(transaction, actor, artifacts.c.run_id == run.id, skip, at_most)


def list_inputs(transaction: sa.Connection, actor: Actor, run: Run, *, skip: int, at_most: int) -> tuple[list[Artifact], int]:
    """Give a page of the versions that a run used and the actor may read, and how many there are."""
    return _page(transaction, actor, store.used_by(run.id), skip, at_most)


def _page(transaction: sa.Connection, actor: Actor, which: "sa.ColumnElement[bool]", skip: int, at_most: int) -> tuple[list[Artifact], int]:
    # A run's own project was looked at; what it used may have changed hands since.
    statement = store.select_artifacts().where(which, artifacts.c.state == "COMMITTED")
    page = statement.order_by(artifacts.c.id).offset(skip).limit(at_most)
    found = [artifact for artifact in store.read_artifacts(transaction, page) if may(actor, "read", artifact.account_id)]
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


def _conditions(filters: str | None) -> "list[sa.ColumnElement[bool]]":
    try:
        given = json.loads(filters) if filters else {}
    except (ValueError, RecursionError):
        raise Error("invalid", 'Filters are a JSON object such as {"state": "COMMITTED"}.') from None
    if not isinstance(given, dict) or not set(given) <= {"state"}:
        raise Error("invalid", "Artifacts can be filtered by state alone.")
    return [artifacts.c.state == str(given["state"])] if "state" in given else []

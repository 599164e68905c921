"""The rows of places in collections, and of aliases."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts.model import Alias, Membership
from runkey_server.artifacts.store.statements import IS_ALIVE, count
from runkey_server.artifacts.tables import artifact_aliases, artifact_memberships, artifacts
from runkey_server.database import insert_for

_ALIAS = sa.select(
    artifact_aliases.c.id, artifact_aliases.c.alias, artifact_aliases.c.collection_id, artifact_memberships.c.artifact_id
).join_from(artifact_aliases, artifact_memberships)


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
    return sa.select(artifact_memberships).join_from(artifact_memberships, artifacts).where(IS_ALIVE)


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
    return count(transaction, artifact_aliases, artifact_aliases.c.membership_id == membership_id)


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

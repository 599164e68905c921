"""Changes what is said of versions and collections; what a version holds never changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts import naming, store
from runkey_server.artifacts.creating import check_metadata, check_tags, check_text, check_ttl, open_type
from runkey_server.artifacts.finding import get_artifact, get_collection, hold_artifact, hold_collection
from runkey_server.artifacts.model import INHERITED_TTL, Artifact, Collection
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import Project


@dataclass(frozen=True)
class Changes:
    """What changes of a version; None leaves a thing alone."""

    description: str | None = None
    metadata: str | None = None
    ttl_seconds: int | None = None
    tags_to_add: tuple[str, ...] = ()
    tags_to_delete: tuple[str, ...] = ()


def update_artifact(transaction: sa.Connection, actor: Actor, artifact_id: int, changes: Changes, at: datetime) -> Artifact:
    """Change a version. Raises Error `not_found`, `invalid`."""
    artifact = hold_artifact(transaction, actor, "write", artifact_id)
    values: dict[str, Any] = {"updated_at": at}
    if changes.description is not None:
        check_text("description", changes.description)
        values["description"] = changes.description
    if changes.metadata is not None:
        check_metadata(changes.metadata)
        values["metadata"] = changes.metadata
    if changes.ttl_seconds is not None:
        check_ttl(changes.ttl_seconds)
        values["ttl_seconds"] = None if changes.ttl_seconds == INHERITED_TTL else changes.ttl_seconds
        since = artifact.committed_at or artifact.created_at
        values["expires_at"] = since + timedelta(seconds=changes.ttl_seconds) if changes.ttl_seconds > 0 else None
    if changes.tags_to_add or changes.tags_to_delete:
        values["tags"] = _retag(artifact.tags, changes.tags_to_add, changes.tags_to_delete)
    store.versions.update_artifact(transaction, artifact.id, values)
    return get_artifact(transaction, actor, "write", artifact.id)


def update_collection(
    transaction: sa.Connection, actor: Actor, collection_id: int, name: str | None, description: str | None, at: datetime
) -> Collection:
    """Rename or describe a collection. Raises Error `not_found`; `invalid` for a bad name or one that is taken."""
    collection = hold_collection(transaction, actor, "write", collection_id)
    values: dict[str, Any] = {"updated_at": at}
    if name is not None and name != collection.name:
        fault = naming.name_fault(name)
        if fault:
            raise Error("invalid", f"The artifact name {name[:80]!r} {fault}.")
        if not store.collections.place_collection(transaction, collection.id, {"name": name}):
            raise Error("invalid", f"There is an artifact collection {name!r} in this project already.")
    if description is not None:
        check_text("description", description)
        values["description"] = description
    store.collections.update_collection(transaction, collection.id, values)
    return get_collection(transaction, actor, "write", collection.id)


def retag_collection(
    transaction: sa.Connection, actor: Actor, collection: Collection, add: Sequence[str], remove: Sequence[str], at: datetime
) -> Collection:
    """Add and remove tags of a collection. Raises Error `invalid`."""
    tags = _retag(hold_collection(transaction, actor, "write", collection.id).tags, add, remove)
    store.collections.update_collection(transaction, collection.id, {"tags": tags, "updated_at": at})
    return get_collection(transaction, actor, "write", collection.id)


def move_sequence(
    transaction: sa.Connection, actor: Actor, collection: Collection, project: Project, type_name: str, at: datetime
) -> Collection:
    """Give a sequence and all its versions another type. Raises Error `invalid`, for a portfolio too."""
    if collection.kind != "SEQUENCE":
        raise Error("invalid", f"{collection.name!r} is a portfolio; only what is logged has a type that can be changed.")
    store.collections.update_collection(
        transaction, collection.id, {"type_id": open_type(transaction, project, type_name, at), "updated_at": at}
    )
    return get_collection(transaction, actor, "write", collection.id)


def _retag(tags: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> list[str]:
    check_tags(add)
    check_tags(remove)
    by_now = sorted((set(tags) | set(add)) - set(remove))
    check_tags(by_now)
    return by_now

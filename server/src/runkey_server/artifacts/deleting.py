"""Deletes versions and collections. What was deleted is found no more; its bytes are freed a day later, where nothing else needs them."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from runkey_server.artifacts import aliasing, store
from runkey_server.artifacts.finding import hold_artifact, hold_collection
from runkey_server.artifacts.model import Artifact
from runkey_server.artifacts.tables import artifact_memberships, artifacts
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.files import measure_blobs


def delete_artifact(transaction: sa.Connection, actor: Actor, artifact_id: int, at: datetime, *, with_aliases: bool) -> Artifact:
    """Delete a version; one that has aliases only when they may go with it.

    Raises Error `not_found`, `forbidden`, `invalid` when it has aliases, as the official client promises its users.
    """
    artifact = hold_artifact(transaction, actor, "delete", artifact_id)
    aliases = store.places.list_aliases(transaction, artifact_ids=[artifact.id])
    if aliases and not with_aliases:
        named = ", ".join(sorted({alias.alias for alias in aliases}))
        raise Error("invalid", f"The artifact has aliases ({named[:200]}). Remove them first, or delete it with them: delete_aliases=True.")
    delete(transaction, [artifact.id], at)
    return artifact


def delete_collection(transaction: sa.Connection, actor: Actor, collection_id: int, at: datetime) -> None:
    """Delete a collection: a sequence with its versions, a portfolio without. Raises Error `not_found`, `forbidden`."""
    collection = hold_collection(transaction, actor, "delete", collection_id)
    if collection.kind == "SEQUENCE":
        statement = store.versions.select_artifacts().where(artifacts.c.collection_id == collection.id)
        delete(transaction, [artifact.id for artifact in store.versions.read_artifacts(transaction, statement)], at)
        store.collections.mark_collection_deleted(transaction, collection.id, at)
    else:
        store.collections.delete_collection(transaction, collection.id)


def delete(transaction: sa.Connection, artifact_ids: Sequence[int], at: datetime) -> None:
    """Delete versions, whoever asks: they lose their aliases, and are in no collection any more."""
    for artifact_id in artifact_ids:
        store.versions.update_artifact(transaction, artifact_id, {"state": "DELETED", "deleted_at": at, "updated_at": at})
        places = store.places.read_memberships(
            transaction, sa.select(artifact_memberships).where(artifact_memberships.c.artifact_id == artifact_id)
        )
        store.collections.lock_collections(transaction, (place.collection_id for place in places))
        for place in places:
            store.places.delete_aliases(transaction, place.id)
            aliasing.move_latest(transaction, place.collection_id)


def measure_freed(transaction: sa.Connection, artifact: Artifact) -> int:
    """Tell how many bytes go when a version goes: those that no other version of its project needs.

    Others that are deleted already need nothing: theirs are freed with its own, or before.
    """
    alone = store.needs.list_alone(transaction, artifact.project_id, artifact.id)
    return sum(measure_blobs(transaction, artifact.project_id, alone).values())

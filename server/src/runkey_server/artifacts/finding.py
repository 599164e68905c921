"""Types, collections and versions, for an actor who may read them."""

from collections.abc import Iterable

import sqlalchemy as sa

from runkey_server.artifacts import naming, store
from runkey_server.artifacts.model import Artifact, Collection, Membership
from runkey_server.artifacts.tables import artifact_memberships, artifacts
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import Act, Project, find_owner, find_project_by_id, may


def find_artifact(transaction: sa.Connection, actor: Actor | None, artifact_id: int) -> Artifact | None:
    """Find a version that the actor may read; None alike for one that does not exist, or was deleted."""
    found = store.versions.find_artifact(transaction, artifact_id)
    if found is None or found.deleted_at is not None or not _is_open(transaction, actor, "read", found.account_id, found.project_id):
        return None
    return found


def find_artifacts(transaction: sa.Connection, actor: Actor | None, artifact_ids: Iterable[int]) -> dict[int, Artifact]:
    """Find those of some versions that the actor may read, by their id. Cost: one look-up, and one a project."""
    found = store.versions.read_artifacts(transaction, store.versions.select_artifacts().where(artifacts.c.id.in_(list(artifact_ids))))
    owners = {artifact.project_id: artifact.account_id for artifact in found}
    opened = {project_id for project_id, account_id in owners.items() if _is_open(transaction, actor, "read", account_id, project_id)}
    return {artifact.id: artifact for artifact in found if artifact.project_id in opened}


def get_artifact(transaction: sa.Connection, actor: Actor, act: Act, artifact_id: int) -> Artifact:
    """Find a version to do something with it. Raises Error `not_found`, also for a foreign one; `forbidden` when this key may not."""
    found = find_artifact(transaction, actor, artifact_id)
    if found is None:
        raise Error("not_found", "There is no such artifact.")
    check(actor, act, found.account_id)
    return found


def hold_artifact(transaction: sa.Connection, actor: Actor, act: Act, artifact_id: int) -> Artifact:
    """Find a version as `get_artifact` does, and keep others from changing it until this writing transaction ends."""
    found = get_artifact(transaction, actor, act, artifact_id)
    return get_artifact(transaction, actor, act, artifact_id) if store.versions.lock_artifacts(transaction, [artifact_id]) else found


def find_collection(transaction: sa.Connection, project: Project, name: str) -> Collection | None:
    """Find a collection of a project that may be read."""
    return store.collections.find_collection(transaction, project.id, name)


def find_collection_by_id(transaction: sa.Connection, actor: Actor | None, collection_id: int) -> Collection | None:
    """Find a collection that the actor may read."""
    found = store.collections.find_collection_by_id(transaction, collection_id)
    if found is None or not _is_open(transaction, actor, "read", found.account_id, found.project_id):
        return None
    return found


def get_collection(transaction: sa.Connection, actor: Actor, act: Act, collection_id: int) -> Collection:
    """Find a collection to do something with it. Raises Error `not_found`, also for a foreign one; `forbidden` when this key may not."""
    found = find_collection_by_id(transaction, actor, collection_id)
    if found is None:
        raise Error("not_found", "There is no such artifact collection.")
    check(actor, act, found.account_id)
    return found


def hold_collection(transaction: sa.Connection, actor: Actor, act: Act, collection_id: int) -> Collection:
    """Find a collection as `get_collection` does, and keep others from changing it until this writing transaction ends."""
    found = get_collection(transaction, actor, act, collection_id)
    return (
        get_collection(transaction, actor, act, collection_id)
        if store.collections.lock_collections(transaction, [collection_id])
        else found
    )


def find_membership(transaction: sa.Connection, collection: Collection, alias: str) -> Membership | None:
    """Find a version in a collection by its number (`v3`), an alias, its commit hash or its digest."""
    found = store.places.find_membership_by_alias(transaction, collection.id, alias)
    if found is not None:
        return found
    version = naming.version_of(alias)
    which = (
        sa.or_(artifacts.c.commit_hash == alias, artifacts.c.digest == alias)
        if version is None
        else artifact_memberships.c.version_index == version
    )
    statement = store.places.select_memberships().where(artifact_memberships.c.collection_id == collection.id, which)
    places = store.places.read_memberships(transaction, statement.order_by(artifact_memberships.c.version_index.desc()).limit(1))
    return places[0] if places else None


def find_latest(transaction: sa.Connection, collection_id: int) -> Membership | None:
    """Give the newest version in a collection."""
    statement = store.places.select_memberships().where(artifact_memberships.c.collection_id == collection_id)
    places = store.places.read_memberships(transaction, statement.order_by(artifact_memberships.c.version_index.desc()).limit(1))
    return places[0] if places else None


def find_by_name(transaction: sa.Connection, project: Project, name: str) -> Membership | None:
    """Find a version by `collection:alias`; without an alias the latest."""
    collection_name, alias = naming.split(name)
    collection = store.collections.find_collection(transaction, project.id, collection_name)
    return None if collection is None else find_membership(transaction, collection, alias)


def find_by_client_id(transaction: sa.Connection, actor: Actor, client_id: str) -> Artifact | None:
    """Find a version by what the client called it before the server knew it; what others' clients called so is passed over."""
    found = store.versions.find_by_client_id(transaction, client_id, account_id=actor.account_id)
    return None if found is None else find_artifact(transaction, actor, found.id)


def find_by_content(transaction: sa.Connection, actor: Actor, entity: str, md5: str) -> tuple[Artifact, str] | None:
    """Find a version in an entity's projects that holds a file of this MD5, base64; and under which path."""
    owner = find_owner(transaction, actor, "read", entity)
    found = None if owner is None else store.contents.find_by_content(transaction, owner.id, md5)
    artifact = None if found is None else find_artifact(transaction, actor, found[0])
    return None if artifact is None or found is None else (artifact, found[1])


def check(actor: Actor, act: Act, account_id: int) -> None:
    """Raise Error `forbidden` when an actor who may read may not do this."""
    if not may(actor, act, account_id):
        raise Error("forbidden", "This key may log artifacts and not delete them. Use one of your own, or the project's page.")


def _is_open(transaction: sa.Connection, actor: Actor | None, act: Act, account_id: int, project_id: int) -> bool:
    if not may(actor, act, account_id):
        return False
    project = find_project_by_id(transaction, project_id)
    return project is not None and project.deleted_at is None

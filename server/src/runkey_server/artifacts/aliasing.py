"""Names for versions in a collection. An alias names one version at a time; `latest` is there while there is a version.

`latest` goes to what is logged or linked last, equal contents that are logged again included, and to the version that somebody gives it.
Taken away, or deleted with its version, it goes to the newest. On the official service it is missing then, and whoever asks for it is given
the newest all the same (wandb/weave, pull request 528); here lists agree with that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from runkey_server.artifacts import limiting, naming, store
from runkey_server.artifacts.finding import find_latest, get_artifact
from runkey_server.artifacts.model import LATEST, Artifact, Membership
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import find_project, may


@dataclass(frozen=True)
class AliasOf:
    """An alias in a collection, as somebody wrote it."""

    entity: str | None
    project: str
    collection: str
    alias: str


def add_aliases(transaction: sa.Connection, actor: Actor, artifact_id: int, aliases: Sequence[AliasOf]) -> None:
    """Name a version. Raises Error `not_found`, `invalid` for a bad alias or too many."""
    check_aliases([wanted.alias for wanted in aliases])
    places = _find_places(transaction, actor, artifact_id, aliases)
    for wanted, place in zip(aliases, places, strict=True):
        store.places.put_alias(transaction, place.collection_id, place.id, wanted.alias)
    for place_id in {place.id for place in places}:
        limiting.check_aliases_at(transaction, place_id)


def remove_aliases(transaction: sa.Connection, actor: Actor, artifact_id: int, aliases: Sequence[AliasOf]) -> None:
    """Take names from a version; one that it does not have changes nothing. Raises Error `not_found`, `invalid` for too many."""
    limiting.check_count(aliases)
    for wanted, place in zip(aliases, _find_places(transaction, actor, artifact_id, aliases), strict=True):
        store.places.delete_alias(transaction, place.id, wanted.alias)
        if wanted.alias == LATEST:
            move_latest(transaction, place.collection_id)


def set_aliases(transaction: sa.Connection, actor: Actor, artifact_id: int, aliases: Sequence[str]) -> None:
    """Give a version these names in its own sequence, and no others: how clients did before they added and removed."""
    artifact = get_artifact(transaction, actor, "write", artifact_id)
    store.collections.lock_collections(transaction, [artifact.collection_id])
    place = store.places.find_membership(transaction, artifact.collection_id, artifact.id)
    if place is None:
        raise Error("invalid", "The artifact is not committed yet.")
    check_aliases(aliases)
    store.places.delete_aliases(transaction, place.id)
    for alias in aliases:
        store.places.put_alias(transaction, place.collection_id, place.id, alias)
    move_latest(transaction, place.collection_id)


def name_version(transaction: sa.Connection, collection_id: int, artifact_id: int, aliases: Sequence[str]) -> None:
    """Give a version in a collection more names, which were checked. The latest is it, if it was asked for, or else the newest."""
    place = store.places.find_membership(transaction, collection_id, artifact_id)
    if place is None:
        raise Error("invalid", "The artifact is not in this collection.")
    for alias in aliases:
        store.places.put_alias(transaction, collection_id, place.id, alias)
    limiting.check_aliases_at(transaction, place.id)
    if LATEST not in aliases:
        move_latest(transaction, collection_id)


def move_latest(transaction: sa.Connection, collection_id: int) -> None:
    """Let `latest` name the newest version, where nothing has that name: it was taken away, or deleted."""
    if store.places.find_membership_by_alias(transaction, collection_id, LATEST) is None:
        newest = find_latest(transaction, collection_id)
        if newest is not None:
            store.places.put_alias(transaction, collection_id, newest.id, LATEST)


def check_aliases(aliases: Sequence[str]) -> None:
    """Raise Error `invalid` for aliases that cannot be used, or too many."""
    limiting.check_count(aliases)
    for alias in aliases:
        fault = naming.alias_fault(alias)
        if fault:
            raise Error("invalid", f"{alias[:80]!r} {fault}.")


def _find_places(transaction: sa.Connection, actor: Actor, artifact_id: int, aliases: Sequence[AliasOf]) -> list[Membership]:
    """Find the version's place in the collection of each alias, which is mostly the same."""
    artifact = get_artifact(transaction, actor, "read", artifact_id)
    named = {replace(wanted, alias=""): wanted for wanted in aliases}
    # In order, so that two who name versions in several collections wait for each other and not in a circle.
    found = {where: _find_place(transaction, actor, artifact, named[where]) for where in sorted(named, key=repr)}
    return [found[replace(wanted, alias="")] for wanted in aliases]


def _find_place(transaction: sa.Connection, actor: Actor, artifact: Artifact, wanted: AliasOf) -> Membership:
    """Find the version's place in the collection: its project may be another than the version's own."""
    project = find_project(transaction, actor, wanted.entity, wanted.project)
    collection = None if project is None else store.collections.find_collection(transaction, project.id, wanted.collection)
    if project is not None and collection is not None and may(actor, "write", project.account_id):
        store.collections.lock_collections(transaction, [collection.id])
        place = store.places.find_membership(transaction, collection.id, artifact.id)
        if place is not None:
            return place
    raise Error("not_found", f"The artifact is not in the collection {wanted.collection[:80]!r}.")

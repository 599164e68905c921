"""Finds a project by entity and name, or makes it; finds whose it is to be."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts
from runkey_server.accounts import Account
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import store
from runkey_server.projects.access import Act, may
from runkey_server.projects.model import Project
from runkey_wire import names


def find_project(transaction: sa.Connection, actor: Actor | None, entity: str | None, name: str) -> Project | None:
    """Find a project that the actor may read; None alike for one that does not exist. entity None: the actor's own."""
    entity = (entity or (actor.entity if actor else "")).lower()
    project = store.find_project(transaction, entity, name)
    if project is None or project.deleted_at is not None or not may(actor, "read", project.account_id):
        return None
    return project


def find_owner(transaction: sa.Connection, actor: Actor | None, act: Act, entity: str | None) -> Account | None:
    """Find an account in whose projects the actor may do something; None alike for one that is not there. entity None: the actor's own."""
    if entity is None:
        entity = actor.entity if actor else ""
    account = accounts.find_account(transaction, entity)
    return account if account is not None and may(actor, act, account.id) else None


def find_project_by_id(transaction: sa.Connection, project_id: int) -> Project | None:
    """Find a project by its id, whoever asks, deleted or not."""
    return store.find_project_by_id(transaction, project_id)


def open_project(transaction: sa.Connection, actor: Actor, entity: str | None, name: str, at: datetime) -> tuple[Project, bool]:
    """Find a project or make it; the flag tells whether it was made.

    Raises Error `not_found` for an entity that is not there or not the actor's, in the same words; `invalid` for a bad name; `gone` for
    the name of a deleted one.
    """
    wanted = (entity or actor.entity).lower()
    owner = find_owner(transaction, actor, "write", wanted)
    if owner is None:
        raise Error("not_found", f"There is no entity {wanted[:80]!r} that this key may write to. Your own is {actor.entity!r}.")
    fault = names.project_fault(name)
    if fault:
        raise Error("invalid", f"{name[:80]!r} {fault}.")
    inserted = False
    found = store.find_project(transaction, wanted, name)
    if found is None:
        inserted = store.insert_project(transaction, owner.id, name, at)
        found = store.find_project(transaction, wanted, name)
    if found is None:
        raise Error("not_found", f"There is no entity {wanted!r} any more.")
    if found.deleted_at is not None:
        raise Error("gone", f"The project {name!r} was deleted. Restore it on the page of your projects, or use another name.")
    return found, inserted


def list_projects(
    transaction: sa.Connection, actor: Actor | None, account_id: int, *, before_id: int | None = None, at_most: int = 50
) -> list[Project]:
    """Give the projects of an account that the actor may read, newest first."""
    if not may(actor, "read", account_id):
        return []
    return store.list_projects(transaction, account_id, before_id=before_id, at_most=at_most)


def count_projects(transaction: sa.Connection, account_id: int) -> int:
    """Count an account's projects, deleted ones included until they are purged."""
    return store.count_projects(transaction, account_id)


def transfer(transaction: sa.Connection, account_id: int, to_account_id: int) -> list[str]:
    """Give all projects of an account to another; give their names by now: one that the other has already is numbered.

    Where they stood stays an alias, so that a run under way finds its project again.
    """
    names_by_now = []
    for project in store.list_all(transaction, account_id):
        name, number = project.name, 2
        while store.has_project(transaction, to_account_id, name):
            suffix = f"-{number}"
            name, number = project.name[: names.MAX_NAME_CHARACTERS - len(suffix)] + suffix, number + 1
        store.insert_alias(transaction, project.entity, project.name, project.id)
        store.move_project(transaction, project.id, to_account_id, name)
        if project.deleted_at is None:
            names_by_now.append(name)
    return sorted(names_by_now)


def list_ids_of(transaction: sa.Connection, account_id: int) -> list[int]:
    """Give the ids of all projects of an account, deleted ones included."""
    return [project.id for project in store.list_all(transaction, account_id)]


def purge(transaction: sa.Connection, project_ids: Sequence[int]) -> None:
    """Drop projects for good; their runs must be gone."""
    for project_id in project_ids:
        store.delete_project(transaction, project_id)

"""Links versions to portfolios: collections, perhaps of another project, whose versions are those of sequences."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from runkey_server.artifacts import aliasing, limiting, naming, store
from runkey_server.artifacts.creating import open_type
from runkey_server.artifacts.finding import check, get_artifact, hold_artifact, hold_collection
from runkey_server.artifacts.model import LATEST, Membership
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error, unavailable
from runkey_server.projects import find_project, open_project


def link(
    transaction: sa.Connection,
    actor: Actor,
    artifact_id: int,
    entity: str | None,
    project_name: str,
    portfolio_name: str,
    aliases: Sequence[str],
    at: datetime,
) -> Membership:
    """Link a committed version to a portfolio, which is made if it is new; linked again, it keeps its number and gets the aliases.

    Raises Error `not_found`; `invalid` for bad names, a version that is not committed, or a portfolio of another type.
    """
    artifact = hold_artifact(transaction, actor, "read", artifact_id)
    if artifact.state != "COMMITTED":
        raise Error("invalid", "The artifact is not committed yet.")
    aliasing.check_aliases(aliases)
    project = find_project(transaction, actor, entity, project_name)
    if project is None:
        project, _ = open_project(transaction, actor, entity, project_name, at)
    check(actor, "write", project.account_id)
    fault = naming.name_fault(portfolio_name)
    if fault:
        raise Error("invalid", f"The portfolio name {portfolio_name[:80]!r} {fault}.")
    type_id = open_type(transaction, project, artifact.type_name, at)
    made = {"project_id": project.id, "type_id": type_id, "kind": "PORTFOLIO", "name": portfolio_name}
    if store.collections.insert_collection(transaction, made | {"created_at": at, "updated_at": at}):
        limiting.check_collections(transaction, project.id)
    portfolio = store.collections.find_collection(transaction, project.id, portfolio_name)
    if portfolio is not None and store.collections.lock_collections(transaction, [portfolio.id]):
        portfolio = store.collections.find_collection(transaction, project.id, portfolio_name)
    if portfolio is None:
        # It was renamed or deleted a moment ago: the next try makes it anew.
        raise unavailable("The portfolio is being changed.")
    if portfolio.kind != "PORTFOLIO":
        raise Error("invalid", f"{portfolio_name!r} is where artifacts are logged, not linked. Use another name.")
    if portfolio.type_name != artifact.type_name:
        raise Error("invalid", f"{portfolio_name!r} has artifacts of type {portfolio.type_name!r}, not {artifact.type_name!r}.")
    if store.places.find_membership(transaction, portfolio.id, artifact.id) is None:
        store.places.insert_membership(
            transaction, portfolio.id, artifact.id, store.collections.take_version(transaction, portfolio.id), at
        )
    store.collections.update_collection(transaction, portfolio.id, {"updated_at": at})
    aliasing.name_version(transaction, portfolio.id, artifact.id, [*dict.fromkeys([*aliases, LATEST])])
    place = store.places.find_membership(transaction, portfolio.id, artifact.id)
    if place is None:
        raise Error("not_found", "There is no such link any more.")
    return place


def unlink(transaction: sa.Connection, actor: Actor, artifact_id: int, collection_id: int) -> None:
    """Take a version out of a portfolio. Raises Error `not_found`, `invalid` for a sequence, `forbidden`."""
    portfolio = hold_collection(transaction, actor, "write", collection_id)
    if portfolio.kind != "PORTFOLIO":
        raise Error("invalid", f"{portfolio.name!r} is where the artifact was logged: delete the version instead.")
    place = store.places.find_membership(transaction, portfolio.id, get_artifact(transaction, actor, "read", artifact_id).id)
    if place is None:
        raise Error("not_found", f"The artifact is not in {portfolio.name!r}.")
    store.places.delete_membership(transaction, place.id)
    aliasing.move_latest(transaction, portfolio.id)

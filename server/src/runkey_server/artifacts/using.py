"""Which runs used a version, and which one logged it: its lineage."""

from datetime import datetime
from itertools import islice

import sqlalchemy as sa

from runkey_server import runs
from runkey_server.artifacts import store
from runkey_server.artifacts.finding import get_artifact
from runkey_server.artifacts.model import Artifact
from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.runs import Run

_MAX_USERS = 1_000


def use(
    transaction: sa.Connection,
    actor: Actor,
    artifact_id: int,
    entity: str | None,
    project: str | None,
    run_name: str | None,
    used_as: str | None,
    at: datetime,
) -> Artifact:
    """Note that a run uses a committed version. Raises Error `not_found` for either, `invalid` when it is not committed."""
    artifact = get_artifact(transaction, actor, "read", artifact_id)
    if artifact.state != "COMMITTED":
        raise Error("invalid", "The artifact is not committed yet.")
    run = runs.get_writable(transaction, actor, entity or actor.entity, project or runs.DEFAULT_PROJECT, run_name or "")
    if used_as is not None:
        runs.check_text("usedAs", used_as)
    store.versions.put_use(transaction, artifact.id, run.id, used_as, at)
    return artifact


def list_users(transaction: sa.Connection, actor: Actor, artifact: Artifact, at_most: int | None = None) -> list[Run]:
    """Give the runs that used a version and that the actor may read, in the order in which they did."""
    found = (find_run(transaction, actor, run_id) for run_id in store.versions.list_users(transaction, artifact.id, _MAX_USERS))
    return list(islice((run for run in found if run is not None), at_most))


def find_run(transaction: sa.Connection, actor: Actor, run_id: int) -> Run | None:
    """Find a run by its id, if the actor may read it."""
    try:
        run = runs.get_run_by_id(transaction, run_id)
    except Error:
        return None
    return runs.find_run(transaction, actor, run.entity, run.project, run.name)

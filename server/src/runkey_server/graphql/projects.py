"""`project` and `entity` (W&B also: `model`)."""

from typing import Any

from runkey_server import claiming, projects
from runkey_server.graphql import ids
from runkey_server.graphql.context import Context, Info, page_of
from runkey_server.graphql.viewer import user
from runkey_server.projects import Project


def as_project(project: Project) -> dict[str, Any]:
    """Describe a project."""
    return {
        "__self": project,
        "id": ids.build("Project", project.id),
        "internalId": ids.build("ProjectInternalId", project.id),
        "name": project.name,
        "entityName": project.entity,
        "entity": as_entity(project.account_id, project.entity),
        "description": None,
        "access": "PRIVATE",
        "views": "{}",
        "createdAt": project.created_at,
        "isBenchmark": False,
        "readOnly": False,
    }


def as_entity(account_id: int, name: str) -> dict[str, Any]:
    """Describe an account as the owner of projects."""
    return {
        "id": ids.build("Entity", account_id),
        "name": name,
        "isTeam": False,
        "organization": None,
        # As a team, for who asks for one: the official client takes no null for these.
        "readOnly": False,
        "readOnlyAdmin": False,
        "entityType": "user",
        "privateOnly": True,
        "storageBytes": 0,
        "codeSavingEnabled": True,
        "defaultAccess": "PRIVATE",
        "isPaid": False,
        "members": [],
    }


def _project(_: Any, info: Info, name: str | None = None, entityName: str | None = None) -> Any:  # noqa: N803
    context: Context = info.context
    found = projects.find_project(context.transaction, context.caller, entityName, name or "")
    return None if found is None else as_project(found)


def _projects(
    _: Any,
    info: Info,
    entityName: str | None = None,  # noqa: N803
    after: str | None = None,
    first: int | None = None,
) -> dict[str, Any]:
    context: Context = info.context
    caller = context.caller
    at_most = page_of(first)
    found: list[Project] = []
    owner = projects.find_owner(context.transaction, caller, "read", entityName or None)
    if owner is not None:
        before = ids.number_of("Project", after) if after else None
        found = projects.list_projects(context.transaction, caller, owner.id, before_id=before, at_most=at_most + 1)
    context.spend(len(found))
    edges = [{"node": as_project(project), "cursor": ids.build("Project", project.id)} for project in found[:at_most]]
    end = edges[-1]["cursor"] if edges else None
    return {"edges": edges, "pageInfo": {"endCursor": end, "hasNextPage": len(found) > at_most}}


def _entity(_: Any, info: Info, name: str) -> Any:
    context: Context = info.context
    owner = projects.find_owner(context.transaction, context.caller, "read", name)
    return None if owner is None else as_entity(owner.id, owner.name)


def _users(_: Any, info: Info, query: str | None = None) -> dict[str, Any]:
    told = user(info.context.caller)
    sought = (query or "").lower()
    found = any((told[name] or "").lower().startswith(sought) for name in ("username", "email"))
    return {"edges": [{"node": told}] if found else []}


def _owner(_: Any, info: Info) -> dict[str, Any]:
    # Only its owner sees a project or an entity, so the owner is whoever asks.
    return user(info.context.caller)


def _upsert(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    found, inserted = projects.open_project(
        context.transaction, context.caller, input.get("entityName"), input.get("name") or "", context.now
    )
    if inserted and context.caller.key_kind == "anonymous":
        claiming.check_projects(context.transaction, context.caller.account_id, context.caps)
    return {"model": as_project(found), "project": as_project(found), "inserted": inserted}


RESOLVERS: dict[str, dict[str, Any]] = {
    "Entity": {"user": _owner},
    "Query": {"project": _project, "model": _project, "models": _projects, "entity": _entity, "users": _users},
    "Project": {"user": _owner},
    "Mutation": {"upsertModel": _upsert},
}

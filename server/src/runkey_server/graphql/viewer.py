"""`viewer`: who am I. Answered from the actor alone, without a query, because every login and every run begins with it."""

from typing import Any

from runkey_server.asgi.actor import Actor
from runkey_server.graphql import ids
from runkey_server.graphql.context import Info

# Code saving is the client's own decision here; the official one reads this flag as permission.
_FLAGS = '{"code_saving_enabled": true}'


def user(actor: Actor) -> dict[str, Any]:
    """Describe the actor's account as a User."""
    return {
        "id": ids.build("User", actor.account_id),
        "name": actor.entity,
        "username": actor.entity,
        "entity": actor.entity,
        "email": actor.email,
        "admin": actor.is_admin,
        "flags": _FLAGS,
        "deletedAt": None,
        "teams": {"edges": []},
        "organizations": [],
    }


def _viewer(_: Any, info: Info) -> dict[str, Any]:
    return user(info.context.caller)


RESOLVERS = {"Query": {"viewer": _viewer}}

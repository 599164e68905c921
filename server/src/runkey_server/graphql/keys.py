"""The viewer's API keys: listing, making, rotating, revoking, in our words and in those of the official client (generate, delete)."""

from datetime import datetime
from typing import Any

from runkey_server import accounts, keys, machines
from runkey_server.errors import Error
from runkey_server.graphql.context import Context, Info


def as_api_key(key: keys.ApiKey, now: datetime) -> dict[str, Any]:
    """Describe a key; its secret is no part of that."""
    return {
        "id": key.id,
        "name": key.name,
        "description": key.description,
        "kind": key.kind,
        "lastFour": key.last_four,
        "state": key.state(now),
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
        "expiresAt": key.expires_at,
        "replacedAt": key.replaced_at,
        "revokedAt": key.revoked_at,
    }


def _list(_: Any, info: Info, after: str | None = None, first: int | None = None) -> dict[str, Any]:
    context: Context = info.context
    caller = context.caller
    found = keys.list_keys(context.transaction, account_id=caller.account_id)
    context.spend(len(found))
    # A machine's key sees itself and no other.
    seen = [key for key in found if caller.may_manage_keys or key.id == caller.key_id]
    return {"edges": [{"node": as_api_key(key, context.now)} for key in seen]}


def _current(_: Any, info: Info) -> dict[str, Any] | None:
    context: Context = info.context
    key = keys.find_key(context.transaction, context.caller.key_id or "")
    return None if key is None else as_api_key(key, context.now)


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    caller = context.caller
    if not caller.may_manage_keys:
        raise Error("forbidden", "This key cannot make keys. Use a user's key, or a page of the server.")
    key, secret = keys.mint(
        context.transaction,
        context.pepper,
        caller.account_id,
        kind="user",
        description=input.get("description"),
        expires_at=input.get("expiresAt"),
        made_by=caller.key_id,
        at=context.now,
    )
    words = f"The key {key.name} was made with the key {caller.key_id}."
    accounts.tell(context.transaction, caller.account_id, words, "/settings/keys", context.now)
    return {"apiKey": as_api_key(key, context.now), "secret": secret}


def _generate(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    made = _create(_, info, {"description": input.get("description")})
    return {"apiKey": made["apiKey"] | {"name": made["secret"]}}


def _delete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    _revoke(_, info, {"id": input["id"]})
    return {"success": True}


def _rotate(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    if not context.caller.may_manage_keys:
        raise Error("forbidden", "This key makes no keys, its own successor neither. For a new one, log in again: runkey login --relogin")
    key = _meant(context, input.get("id"))
    new_key, secret = keys.rotate(context.transaction, context.pepper, key, at=context.now)
    words = f"The key {new_key.name} took the place of the key {key.name}."
    accounts.tell(context.transaction, context.caller.account_id, words, "/settings/keys", context.now)
    return {"apiKey": as_api_key(new_key, context.now), "secret": secret}


def _revoke(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    key = _meant(context, input.get("id"))
    machines.end_key(context.transaction, key, context.now)
    return {"apiKey": as_api_key(keys.get_key(context.transaction, key.id), context.now)}


def _meant(context: Context, key_id: str | None) -> keys.ApiKey:
    """Find the key that is meant: the calling one, or one of the same account when the caller may manage those."""
    caller = context.caller
    if key_id in (None, caller.key_id):
        return keys.get_key(context.transaction, caller.key_id or "")
    if not caller.may_manage_keys:
        raise Error("forbidden", "This key can end itself, and no other.")
    return keys.get_key(context.transaction, str(key_id), account_id=caller.account_id)


RESOLVERS = {
    "User": {"apiKeys": _list, "currentApiKey": _current},
    "Mutation": {
        "createApiKey": _create,
        "rotateApiKey": _rotate,
        "revokeApiKey": _revoke,
        "generateApiKey": _generate,
        "deleteApiKey": _delete,
    },
}

"""Logging without an account, and claiming: `createAnonymousEntity` is W&B's, the rest runkey's own."""

from typing import Any

from runkey_server import accounts, claiming
from runkey_server.errors import Error
from runkey_server.graphql.context import Context, Info
from runkey_server.graphql.keys import as_api_key
from runkey_server.graphql.projects import as_entity


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    if not context.is_anonymous_open:
        raise Error("forbidden", "This server makes no accounts without a name. Log in, or ask whoever runs it.")
    started = claiming.start(context.transaction, context.pepper, context.caps, context.network, context.now)
    return {
        # The client that sends this takes the key's name for the key.
        "apiKey": {**as_api_key(started.key, context.now), "name": started.secret},
        "entity": as_entity(started.account.id, started.account.name),
        "anonymousUntil": started.account.anonymous_until,
        "dashboardUrl": f"{context.base_url}/try#{started.dashboard_code}",
        "claimUrl": f"{context.base_url}/claim#{started.claim_code}",
    }


def _create_link(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    account = accounts.find_account_by_id(context.transaction, context.caller.account_id)
    assert account is not None
    code = claiming.issue_claim_link(context.transaction, account, context.now)
    return {"code": code, "claimUrl": f"{context.base_url}/claim#{code}"}


def _claim(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    account = accounts.find_account_by_id(context.transaction, context.caller.account_id)
    assert account is not None
    claimed = claiming.claim(context.transaction, input["code"], account, context.now)
    return {"entity": claimed.entity, "projects": list(claimed.projects), "runCount": claimed.runs}


def _until(_: Any, info: Info) -> Any:
    context: Context = info.context
    account = accounts.find_account_by_id(context.transaction, context.caller.account_id)
    return account.anonymous_until if account else None


def _claimed(_: Any, info: Info) -> list[str]:
    context: Context = info.context
    return accounts.list_claimed(context.transaction, context.caller.account_id)


RESOLVERS = {
    "User": {"anonymousUntil": _until, "claimedEntities": _claimed},
    "Mutation": {"createAnonymousEntity": _create, "createClaimLink": _create_link, "claimRuns": _claim},
}

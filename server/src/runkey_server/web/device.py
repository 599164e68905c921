"""A person lets a machine in: by the code that it shows (`/device`), or by the browser beside it (`/oauth/authorize`).

And `/authorize`, where the official client sends people for a key.

Nothing is decided by opening an address: it takes a click on a page that says which machine asks, and a password given a moment ago.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from anyio import to_thread

from runkey_server import accounts, keys, machines, oauth
from runkey_server.asgi.hosts import network_of
from runkey_server.asgi.middleware import content_policy
from runkey_server.errors import Error
from runkey_server.machines import Asking
from runkey_server.oauth.authorization_code import Refused
from runkey_server.web.pages import Visit
from runkey_wire.device_authorization import shown_user_code


async def device(visit: Visit) -> None:
    """GET takes a code, or shows the machine that waits under `?user_code=`; POST lets it in or turns it away."""
    account = visit.person
    form = await visit.form() if visit.is_post else {}
    typed = (form if visit.is_post else visit.query).get("user_code", "")
    if not typed:
        await visit.show("device.html", user_code="")
        return
    try:
        found = await to_thread.run_sync(
            partial(oauth.look_up, visit.database, visit.pages.pepper, typed, account, visit.network, visit.now)
        )
    except Error as error:
        if error.code not in ("invalid", "too_many"):
            raise
        await visit.show("device.html", 429 if error.code == "too_many" else 400, problem=error.message, user_code=typed[:40])
        return
    shown = await _shown(visit, found.asking) | {"user_code": shown_user_code(_letters(typed)), "asked_at": found.asked_at}
    decision = form.get("decision")
    if decision == "deny":
        await visit.writing(oauth.deny, found, account, visit.now)
        await visit.go("/device/done?denied=1")
        return
    if decision != "approve":
        await visit.show("approve.html", action="/device", **shown)
        return
    problem = await visit.require_fresh(form)
    if problem:
        await visit.show("approve.html", 403, problem=problem, action="/device", **shown)
        return
    await visit.writing(oauth.approve, found, account, visit.now)
    await visit.go("/device/done")


async def done(visit: Visit) -> None:
    """What a person sees when it is decided."""
    await visit.show("done.html", denied="denied" in visit.query)


async def authorize_program(visit: Visit) -> None:
    """`/oauth/authorize` (RFC 6749 section 4.1.1): a program beside this browser asks; the answer goes back to it by a redirect."""
    form = await visit.form() if visit.is_post else {}
    issuer = visit.pages.hosts.base_url
    try:
        request = oauth.read_request(form if visit.is_post else visit.query, visit.client, issuer)
    except Refused as refused:
        await visit.go(refused.location)
        return
    account = visit.person
    # The answer of this form is a redirect to the program: browsers hold the policy against it as well.
    source = "http:" if "[" in request.redirect_uri else request.redirect_uri.rpartition("/")[0]
    policy = content_policy(f"'self' {source}")
    shown = await _shown(visit, request.asking) | {"action": "/oauth/authorize", "carried": request.parameters, "user_code": None}
    decision = form.get("decision")
    if decision == "deny":
        await visit.go(request.answer(issuer, error="access_denied", error_description="the person said no"))
        return
    if decision != "approve":
        await visit.show("approve.html", 200, policy, asked_at=visit.now, **shown)
        return
    problem = await visit.require_fresh(form)
    if problem:
        await visit.show("approve.html", 403, policy, problem=problem, asked_at=visit.now, **shown)
        return
    code = await visit.writing(oauth.issue_code, request, account, visit.now)
    await visit.go(request.answer(issuer, code=code))


async def authorize(visit: Visit) -> None:
    """`/authorize`, where W&B's client sends people: GET shows a button, POST makes a key and shows it this once."""
    if visit.session is None and "signup" in visit.query and visit.sign_up_policy == "open":
        await visit.go("/signup?next=/authorize")
        return
    account = visit.person
    if not visit.is_post:
        await visit.show("authorize.html", secret=None)
        return
    form = await visit.form()
    problem = await visit.require_fresh(form)
    if problem:
        await visit.show("authorize.html", 403, problem=problem, secret=None)
        return
    secret = await visit.writing(make_key, visit.pages.pepper, account.id, "made for a client to paste", 365, visit.now)
    await visit.show("authorize.html", secret=secret, base_url=visit.base_url)


def make_key(transaction: sa.Connection, pepper: bytes, account_id: int, description: str, days: int | None, at: Any) -> str:
    """Make a user's key on a page, and leave a notice; gives the secret."""
    expires_at = None if days is None else at + timedelta(days=days)
    key, secret = keys.mint(transaction, pepper, account_id, kind="user", description=description, expires_at=expires_at, at=at)
    accounts.tell(transaction, account_id, f"The key {key.name} was made ({description}).", "/settings/keys", at)
    return secret


async def _shown(visit: Visit, asking: Asking) -> dict[str, Any]:
    networks_differ = network_of(asking.address) != visit.network
    renews = await visit.reading(machines.find_renewed, visit.person, asking, visit.now)
    return {"asking": asking, "renews": renews, "networks_differ": networks_differ, "client": visit.client, "carried": {}}


def _letters(typed: str) -> str:
    return "".join(character for character in typed.upper() if character.isalpha())

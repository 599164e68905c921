"""Sign in, sign up, sign out; the links that make the first administrator, let a person choose a password, or invite somebody.

A link's code stands in the fragment of its address, which a browser sends to nobody; one small script of ours puts it into the form, and
without a script the field takes it by hand.
"""

from functools import partial
from typing import Any

from anyio import to_thread

from runkey_server import accounts, passwords
from runkey_server.accounts import Account
from runkey_server.errors import Error
from runkey_server.web.pages import Visit, safe_next


async def sign_in(visit: Visit) -> None:
    """GET shows the form; POST checks name and password. `next`: the page to go to."""
    follow = safe_next(visit.query.get("next"))
    shown: dict[str, Any] = {"next": follow, "sign_up": visit.sign_up_policy}
    if not visit.is_post:
        if visit.account is not None:
            await visit.go(follow)
            return
        await visit.show("sign_in.html", name="", **shown)
        return
    form = await visit.form()
    name = form.get("name", "")
    shown["next"] = safe_next(form.get("next"))
    try:
        account = await visit.check_password(name, form.get("password", ""))
    except Error as error:
        if error.code not in ("unauthenticated", "too_many"):
            raise
        headers = ((b"retry-after", str(error.retry_after_seconds).encode()),) if error.retry_after_seconds else ()
        status = 403 if error.code == "unauthenticated" else 429
        await visit.show("sign_in.html", status, headers, problem=error.message, name=name[:100], **shown)
        return
    await visit.begin_session(account, shown["next"], stays=form.get("stay") == "yes")


async def sign_out(visit: Visit) -> None:
    """POST ends the session."""
    await visit.form()
    await visit.end_session("/signin")


async def sign_up(visit: Visit) -> None:
    """An account for whoever asks, or for whoever holds an invitation."""
    policy = visit.sign_up_policy
    shown: dict[str, Any] = {
        "policy": policy,
        "next": safe_next(visit.query.get("next")),
        "password_characters": passwords.MIN_CHARACTERS,
    }
    if policy == "closed":
        raise Error("forbidden", "This server makes no accounts by itself. Ask whoever runs it.")
    if not visit.is_post:
        await visit.show("sign_up.html", name="", email="", code="", **shown)
        return
    form = await visit.form()
    name, email, code = form.get("name", ""), form.get("email", ""), form.get("code", "").strip()
    shown["next"] = safe_next(form.get("next"))
    act = partial(
        accounts.sign_up,
        visit.database,
        name,
        form.get("password", ""),
        code=code or None,
        is_open=policy == "open",
        at=visit.now,
        email=email,
        network=visit.network,
    )
    await _redeem(visit, "sign_up.html", act, follow=shown["next"], name=name[:100], email=email[:254], code=code[:100], **shown)


async def setup(visit: Visit) -> None:
    """The first administrator: code, name, password."""
    shown: dict[str, Any] = {"password_characters": passwords.MIN_CHARACTERS}
    if not visit.is_post:
        await visit.show("setup.html", name="", code="", **shown)
        return
    form = await visit.form()
    name, code = form.get("name", ""), form.get("code", "").strip()
    act = partial(accounts.redeem_first_administrator, visit.database, code, name, form.get("password", ""), visit.now)
    await _redeem(visit, "setup.html", act, name=name[:100], code=code[:100], **shown)


async def welcome(visit: Visit) -> None:
    """A person's first sign-in, or a forgotten password: code, new password."""
    shown: dict[str, Any] = {"password_characters": passwords.MIN_CHARACTERS}
    if not visit.is_post:
        await visit.show("welcome.html", code="", **shown)
        return
    form = await visit.form()
    code = form.get("code", "").strip()
    act = partial(accounts.redeem_sign_in, visit.database, code, form.get("password", ""), visit.now)
    await _redeem(visit, "welcome.html", act, code=code[:100], **shown)


async def _redeem(visit: Visit, template: str, act: "partial[Account]", *, follow: str = "/", **shown: Any) -> None:
    try:
        account = await to_thread.run_sync(act)
    except Error as error:
        if error.code not in ("invalid", "conflict", "forbidden", "too_many"):
            raise
        await visit.show(template, 400, problem=error.message, **shown)
        return
    await visit.begin_session(account, follow)

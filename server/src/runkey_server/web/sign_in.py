"""Sign in, sign out; the first administrator's link and the one-time sign-in link.

A link's code stands in the fragment of its address, which a browser sends to nobody; one small script of ours puts it into the form, and
without a script the field takes it by hand.
"""

from functools import partial
from typing import Any

from anyio import to_thread

from runkey_server import accounts, passwords
from runkey_server.accounts import Account
from runkey_server.errors import Error
from runkey_server.web.pages import Visit


async def sign_in(visit: Visit) -> None:
    """GET shows the form; POST checks name and password."""
    if not visit.is_post:
        if visit.account is not None:
            await visit.go("/")
            return
        await visit.show("sign_in.html", problem=None, name="", password_characters=passwords.MIN_CHARACTERS)
        return
    form = await visit.form()
    name = form.get("name", "")
    try:
        account = await to_thread.run_sync(accounts.sign_in, visit.database, name, form.get("password", ""))
    except Error as error:
        if error.code != "unauthenticated":
            raise
        await visit.show("sign_in.html", 403, problem=error.message, name=name[:100], password_characters=0)
        return
    await visit.begin_session(account, "/")


async def sign_out(visit: Visit) -> None:
    """POST ends the session."""
    await visit.form()
    await visit.end_session("/signin")


async def setup(visit: Visit) -> None:
    """The first administrator: code, name, password."""
    if not visit.is_post:
        await visit.show("setup.html", problem=None, name="", code="", password_characters=passwords.MIN_CHARACTERS)
        return
    form = await visit.form()
    name, code = form.get("name", ""), form.get("code", "").strip()
    act = partial(accounts.redeem_first_administrator, visit.database, code, name, form.get("password", ""), visit.now)
    await _redeem(visit, "setup.html", act, name=name[:100], code=code[:100])


async def welcome(visit: Visit) -> None:
    """A person's first sign-in: code, new password."""
    if not visit.is_post:
        await visit.show("welcome.html", problem=None, code="", password_characters=passwords.MIN_CHARACTERS)
        return
    form = await visit.form()
    code = form.get("code", "").strip()
    act = partial(accounts.redeem_sign_in, visit.database, code, form.get("password", ""), visit.now)
    await _redeem(visit, "welcome.html", act, code=code[:100])


async def _redeem(visit: Visit, template: str, act: "partial[Account]", **shown: Any) -> None:
    try:
        account = await to_thread.run_sync(act)
    except Error as error:
        if error.code not in ("invalid", "conflict", "forbidden"):
            raise
        await visit.show(template, 400, problem=error.message, password_characters=passwords.MIN_CHARACTERS, **shown)
        return
    await visit.begin_session(account, "/")

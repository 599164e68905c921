"""Accounts without a name, in the browser: `/try` opens one's pages by its link, `/claim` takes over what it logged.

Both codes stand in the fragment of an address and are posted by one small script of ours; without a script a field takes them by hand.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server import accounts, claiming, keys
from runkey_server.accounts import Account
from runkey_server.errors import Error
from runkey_server.web.pages import Visit, safe_next


async def try_it(visit: Visit) -> None:
    """GET shows a field, which the script fills and sends; POST signs the browser in to the account of the code.

    Whoever is signed in to another account is asked first: a link that somebody else made must sign nobody out.
    """
    if not visit.is_post:
        await visit.show("try.html", code="", next="", opens=None)
        return
    form = await visit.form()
    account, is_guest = await visit.reading(_opened_by, visit.pages.pepper, form.get("code", "").strip(), visit.now)
    if account is None:
        await visit.show(
            "try.html",
            400,
            code="",
            next="",
            opens=None,
            problem="This link opens nothing: what it opened was claimed, or its time is over.",
        )
        return
    if visit.account is not None and visit.account.id != account.id and form.get("instead") != visit.account.name:
        await visit.show("try.html", code=form["code"].strip(), next=safe_next(form.get("next") or f"/{account.name}"), opens=account)
        return
    await visit.begin_session(account, safe_next(form.get("next") or f"/{account.name}"), is_guest=is_guest)


def _opened_by(transaction: sa.Connection, pepper: bytes, code: str, at: datetime) -> tuple[Account | None, bool]:
    """Give the account whose pages a dashboard code opens, or its own key, and whether whoever has it may only look.

    Old official clients show links that hold the key; a dashboard's link is made to be shared.
    """
    account = accounts.find_linked_account(transaction, code, accounts.DASHBOARD, at)
    key = keys.find_key_by_secret(transaction, pepper, code) if account is None else None
    if key is not None and key.kind == "anonymous" and key.state(at) == "active":
        account = accounts.find_account_by_id(transaction, key.account_id)
    return (account if account is not None and account.is_active else None), key is None


async def claim(visit: Visit) -> None:
    """GET shows the form; POST signs in, if nobody with a name is, and moves everything to that account."""
    if not visit.is_post:
        await _show(visit, code="")
        return
    form = await visit.form()
    code = form.get("code", "").strip()
    found = await visit.reading(claiming.find_claimable, code, visit.now)
    if found is None:
        await _show(visit, 400, code="", problem="This link was used already, or its time is over. Make a new one: runkey claim")
        return
    person = visit.account
    if person is None or person.is_anonymous:
        try:
            person = await visit.check_password(form.get("name", ""), form.get("password", ""))
        except Error as error:
            if error.code not in ("unauthenticated", "too_many"):
                raise
            await _show(visit, 403, code=code, name=form.get("name", "")[:100], problem=error.message)
            return
        await visit.renew_session(person)
    try:
        await visit.writing(claiming.claim, code, person, visit.now)
    except Error as error:
        if error.code != "forbidden":
            raise
        await _show(visit, 400, code="", problem=error.message)
        return
    await visit.go("/")


async def begin_claim(visit: Visit) -> None:
    """POST from the pages of an account without a name: a claim link for it, in the form at once."""
    await visit.form()
    visit.refuse_guests()
    code = await visit.writing(claiming.issue_claim_link, visit.owner, visit.now)
    await _show(visit, code=code)


async def _show(visit: Visit, status: int = 200, *, code: str, name: str = "", problem: str | None = None) -> None:
    shown: dict[str, Any] = {"code": code, "name": name, "person": _person(visit), "sign_up": visit.sign_up_policy}
    await visit.show("claim.html", status, problem=problem, **shown)


def _person(visit: Visit) -> Account | None:
    return None if visit.account is None or visit.account.is_anonymous else visit.account

"""What a person sees and changes of their account: keys, machines, browsers, password; an administrator also the people."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from anyio import to_thread

from runkey_server import accounts, keys, machines, passwords
from runkey_server.accounts import Account
from runkey_server.errors import Error
from runkey_server.web.device import make_key
from runkey_server.web.pages import Pages, Visit

_DAYS = {"30": 30, "90": 90, "365": 365}


async def key_page(visit: Visit) -> None:
    """`/settings/keys`: list, make, revoke."""
    account = visit.person
    problem, secret, status, revoking = None, None, 200, None
    if visit.is_post:
        form = await visit.form()
        revoking = form.get("id", "") if form.get("act") == "revoke" else None
        problem = await visit.require_fresh(form)
        if problem is not None:
            status = 403
        elif revoking is not None:
            await visit.writing(_revoke_key, account.id, revoking, visit.now)
            await visit.go("/settings/keys")
            return
        else:
            try:
                description = form.get("description", "").strip() or "made on the page"
                days = _DAYS.get(form.get("days", ""), 365)
                secret = await visit.writing(make_key, visit.pages.pepper, account.id, description, days, visit.now)
            except Error as error:
                if error.code != "invalid":
                    raise
                problem, status = error.message, 400
    found = await visit.reading(partial(keys.list_keys, account_id=account.id))
    shown = [(key, key.state(visit.now)) for key in reversed(found)]
    await visit.show("keys.html", status, problem=problem, secret=secret, keys=shown, revoking=revoking, base_url=visit.base_url)


async def machine_page(visit: Visit) -> None:
    """`/settings/machines`: list, rename, send away."""
    account = visit.person
    problem, status, revoking = None, 200, None
    if visit.is_post:
        form = await visit.form()
        if form.get("act") == "revoke":
            revoking = form.get("id", "")
            problem = await visit.require_fresh(form)
            status = 403
        if problem is None:
            try:
                await visit.writing(_change_machine, account.id, form, visit.now)
            except Error as error:
                if error.code != "invalid":
                    raise
                problem, status = error.message, 400
            else:
                await visit.go("/settings/machines")
                return
    found = await visit.reading(machines.list_machines, account.id, visit.now)
    await visit.show("machines.html", status, problem=problem, machines=found, revoking=revoking, base_url=visit.base_url)


async def session_page(visit: Visit) -> None:
    """`/settings/sessions`: the browsers that are signed in, to sign out one or all others."""
    account = visit.person
    if visit.is_post:
        form = await visit.form()
        if form.get("act") == "end others" and visit.session:
            await visit.writing(accounts.end_other_sessions, visit.session)
        else:
            await visit.writing(accounts.end_session_of, account, form.get("id", ""))
        await visit.go("/settings/sessions")
        return
    found = await visit.reading(accounts.list_sessions, account, visit.now)
    own = visit.session.handle if visit.session else None
    await visit.show("sessions.html", sessions=found, own=own)


async def account_page(visit: Visit) -> None:
    """`/settings/account`: the password, and where mail goes."""
    account = visit.person
    problem, done, part = None, None, None
    if visit.is_post:
        form = await visit.form()
        part = "mail" if "email" in form else "change-password"
        problem = await visit.require_fresh(form)
        if problem is None:
            try:
                done = await _change_account(visit, form)
            except Error as error:
                if error.code != "invalid":
                    raise
                problem = error.message
    fresh = await visit.reading(accounts.find_account, account.name)
    shown: dict[str, Any] = {
        "email": (fresh.email if fresh else None) or "",
        "password_characters": passwords.MIN_CHARACTERS,
        "sends_mail": visit.pages.sends_mail,
    }
    await visit.show("account.html", 400 if problem else 200, problem=problem, done=done, part=part, **shown)


async def people_page(visit: Visit) -> None:
    """`/settings/people`, for administrators: who there is; invitations and new passwords by a link, shown this once."""
    account = visit.person
    if not account.is_admin:
        raise Error("not_found", "There is nothing at this address.")
    problem, link, mailed_to, part = None, None, None, None
    if visit.is_post:
        form = await visit.form()
        part = "reset" if form.get("name") else "invite"
        problem = await visit.require_fresh(form)
        if problem is None:
            try:
                path, mailed_to = await visit.writing(_make_link, visit.pages, visit.sign_up_policy, form, visit.now)
                link = visit.pages.hosts.base_url + path
            except Error as error:
                if error.code not in ("invalid", "not_found"):
                    raise
                problem = error.message
    people = [person for person in await visit.reading(accounts.list_accounts) if not person.is_anonymous]
    shown: dict[str, Any] = {"sign_up": visit.sign_up_policy, "sends_mail": visit.pages.sends_mail, "mailed_to": mailed_to}
    await visit.show("people.html", 403 if problem else 200, problem=problem, link=link, people=people, part=part, **shown)


async def put_notices_away(visit: Visit) -> None:
    """POST: show the notices no more."""
    account = visit.owner
    await visit.form()
    await visit.writing(accounts.put_notices_away, account.id)
    await visit.go("/")


async def _change_account(visit: Visit, form: dict[str, str]) -> str:
    if "email" in form:
        await visit.writing(_change_email, visit.owner, form["email"], visit.now)
        return "The address for mail is saved."
    handle = visit.session.handle if visit.session else None
    act = partial(accounts.change_password, visit.database, visit.owner, form.get("new_password", ""), at=visit.now, keeping=handle)
    await to_thread.run_sync(act)
    await visit.writing(accounts.tell, visit.owner.id, "The password of your account was changed.", "/settings/account", visit.now)
    return "The password is changed, and every other browser is signed out."


def _revoke_key(transaction: sa.Connection, account_id: int, key_id: str, at: Any) -> None:
    key = keys.get_key(transaction, key_id, account_id=account_id)
    machines.end_key(transaction, key, at)


def _change_machine(transaction: sa.Connection, account_id: int, form: dict[str, str], at: Any) -> None:
    machine = machines.get_machine(transaction, account_id, form.get("id", ""), at)
    if form.get("act") == "revoke":
        machines.revoke(transaction, machine, at)
    else:
        machines.rename(transaction, machine, form.get("name", ""))


def _change_email(transaction: sa.Connection, account: Account, email: str, at: Any) -> None:
    # Told first, so that the letter goes to the address that was there before.
    accounts.tell(transaction, account.id, "The address for mail of your account was changed.", "/settings/account", at)
    accounts.set_email(transaction, account, email)


def _make_link(transaction: sa.Connection, pages: Pages, sign_up: str, form: dict[str, str], at: Any) -> tuple[str, str | None]:
    """Make a link; give its path, and the address that it is sent to as well."""
    person = accounts.get_account(transaction, form["name"]) if form.get("name") else None
    if person is None and sign_up == "closed":
        raise Error("invalid", "This server makes no accounts by itself. Start it with --sign-up invitation, then invite people.")
    purpose = accounts.RESET if person else accounts.INVITATION
    to = person.email if person else form.get("email", "").strip() or None
    code = accounts.issue_link(transaction, purpose, at=at, account=person, email=None if person else to)
    if to is None or not pages.sends_mail:
        return accounts.link_path(purpose, code), None
    accounts.mail_link(transaction, purpose, code, to, seal_under=pages.signing_key, at=at, account=person)
    return accounts.link_path(purpose, code), to

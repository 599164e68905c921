"""One-time links: to become the first administrator, to sign in for the first time, to be invited, to get a new password.

The code in a link is 256 random bits, kept as a hash, single use, with an end. It travels in the fragment of the address, which browsers
send to no server, and is posted by the page.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import mail, passwords, tokens
from runkey_server.accounts import managing, notices, store
from runkey_server.accounts.model import Account
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.mail import Letter

FIRST_ADMINISTRATOR = "first_administrator"
SIGN_IN = "sign_in"
INVITATION = "invitation"
RESET = "reset"
CLAIM = "claim"
DASHBOARD = "dashboard"

LIFETIME = {
    FIRST_ADMINISTRATOR: timedelta(hours=24),
    SIGN_IN: timedelta(days=7),
    INVITATION: timedelta(days=7),
    RESET: timedelta(minutes=30),
    CLAIM: timedelta(days=7),
}
_PAGE = {FIRST_ADMINISTRATOR: "/setup", SIGN_IN: "/welcome", RESET: "/welcome", INVITATION: "/signup", CLAIM: "/claim"}
_WORDS = {
    SIGN_IN: "Your account {name} is ready. Choose a password and sign in by this link; it works once, within 7 days:",
    RESET: "A new password for your account {name}. Choose it by this link; it works once, within 30 minutes:",
    INVITATION: "You are invited to make an account. This link works once, within 7 days:",
}
SPENT = "This link was used already, or its time is over. Ask whoever runs the server for a new one."


def issue_link(
    transaction: sa.Connection,
    purpose: str,
    *,
    at: datetime,
    account: Account | None = None,
    email: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a link's code and give it out, this once.

    An earlier unused one for the same purpose and account stops working; invitations, which have no account yet, do not.
    """
    code = tokens.mint_token()
    store.insert_link(
        transaction,
        digest=tokens.digest(code),
        purpose=purpose,
        account_id=account.id if account else None,
        at=at,
        expires_at=expires_at or at + LIFETIME[purpose],
        email=email,
        replaces=purpose != INVITATION,
    )
    return code


def link_path(purpose: str, code: str) -> str:
    """Write a link as its path on this server. The code stands in the fragment, which browsers send to nobody."""
    return f"{_PAGE[purpose]}#{code}"


def mail_link(
    transaction: sa.Connection, purpose: str, code: str, to: str, *, seal_under: bytes, at: datetime, account: Account | None = None
) -> None:
    """Send a link to an address, sealed until it goes out. Raises Error `invalid` for what is no address."""
    words = _WORDS[purpose].format(name=account.name if account else "")
    letter = Letter(managing.checked_email(to) or "", words, link_path(purpose, code))
    mail.put(transaction, letter, at=at, seal_under=seal_under, ends_at=at + LIFETIME[purpose])


def find_link(transaction: sa.Connection, code: str, purpose: str, at: datetime) -> bool:
    """Tell whether a code still works."""
    return store.find_link(transaction, tokens.digest(code), purpose, at) is not None


def find_linked_account(transaction: sa.Connection, code: str, purpose: str, at: datetime) -> Account | None:
    """Give the account that a working code belongs to."""
    row = store.find_link(transaction, tokens.digest(code), purpose, at)
    return None if row is None or row.account_id is None else store.find_account_by_id(transaction, row.account_id)


def spend_link(transaction: sa.Connection, code: str, at: datetime) -> bool:
    """Use a code up; False when somebody else was faster."""
    return store.spend_link(transaction, tokens.digest(code), at)


def redeem_first_administrator(database: Database, code: str, name: str, password: str, at: datetime) -> Account:
    """Make the first administrator. Raises Error `forbidden` for a spent code, `invalid` or `conflict` for name or password."""
    with database.reading() as transaction:
        if not find_link(transaction, code, FIRST_ADMINISTRATOR, at):
            raise Error("forbidden", SPENT)
    password_hash = passwords.checked_hash(password, context=(name,))
    with database.writing() as transaction:
        if not store.spend_link(transaction, tokens.digest(code), at) or store.any_administrator(transaction):
            raise Error("forbidden", SPENT)
        return managing.create_account(transaction, name, at=at, is_admin=True, password_hash=password_hash)


def redeem_sign_in(database: Database, code: str, password: str, at: datetime) -> Account:
    """Set the password of the account that a link belongs to. Raises Error `forbidden` for a spent code, `invalid` for the password."""
    digest = tokens.digest(code)
    with database.reading() as transaction:
        found = [find_linked_account(transaction, code, purpose, at) for purpose in (SIGN_IN, RESET)]
        account = found[0] or found[1]
    if account is None or not account.is_active:
        raise Error("forbidden", SPENT)
    password_hash = passwords.checked_hash(password, context=(account.name,))
    with database.writing() as transaction:
        if not store.spend_link(transaction, digest, at):
            raise Error("forbidden", SPENT)
        store.set_password_hash(transaction, account.id, password_hash, at)
        store.delete_sessions_of(transaction, account.id)
        # The other links as well: one that was sent earlier must not set yet another password.
        store.delete_links_of(transaction, account.id)
        notices.tell(transaction, account.id, "The password of your account was set by a link.", "/settings/account", at)
    return account

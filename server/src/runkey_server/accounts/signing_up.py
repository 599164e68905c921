"""Makes an account for somebody who asks for one: with an invitation, or for anybody where that is open."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server import passwords, tokens
from runkey_server.accounts import attempts, managing, store
from runkey_server.accounts.links import INVITATION, SPENT
from runkey_server.accounts.model import Account
from runkey_server.database import Database
from runkey_server.errors import Error


def sign_up(
    database: Database,
    name: str,
    password: str,
    *,
    code: str | None,
    is_open: bool,
    at: datetime,
    email: str | None = None,
    network: str = "",
) -> Account:
    """Make an account. code: an invitation's; is_open: whether none is needed.

    Raises Error `forbidden` without an invitation that works, `invalid` or `conflict` for name, password or address, `too_many`.
    """
    digest = tokens.digest(code) if code else b""
    bucket = f"sign-up {network}"
    with database.writing() as transaction:
        invited = store.find_link(transaction, digest, INVITATION, at)
        if not is_open and invited is None:
            raise Error("forbidden", SPENT if code else "This server makes accounts by invitation. Ask whoever runs it for a link.")
        email = managing.checked_email(email) or (invited.email if invited else None)
        passwords.check(password, context=(name, email or ""))
        # Counted where it is checked, and before the hashing, so that many tries at once are as many tries.
        attempts.check_limit(transaction, bucket, attempts.SIGN_UP_FROM_ONE_PLACE, at)
        attempts.note_attempt(transaction, bucket, at)
    password_hash = passwords.hash_password(password)
    with database.writing() as transaction:
        account = managing.create_account(transaction, name, at=at, email=email, password_hash=password_hash)
        if not is_open and not store.spend_link(transaction, digest, at):
            raise Error("forbidden", SPENT)
        return account


def change_password(database: Database, account: Account, password: str, *, at: datetime, keeping: str | None = None) -> None:
    """Give an account another password. Raises Error `invalid`.

    Every browser session but the one of the handle `keeping` ends, and what was approved and not yet taken counts no more.
    """
    password_hash = passwords.checked_hash(password, context=(account.name, account.email or ""))
    with database.writing() as transaction:
        store.set_password_hash(transaction, account.id, password_hash, at)
        store.delete_sessions_of(transaction, account.id, but=keeping)
        store.delete_links_of(transaction, account.id)


def has_new_password(transaction: sa.Connection, account: Account, *, since: datetime) -> bool:
    """Tell whether the password of an account was set after a moment."""
    set_at = store.find_password_set_at(transaction, account.id)
    return set_at is not None and set_at > since

"""Accounts come and go: created, found, disabled, deleted."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import tokens
from runkey_server.accounts import store
from runkey_server.accounts.model import ANONYMOUS_PREFIX, RESERVED_NAMES, Account
from runkey_server.database import bump_epoch
from runkey_server.errors import Error
from runkey_wire import names


def create_account(
    transaction: sa.Connection,
    name: str,
    *,
    at: datetime,
    is_admin: bool = False,
    email: str | None = None,
    password_hash: str | None = None,
) -> Account:
    """Make an account. Raises Error `invalid` for a bad name, `conflict` for one that is taken, now or ever before."""
    name = name.strip().lower()
    fault = names.entity_fault(name)
    if fault:
        raise Error("invalid", f"{name[:80]!r} {fault}.")
    if name in RESERVED_NAMES or name.startswith(ANONYMOUS_PREFIX):
        raise Error("conflict", f"The name {name!r} is kept for the server's own pages. Choose another.")
    account = store.insert_account(
        transaction, name=name, is_admin=is_admin, email=checked_email(email), password_hash=password_hash, at=at
    )
    if account is None:
        raise Error("conflict", f"The name {name!r} is taken. Choose another.")
    return account


def create_anonymous_account(transaction: sa.Connection, *, at: datetime, until: datetime) -> Account:
    """Make an account without a name, which ends at a moment unless somebody claims it."""
    name = ANONYMOUS_PREFIX + tokens.mint_id("x").partition("_")[2]
    account = store.insert_account(transaction, name=name, at=at, anonymous_until=until)
    if account is None:
        raise Error("unavailable", "Try again in a moment.", retry_after_seconds=1)
    return account


def checked_email(email: str | None) -> str | None:
    """Check an address for mail; None when none is given. Raises Error `invalid`."""
    email = (email or "").strip()
    if not email:
        return None
    name, at_sign, domain = email.rpartition("@")
    if not name or not at_sign or "." not in domain or len(email) > 254 or not email.isprintable() or " " in email:
        raise Error("invalid", f"{email[:80]!r} is no address for mail.")
    return email


def find_account(transaction: sa.Connection, name: str) -> Account | None:
    """Find an account by its name, in any case; None when there is none."""
    return store.find_account(transaction, name.lower())


def get_account(transaction: sa.Connection, name: str) -> Account:
    """Find an account by its name. Raises Error `not_found`."""
    account = find_account(transaction, name)
    if account is None:
        raise Error("not_found", f"There is no account {name[:80]!r}. See: runkey-server user list")
    return account


def find_account_by_id(transaction: sa.Connection, account_id: int) -> Account | None:
    """Find an account by its number."""
    return store.find_account_by_id(transaction, account_id)


def set_email(transaction: sa.Connection, account: Account, email: str | None) -> None:
    """Change where an account's mail goes; None for nowhere. Raises Error `invalid`."""
    store.set_email(transaction, account.id, checked_email(email))


def count_bytes(transaction: sa.Connection, account_id: int, more: int) -> int:
    """Add to what an account has stored, in bytes; give the sum."""
    return store.count_bytes(transaction, account_id, more)


def count_anonymous_accounts(transaction: sa.Connection, since: datetime) -> int:
    """Count the accounts without a name made since a moment."""
    return store.count_anonymous(transaction, since)


def list_due_accounts(transaction: sa.Connection, at: datetime, at_most: int, *, grace: timedelta) -> list[Account]:
    """Give accounts without a name whose time is over. grace: for so long a claimed one stays, since its runs write to their end."""
    return store.list_due(transaction, at, at - grace, at_most)


def mark_claimed(transaction: sa.Connection, account: Account, claimed_by: Account) -> bool:
    """Note who claimed an account without a name; False when somebody did before."""
    store.delete_sessions_of(transaction, account.id)
    store.delete_links_of(transaction, account.id)
    return store.mark_claimed(transaction, account.id, claimed_by.id)


def list_claimed(transaction: sa.Connection, account_id: int) -> list[str]:
    """Give the names of the accounts without a name that an account claimed."""
    return store.list_claimed(transaction, account_id)


def list_accounts(transaction: sa.Connection) -> list[Account]:
    """Give all accounts, by name."""
    return store.list_accounts(transaction)


def administrator_exists(transaction: sa.Connection) -> bool:
    """Tell whether the first administrator has been made; that never becomes untrue again."""
    return store.any_administrator(transaction)


def disable_account(transaction: sa.Connection, account: Account, at: datetime | None) -> None:
    """Stop every credential of an account from counting; at None, let them count again. Browser sessions end for good."""
    store.mark_account(transaction, account.id, disabled_at=at)
    store.delete_sessions_of(transaction, account.id)
    bump_epoch(transaction)


def delete_account(transaction: sa.Connection, account: Account, at: datetime) -> None:
    """End an account for good; its name stays taken. What it owned stays on the disk until it is purged."""
    store.mark_account(transaction, account.id, disabled_at=at, deleted_at=at)
    store.delete_sessions_of(transaction, account.id)
    store.delete_links_of(transaction, account.id)
    bump_epoch(transaction)

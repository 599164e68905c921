"""What an operator does with accounts: create, list, disable, delete."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server.accounts import store
from runkey_server.accounts.model import RESERVED_NAMES, Account
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
    if name in RESERVED_NAMES:
        raise Error("conflict", f"The name {name!r} is kept for the server's own pages. Choose another.")
    account = store.insert_account(transaction, name=name, is_admin=is_admin, email=email, password_hash=password_hash, at=at)
    if account is None:
        raise Error("conflict", f"The name {name!r} is taken. Choose another.")
    return account


def find_account(transaction: sa.Connection, name: str) -> Account | None:
    """Find an account by its name, in any case; None when there is none."""
    return store.find_account(transaction, name.lower())


def get_account(transaction: sa.Connection, name: str) -> Account:
    """Find an account by its name. Raises Error `not_found`."""
    account = find_account(transaction, name)
    if account is None:
        raise Error("not_found", f"There is no account {name[:80]!r}. See: runkey-server user list")
    return account


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

"""The rows of accounts, browser sessions and one-time links: functions that take an open transaction."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.accounts.model import Account
from runkey_server.accounts.tables import accounts, browser_sessions, one_time_links
from runkey_server.database import insert_for

_COLUMNS = (
    accounts.c.id,
    accounts.c.name,
    accounts.c.is_admin,
    accounts.c.email,
    accounts.c.created_at,
    accounts.c.disabled_at,
    accounts.c.password_hash.is_not(None).label("has_password"),
)
_SELECT = sa.select(*_COLUMNS).where(accounts.c.deleted_at.is_(None))


def insert_account(
    transaction: sa.Connection, *, name: str, is_admin: bool, email: str | None, password_hash: str | None, at: datetime
) -> Account | None:
    """Add a row; None when the name is taken, also by a deleted account."""
    row = transaction.execute(
        insert_for(transaction, accounts)
        .values(name=name, is_admin=is_admin, email=email, password_hash=password_hash, created_at=at)
        .on_conflict_do_nothing()
        .returning(accounts.c.id)
    ).first()
    return None if row is None else find_account_by_id(transaction, row.id)


def find_account(transaction: sa.Connection, name: str) -> Account | None:
    """Find by name, lower-cased by the caller."""
    row = transaction.execute(_SELECT.where(accounts.c.name == name)).first()
    return None if row is None else _account(row)


def find_account_by_id(transaction: sa.Connection, account_id: int) -> Account | None:
    """Find by id."""
    row = transaction.execute(_SELECT.where(accounts.c.id == account_id)).first()
    return None if row is None else _account(row)


def list_accounts(transaction: sa.Connection) -> list[Account]:
    """Give all that are not deleted, by name."""
    return [_account(row) for row in transaction.execute(_SELECT.order_by(accounts.c.name))]


def any_administrator(transaction: sa.Connection) -> bool:
    """Tell whether an administrator was ever made."""
    return transaction.execute(sa.select(accounts.c.id).where(accounts.c.is_admin).limit(1)).first() is not None


def find_password_hash(transaction: sa.Connection, account_id: int) -> str | None:
    """Give the kept hash of an account's password."""
    found = transaction.execute(sa.select(accounts.c.password_hash).where(accounts.c.id == account_id)).scalar()
    return None if found is None else str(found)


def set_password_hash(transaction: sa.Connection, account_id: int, password_hash: str) -> None:
    """Replace the kept hash."""
    transaction.execute(sa.update(accounts).where(accounts.c.id == account_id).values(password_hash=password_hash))


def mark_account(transaction: sa.Connection, account_id: int, **moments: datetime | None) -> None:
    """Set `disabled_at` or `deleted_at`."""
    transaction.execute(sa.update(accounts).where(accounts.c.id == account_id).values(**moments))


def insert_session(transaction: sa.Connection, *, digest: bytes, account_id: int, at: datetime, expires_at: datetime) -> None:
    """Add a browser session, and drop the ones that have expired."""
    transaction.execute(sa.delete(browser_sessions).where(browser_sessions.c.expires_at <= at))
    transaction.execute(sa.insert(browser_sessions).values(digest=digest, account_id=account_id, signed_in_at=at, expires_at=expires_at))


def find_session(transaction: sa.Connection, digest: bytes, at: datetime) -> Account | None:
    """Find whose unexpired session this is."""
    row = transaction.execute(
        _SELECT.join_from(browser_sessions, accounts).where(
            browser_sessions.c.digest == digest,
            browser_sessions.c.expires_at > at,
            accounts.c.disabled_at.is_(None),
        )
    ).first()
    return None if row is None else _account(row)


def delete_session(transaction: sa.Connection, digest: bytes) -> None:
    """End one session."""
    transaction.execute(sa.delete(browser_sessions).where(browser_sessions.c.digest == digest))


def delete_sessions_of(transaction: sa.Connection, account_id: int) -> None:
    """End all sessions of an account."""
    transaction.execute(sa.delete(browser_sessions).where(browser_sessions.c.account_id == account_id))


def insert_link(
    transaction: sa.Connection,
    *,
    digest: bytes,
    purpose: str,
    account_id: int | None,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Add a one-time link; unused ones of the same purpose and account stop working."""
    transaction.execute(
        sa.delete(one_time_links).where(one_time_links.c.purpose == purpose, one_time_links.c.account_id.is_not_distinct_from(account_id))
    )
    transaction.execute(
        sa.insert(one_time_links).values(digest=digest, purpose=purpose, account_id=account_id, created_at=at, expires_at=expires_at)
    )


def find_link(transaction: sa.Connection, digest: bytes, purpose: str, at: datetime) -> Any:
    """Find an unused, unexpired link: a row with `account_id`, or None."""
    return transaction.execute(
        sa.select(one_time_links.c.account_id).where(
            one_time_links.c.digest == digest,
            one_time_links.c.purpose == purpose,
            one_time_links.c.used_at.is_(None),
            one_time_links.c.expires_at > at,
        )
    ).first()


def spend_link(transaction: sa.Connection, digest: bytes, at: datetime) -> bool:
    """Mark a link used; False when somebody else was faster."""
    spent = transaction.execute(
        sa.update(one_time_links).where(one_time_links.c.digest == digest, one_time_links.c.used_at.is_(None)).values(used_at=at)
    )
    return spent.rowcount == 1


def delete_links_of(transaction: sa.Connection, account_id: int) -> None:
    """End all links of an account."""
    transaction.execute(sa.delete(one_time_links).where(one_time_links.c.account_id == account_id))


def _account(row: Any) -> Account:
    return Account(**row._mapping)

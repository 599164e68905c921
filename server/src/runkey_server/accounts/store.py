"""The rows of accounts, browser sessions, one-time links, attempts and notices: functions that take an open transaction."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.accounts.model import Account, BrowserSession, Notice
from runkey_server.accounts.tables import accounts, attempts, browser_sessions, notices, one_time_links
from runkey_server.database import insert_for

_COLUMNS = (
    accounts.c.id,
    accounts.c.name,
    accounts.c.is_admin,
    accounts.c.email,
    accounts.c.created_at,
    accounts.c.disabled_at,
    accounts.c.password_hash.is_not(None).label("has_password"),
    accounts.c.anonymous_until,
    accounts.c.claimed_by,
    accounts.c.stored_bytes,
)
_SESSION_COLUMNS = (
    browser_sessions.c.handle,
    browser_sessions.c.signed_in_at,
    browser_sessions.c.expires_at,
    browser_sessions.c.user_agent,
    browser_sessions.c.address,
    browser_sessions.c.is_guest,
)
_SELECT = sa.select(*_COLUMNS).where(accounts.c.deleted_at.is_(None))


def insert_account(
    transaction: sa.Connection,
    *,
    name: str,
    at: datetime,
    is_admin: bool = False,
    email: str | None = None,
    password_hash: str | None = None,
    anonymous_until: datetime | None = None,
) -> Account | None:
    """Add a row; None when the name is taken, also by a deleted account."""
    row = transaction.execute(
        insert_for(transaction, accounts)
        .values(name=name, is_admin=is_admin, email=email, password_hash=password_hash, created_at=at, anonymous_until=anonymous_until)
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


def set_password_hash(transaction: sa.Connection, account_id: int, password_hash: str, at: datetime | None) -> None:
    """Replace the kept hash. at: None for another hash of the same password."""
    values = {"password_hash": password_hash} | ({} if at is None else {"password_set_at": at})
    transaction.execute(sa.update(accounts).where(accounts.c.id == account_id).values(**values))


def find_password_set_at(transaction: sa.Connection, account_id: int) -> datetime | None:
    """Give the moment at which a password was last set; None for one that never was, since this is noted."""
    found: datetime | None = transaction.execute(sa.select(accounts.c.password_set_at).where(accounts.c.id == account_id)).scalar()
    return found


def mark_account(transaction: sa.Connection, account_id: int, **moments: datetime | None) -> None:
    """Set `disabled_at` or `deleted_at`."""
    transaction.execute(sa.update(accounts).where(accounts.c.id == account_id).values(**moments))


def set_email(transaction: sa.Connection, account_id: int, email: str | None) -> None:
    """Replace the address for mail."""
    transaction.execute(sa.update(accounts).where(accounts.c.id == account_id).values(email=email))


def mark_claimed(transaction: sa.Connection, account_id: int, claimed_by: int) -> bool:
    """Note who claimed an account without a name; False when somebody did before."""
    marked = transaction.execute(
        sa.update(accounts)
        .where(accounts.c.id == account_id, accounts.c.claimed_by.is_(None), accounts.c.deleted_at.is_(None))
        .values(claimed_by=claimed_by)
    )
    return marked.rowcount == 1


def count_bytes(transaction: sa.Connection, account_id: int, more: int) -> int:
    """Add to what an account has stored; give the sum."""
    return int(
        transaction.execute(
            sa.update(accounts)
            .where(accounts.c.id == account_id)
            .values(stored_bytes=accounts.c.stored_bytes + more)
            .returning(accounts.c.stored_bytes)
        ).scalar_one()
    )


def list_due(transaction: sa.Connection, at: datetime, claimed_before: datetime, at_most: int) -> list[Account]:
    """Give accounts without a name whose time is over; claimed ones only when it was over before a moment."""
    end = accounts.c.anonymous_until
    ended = sa.or_(end <= claimed_before, sa.and_(end <= at, accounts.c.claimed_by.is_(None)))
    return [_account(row) for row in transaction.execute(_SELECT.where(ended).limit(at_most))]


def count_anonymous(transaction: sa.Connection, since: datetime) -> int:
    """Count the accounts without a name that were made since a moment."""
    counted = sa.select(sa.func.count()).where(accounts.c.anonymous_until.is_not(None), accounts.c.created_at > since)
    return int(transaction.execute(counted).scalar_one())


def insert_session(
    transaction: sa.Connection,
    *,
    digest: bytes,
    handle: str,
    account_id: int,
    at: datetime,
    expires_at: datetime,
    user_agent: str,
    address: str,
    is_guest: bool,
) -> None:
    """Add a browser session, and drop the ones that have expired."""
    transaction.execute(sa.delete(browser_sessions).where(browser_sessions.c.expires_at <= at))
    transaction.execute(
        sa.insert(browser_sessions).values(
            digest=digest,
            handle=handle,
            account_id=account_id,
            signed_in_at=at,
            expires_at=expires_at,
            user_agent=user_agent,
            address=address,
            is_guest=is_guest,
        )
    )


def find_session(transaction: sa.Connection, digest: bytes, at: datetime) -> BrowserSession | None:
    """Find an unexpired session of an account that is not disabled."""
    row = transaction.execute(
        sa.select(*_COLUMNS, *_SESSION_COLUMNS)
        .join_from(browser_sessions, accounts)
        .where(
            browser_sessions.c.digest == digest,
            browser_sessions.c.expires_at > at,
            accounts.c.disabled_at.is_(None),
            accounts.c.deleted_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    account = Account(**{column.key: row._mapping[column.key] for column in _COLUMNS})
    return BrowserSession(account, **{column.key: row._mapping[column.key] for column in _SESSION_COLUMNS})


def list_sessions(transaction: sa.Connection, account: Account, at: datetime) -> list[BrowserSession]:
    """Give the unexpired sessions of an account, newest first."""
    rows = transaction.execute(
        sa.select(*_SESSION_COLUMNS)
        .where(browser_sessions.c.account_id == account.id, browser_sessions.c.expires_at > at)
        .order_by(browser_sessions.c.signed_in_at.desc())
    )
    return [BrowserSession(account, **row._mapping) for row in rows]


def delete_session(transaction: sa.Connection, digest: bytes) -> None:
    """End one session."""
    transaction.execute(sa.delete(browser_sessions).where(browser_sessions.c.digest == digest))


def delete_sessions_of(transaction: sa.Connection, account_id: int, *, but: str | None = None, only: str | None = None) -> None:
    """End sessions of an account: all, all but the one of a handle, or only that of a handle."""
    statement = sa.delete(browser_sessions).where(browser_sessions.c.account_id == account_id)
    if but is not None:
        statement = statement.where(browser_sessions.c.handle != but)
    if only is not None:
        statement = statement.where(browser_sessions.c.handle == only)
    transaction.execute(statement)


def delete_sessions(transaction: sa.Connection) -> int:
    """Drop every session; tell how many there were."""
    return int(transaction.execute(sa.delete(browser_sessions)).rowcount)


def delete_links(transaction: sa.Connection, *, but_for: str) -> None:
    """Drop every link but those of one purpose."""
    transaction.execute(sa.delete(one_time_links).where(one_time_links.c.purpose != but_for))


def insert_link(
    transaction: sa.Connection,
    *,
    digest: bytes,
    purpose: str,
    account_id: int | None,
    at: datetime,
    expires_at: datetime,
    email: str | None = None,
    replaces: bool = True,
) -> None:
    """Add a one-time link; replaces: unused ones of the same purpose and account stop working."""
    if replaces:
        same = (one_time_links.c.purpose == purpose, one_time_links.c.account_id.is_not_distinct_from(account_id))
        transaction.execute(sa.delete(one_time_links).where(*same))
    transaction.execute(
        sa.insert(one_time_links).values(
            digest=digest, purpose=purpose, account_id=account_id, created_at=at, expires_at=expires_at, email=email
        )
    )


def find_link(transaction: sa.Connection, digest: bytes, purpose: str, at: datetime) -> Any:
    """Find an unused, unexpired link: a row with `account_id` and `email`, or None."""
    return transaction.execute(
        sa.select(one_time_links.c.account_id, one_time_links.c.email).where(
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


def list_claimed(transaction: sa.Connection, account_id: int) -> list[str]:
    """Give the names of the accounts that an account claimed."""
    return list(
        transaction.execute(sa.select(accounts.c.name).where(accounts.c.claimed_by == account_id).order_by(accounts.c.name)).scalars()
    )


def delete_links_of(transaction: sa.Connection, account_id: int) -> None:
    """End all links of an account."""
    transaction.execute(sa.delete(one_time_links).where(one_time_links.c.account_id == account_id))


def count_attempts(transaction: sa.Connection, bucket: str, since: datetime) -> tuple[int, datetime | None]:
    """Count what was tried since a moment, and give when it was last tried."""
    found = transaction.execute(
        sa.select(sa.func.count(), sa.func.max(attempts.c.at)).where(attempts.c.bucket == bucket, attempts.c.at > since)
    ).one()
    last = found[1]
    return int(found[0]), last


def insert_attempt(transaction: sa.Connection, bucket: str, at: datetime) -> None:
    """Note one try."""
    transaction.execute(sa.insert(attempts).values(bucket=bucket, at=at))


def delete_attempts(transaction: sa.Connection, *, bucket: str | None = None, before: datetime | None = None) -> None:
    """Forget the tries of a bucket, or those before a moment."""
    statement = sa.delete(attempts)
    if bucket is not None:
        statement = statement.where(attempts.c.bucket == bucket)
    if before is not None:
        statement = statement.where(attempts.c.at < before)
    transaction.execute(statement)


def insert_notice(transaction: sa.Connection, account_id: int, words: str, path: str, at: datetime) -> None:
    """Add a notice."""
    transaction.execute(sa.insert(notices).values(account_id=account_id, words=words, path=path, at=at))


def list_notices(transaction: sa.Connection, account_id: int, at_most: int) -> list[Notice]:
    """Give an account's notices, newest first."""
    rows = transaction.execute(
        sa.select(notices.c.id, notices.c.at, notices.c.words, notices.c.path)
        .where(notices.c.account_id == account_id)
        .order_by(notices.c.id.desc())
        .limit(at_most)
    )
    return [Notice(**row._mapping) for row in rows]


def delete_notices_of(transaction: sa.Connection, account_id: int) -> None:
    """Drop an account's notices."""
    transaction.execute(sa.delete(notices).where(notices.c.account_id == account_id))


def _account(row: Any) -> Account:
    return Account(**row._mapping)

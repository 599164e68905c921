"""The rows of API keys: functions that take an open transaction. Holds hashes, never secrets."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from runkey_server.accounts import Account
from runkey_server.accounts.tables import accounts
from runkey_server.database import insert_for, read_epoch
from runkey_server.keys.model import ApiKey
from runkey_server.keys.tables import api_keys

_PEPPER_VERSION = 1
_COLUMNS = tuple(column for column in api_keys.c if column.name not in ("digest", "pepper_version"))
_ACCOUNT_COLUMNS = (
    accounts.c.id.label("owner_id"),
    accounts.c.name.label("owner_name"),
    accounts.c.is_admin,
    accounts.c.email,
    accounts.c.created_at.label("owner_created_at"),
    accounts.c.disabled_at,
)
_LOOK_UP = (
    sa.select(*_COLUMNS, *_ACCOUNT_COLUMNS)
    .join_from(api_keys, accounts)
    .where(api_keys.c.digest == sa.bindparam("digest"), accounts.c.deleted_at.is_(None))
)


def insert_key(transaction: sa.Connection, key: ApiKey, digest: bytes) -> bool:
    """Add a row; False when this very secret is known already."""
    values = {column.name: getattr(key, column.name) for column in _COLUMNS}
    added = transaction.execute(
        insert_for(transaction, api_keys)
        .values(digest=digest, pepper_version=_PEPPER_VERSION, **values)
        .on_conflict_do_nothing()
        .returning(api_keys.c.id)
    )
    return added.first() is not None


def find_by_digest(transaction: sa.Connection, digest: bytes) -> tuple[ApiKey, Account, int] | None:
    """Find a key, its account, and the credential epoch they were read in. One indexed look-up and one of a single row."""
    row = transaction.execute(_LOOK_UP, {"digest": digest}).first()
    if row is None:
        return None
    account = Account(
        id=row.owner_id,
        name=row.owner_name,
        is_admin=row.is_admin,
        email=row.email,
        created_at=row.owner_created_at,
        disabled_at=row.disabled_at,
    )
    return _key(row), account, read_epoch(transaction)


def find_key(transaction: sa.Connection, key_id: str) -> ApiKey | None:
    """Find a key by its public handle."""
    row = transaction.execute(sa.select(*_COLUMNS).where(api_keys.c.id == key_id)).first()
    return None if row is None else _key(row)


def list_keys(transaction: sa.Connection, account_id: int | None = None, machine_id: str | None = None) -> list[ApiKey]:
    """Give the keys of an account, of a machine, or all, oldest first."""
    statement = sa.select(*_COLUMNS).order_by(api_keys.c.created_at, api_keys.c.id)
    if account_id is not None:
        statement = statement.where(api_keys.c.account_id == account_id)
    if machine_id is not None:
        statement = statement.where(api_keys.c.machine_id == machine_id)
    return [_key(row) for row in transaction.execute(statement)]


def list_that_came_of(transaction: sa.Connection, key_ids: Iterable[str]) -> list[str]:
    """Give the ids of unrevoked keys that any of these keys made, or that took the place of one."""
    ids = list(key_ids)
    came_of = sa.or_(api_keys.c.made_by.in_(ids), api_keys.c.replaces.in_(ids))
    return list(transaction.execute(sa.select(api_keys.c.id).where(came_of, api_keys.c.revoked_at.is_(None))).scalars())


def mark_revoked(transaction: sa.Connection, key_ids: Iterable[str], at: datetime) -> None:
    """Revoke keys; one that is revoked already keeps its moment."""
    transaction.execute(sa.update(api_keys).where(api_keys.c.id.in_(list(key_ids)), api_keys.c.revoked_at.is_(None)).values(revoked_at=at))


def mark_replaced(transaction: sa.Connection, key_id: str, at: datetime) -> bool:
    """Mark a key replaced; False when it was replaced or revoked before."""
    marked = transaction.execute(
        sa.update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.replaced_at.is_(None), api_keys.c.revoked_at.is_(None))
        .values(replaced_at=at)
    )
    return marked.rowcount == 1


def note_use(transaction: sa.Connection, key_id: str, at: datetime, at_most_every: timedelta) -> None:
    """Note when a key was last used, unless that was noted a moment ago."""
    transaction.execute(
        sa.update(api_keys)
        .where(
            api_keys.c.id == key_id,
            sa.or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= at - at_most_every),
        )
        .values(last_used_at=at)
    )


def _key(row: Any) -> ApiKey:
    return ApiKey(**{column.name: getattr(row, column.name) for column in _COLUMNS})

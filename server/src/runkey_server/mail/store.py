"""The rows of letters that wait: functions that take an open transaction."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server.mail.model import Waiting
from runkey_server.mail.tables import letters


def insert_letter(transaction: sa.Connection, to: str, body: bytes, *, is_sealed: bool, at: datetime, ends_at: datetime) -> None:
    """Add a letter."""
    transaction.execute(sa.insert(letters).values(to=to, body=body, is_sealed=is_sealed, tries=0, try_at=at, ends_at=ends_at))


def list_due(transaction: sa.Connection, at: datetime, at_most: int) -> list[Waiting]:
    """Give letters whose next try is due, oldest first."""
    columns = [letters.c[name] for name in ("id", "to", "body", "is_sealed", "tries", "ends_at")]
    rows = transaction.execute(sa.select(*columns).where(letters.c.try_at <= at).order_by(letters.c.id).limit(at_most))
    return [Waiting(**row._mapping) for row in rows]


def postpone(transaction: sa.Connection, letter_id: int, try_at: datetime) -> None:
    """Note a try in vain, and when the next one is."""
    transaction.execute(sa.update(letters).where(letters.c.id == letter_id).values(tries=letters.c.tries + 1, try_at=try_at))


def delete_letter(transaction: sa.Connection, letter_id: int) -> None:
    """Drop a letter."""
    transaction.execute(sa.delete(letters).where(letters.c.id == letter_id))


def delete_ended(transaction: sa.Connection, at: datetime) -> None:
    """Drop the letters whose time is over."""
    transaction.execute(sa.delete(letters).where(letters.c.ends_at <= at))

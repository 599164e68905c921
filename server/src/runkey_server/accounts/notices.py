"""What an account is told once, on its next page: that a machine joined, that a key was made."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server.accounts import store
from runkey_server.accounts.model import Notice

_SHOWN = 5


def tell(transaction: sa.Connection, account_id: int, words: str, path: str, at: datetime) -> None:
    """Leave a notice."""
    store.insert_notice(transaction, account_id, words, path, at)


def list_notices(transaction: sa.Connection, account_id: int) -> list[Notice]:
    """Give what an account has not put away yet, newest first."""
    return store.list_notices(transaction, account_id, _SHOWN)


def put_notices_away(transaction: sa.Connection, account_id: int) -> None:
    """Show them no more."""
    store.delete_notices_of(transaction, account_id)

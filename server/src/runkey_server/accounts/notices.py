"""What an account is told once, on its next page and by mail: that a machine joined, that a key was made, that its password changed."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server import mail
from runkey_server.accounts import store
from runkey_server.accounts.model import Notice
from runkey_server.mail import Letter

_SHOWN = 5


def tell(transaction: sa.Connection, account_id: int, words: str, path: str, at: datetime) -> None:
    """Leave a notice; to the address of an account that has one, also a letter."""
    store.insert_notice(transaction, account_id, words, path, at)
    account = store.find_account_by_id(transaction, account_id)
    if account is not None and account.email:
        mail.put(transaction, Letter(account.email, f"{words} If that was not you, act now on this page:", path), at=at)


def list_notices(transaction: sa.Connection, account_id: int) -> list[Notice]:
    """Give what an account has not put away yet, newest first."""
    return store.list_notices(transaction, account_id, _SHOWN)


def put_notices_away(transaction: sa.Connection, account_id: int) -> None:
    """Show them no more."""
    store.delete_notices_of(transaction, account_id)

"""A browser's session: 256 random bits in a cookie, their hash in a row, a new one at every sign-in."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import tokens
from runkey_server.accounts import store
from runkey_server.accounts.model import Account

SESSION_DAYS = 30
_ADMINISTRATOR_HOURS = 12


def begin_session(transaction: sa.Connection, account: Account, at: datetime) -> str:
    """Begin a session and give its token, this once. An administrator's lasts half a day, others' 30 days."""
    token = tokens.mint_token()
    lifetime = timedelta(hours=_ADMINISTRATOR_HOURS) if account.is_admin else timedelta(days=SESSION_DAYS)
    store.insert_session(transaction, digest=tokens.digest(token), account_id=account.id, at=at, expires_at=at + lifetime)
    return token


def find_session(transaction: sa.Connection, token: str, at: datetime) -> Account | None:
    """Find whose session a token is; None when it is unknown, expired, ended, or its account is disabled."""
    return store.find_session(transaction, tokens.digest(token), at)


def end_session(transaction: sa.Connection, token: str) -> None:
    """End a session; nothing happens for an unknown token."""
    store.delete_session(transaction, tokens.digest(token))

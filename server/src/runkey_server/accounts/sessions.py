"""A browser's session: 256 random bits in a cookie, their hash in a row, a new one at every sign-in.

It lasts 12 hours; 30 days for somebody who asked to stay signed in, which an administrator cannot. Giving the password again before
something that matters is a sign-in too, and begins a new session in the old one's place.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import tokens
from runkey_server.accounts import store
from runkey_server.accounts.links import DASHBOARD
from runkey_server.accounts.model import Account, BrowserSession

SESSION_DAYS = 30
_SHORT = timedelta(hours=12)
_MAX_AGENT_CHARACTERS = 200


def begin_session(
    transaction: sa.Connection,
    account: Account,
    at: datetime,
    *,
    stays: bool = False,
    is_guest: bool = False,
    user_agent: str = "",
    address: str = "",
) -> str:
    """Begin a session and give its token, this once. stays: for 30 days, unless it is an administrator's. is_guest: it may only look."""
    token = tokens.mint_token()
    store.insert_session(
        transaction,
        digest=tokens.digest(token),
        handle=tokens.mint_id("ses"),
        account_id=account.id,
        at=at,
        expires_at=at + (timedelta(days=SESSION_DAYS) if stays and not account.is_admin else _SHORT),
        user_agent="".join(c for c in user_agent if c.isprintable())[:_MAX_AGENT_CHARACTERS],
        address=address,
        is_guest=is_guest,
    )
    return token


def find_session(transaction: sa.Connection, token: str, at: datetime) -> BrowserSession | None:
    """Find the session of a token; None when it is unknown, expired, ended, or its account is disabled."""
    return store.find_session(transaction, tokens.digest(token), at)


def list_sessions(transaction: sa.Connection, account: Account, at: datetime) -> list[BrowserSession]:
    """Give the browsers that are signed in to an account, newest first."""
    return store.list_sessions(transaction, account, at)


def end_session(transaction: sa.Connection, token: str) -> None:
    """End a session; nothing happens for an unknown token."""
    store.delete_session(transaction, tokens.digest(token))


def end_session_of(transaction: sa.Connection, account: Account, handle: str) -> None:
    """End one session of an account by its public id."""
    store.delete_sessions_of(transaction, account.id, only=handle)


def end_all_sessions(transaction: sa.Connection) -> int:
    """End every session of everybody, and every link that works once; tell how many sessions.

    For a database that was put back: nobody knows which of them were ended or used since. The private links of accounts without a name
    stay, because they are all that these have.
    """
    store.delete_links(transaction, but_for=DASHBOARD)
    return store.delete_sessions(transaction)


def end_other_sessions(transaction: sa.Connection, session: BrowserSession) -> None:
    """End every session of the account but this one."""
    store.delete_sessions_of(transaction, session.account.id, but=session.handle)

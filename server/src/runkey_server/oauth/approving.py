"""A person sees what asks, and says yes or no (RFC 8628 section 3.3)."""

import logging
from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts, tokens
from runkey_server.accounts import Account
from runkey_server.database import Database, bump_epoch
from runkey_server.errors import Error
from runkey_server.oauth import store
from runkey_server.oauth.model import DeviceAuthorization, State
from runkey_wire.device_authorization import read_user_code

log = logging.getLogger("runkey_server.codes")

_EVERYBODY = "user-code"
_NOT_WAITING = "No machine waits under this code. Codes work once, for ten minutes: compare it with the one that the machine shows."


def look_up(database: Database, pepper: bytes, typed: str, account: Account, network: str, at: datetime) -> DeviceAuthorization:
    """Find the machine that waits under a code which a signed-in person typed.

    Raises Error `invalid` when none does, `too_many` after wrong ones: five in ten minutes for an account, and limits for a place and for
    all together. A code that this account decided about is no guess: a page that is loaded again is not counted.
    """
    limits = {
        f"user-code account {account.id}": accounts.USER_CODE_BY_ONE_ACCOUNT,
        f"user-code {network}": accounts.USER_CODE_FROM_ONE_PLACE,
        _EVERYBODY: accounts.USER_CODE_AT_ALL,
    }
    code = read_user_code(typed)
    with database.writing() as transaction:
        for bucket, limit in limits.items():
            try:
                accounts.check_limit(transaction, bucket, limit, at)
            except Error:
                if bucket == _EVERYBODY:
                    log.warning("Too many wrong codes of machines in an hour: nobody may type one now. Somebody may be guessing them.")
                raise
        digest = tokens.keyed_digest(pepper, code) if code else b""
        found = store.find_pending_by_user(transaction, digest, at)
        was_decided = found is None and store.was_decided_by(transaction, digest, account.id)
        if found is None and not was_decided:
            for bucket in limits:
                accounts.note_attempt(transaction, bucket, at)
    if found is None:
        raise Error("invalid", _NOT_WAITING)
    return found


def approve(transaction: sa.Connection, authorization: DeviceAuthorization, account: Account, at: datetime) -> None:
    """Let the machine in. Raises Error `conflict` when it waits no more."""
    _decide(transaction, authorization, "approved", account, at)


def deny(transaction: sa.Connection, authorization: DeviceAuthorization, account: Account, at: datetime) -> None:
    """Turn the machine away. Raises Error `conflict` when it waits no more."""
    _decide(transaction, authorization, "denied", account, at)


def _decide(transaction: sa.Connection, authorization: DeviceAuthorization, state: State, account: Account, at: datetime) -> None:
    if not store.move(transaction, authorization.id, "pending", state, at, account_id=account.id, decided_at=at):
        raise Error("conflict", "This machine waits no more: somebody decided already, or ten minutes have passed.")
    # What wakes the requests that wait, in every worker.
    bump_epoch(transaction)

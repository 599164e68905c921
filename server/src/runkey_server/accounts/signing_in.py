"""Checks a name and a password, at the same cost and with the same words when there is no such name."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server import passwords, tokens
from runkey_server.accounts import attempts, store
from runkey_server.accounts.model import Account
from runkey_server.database import Database
from runkey_server.errors import Error


def sign_in(database: Database, name: str, password: str, *, at: datetime, network: str = "", device: str | None = None) -> Account:
    """Find the account that this name and password belong to.

    network: where it is tried from. device: what names a browser that signed in to this account before, None for a stranger.
    Raises Error `unauthenticated`, never saying which was wrong; `too_many` when guessing must wait.
    """
    name = name.strip().lower()
    buckets = _buckets(name, network, device)
    with database.writing() as transaction:
        # Counted before the password is looked at, so that many tries at once are as many tries.
        tries = attempts.count_attempts(transaction, _network_bucket(network), attempts.SIGN_IN_FROM_ONE_NETWORK, at)
        for bucket, limit in buckets.items():
            if limit is not attempts.SIGN_IN_AT_ALL or tries >= attempts.FEW_TRIES:
                attempts.check_limit(transaction, bucket, limit, at)
        for bucket in buckets:
            attempts.note_attempt(transaction, bucket, at)
        account = store.find_account(transaction, name)
        kept = store.find_password_hash(transaction, account.id) if account and account.is_active else None
    # Outside the transaction: hashing takes tens of milliseconds, and a writer's place should not be held that long.
    is_right = passwords.is_right(password, kept)
    if account is None or not is_right:
        raise Error("unauthenticated", "No account has this name and this password. Check both and try again.")
    rehashed = passwords.hash_password(password) if kept and passwords.needs_rehash(kept) else None
    with database.writing() as transaction:
        _forget(transaction, buckets)
        if rehashed:
            store.set_password_hash(transaction, account.id, rehashed, None)
    return account


def _buckets(name: str, network: str, device: str | None) -> dict[str, attempts.Limit]:
    # A hash, because people type their password into the field for the name.
    hashed = tokens.digest(name).hex()[:24]
    if device is not None:
        return {f"sign-in device {tokens.digest(device).hex()[:24]}": attempts.SIGN_IN_FROM_ONE_PLACE}
    return {
        f"sign-in {hashed} {network}": attempts.SIGN_IN_FROM_ONE_PLACE,
        f"sign-in {hashed}": attempts.SIGN_IN_TO_ONE_NAME,
        _network_bucket(network): attempts.SIGN_IN_FROM_ONE_NETWORK,
        "sign-in": attempts.SIGN_IN_AT_ALL,
    }


def _network_bucket(network: str) -> str:
    return f"sign-in from {network}"


def _forget(transaction: sa.Connection, buckets: dict[str, attempts.Limit]) -> None:
    # What counts a network or all of them stays: one right password is no pardon for guesses at other names.
    for bucket, limit in buckets.items():
        if limit in (attempts.SIGN_IN_FROM_ONE_PLACE, attempts.SIGN_IN_TO_ONE_NAME):
            attempts.forget_attempts(transaction, bucket)

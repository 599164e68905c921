"""Ends a key, and the keys that came of it, at once and everywhere; finds keys by their public handle."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server import tokens
from runkey_server.database import bump_epoch
from runkey_server.errors import Error
from runkey_server.keys import store
from runkey_server.keys.model import ApiKey
from runkey_wire import api_key, limits


def revoke(transaction: sa.Connection, key: ApiKey, at: datetime) -> list[str]:
    """Revoke a key, every key that it made or that took its place, and what came of those; give their ids.

    Revoking twice changes nothing.
    """
    doomed = {key.id}
    newest = [key.id]
    while newest:
        # Marked before its successors are looked for: a rotation at this moment is either seen, or too late.
        store.mark_revoked(transaction, newest, at)
        newest = [key_id for key_id in store.list_that_came_of(transaction, newest) if key_id not in doomed]
        doomed.update(newest)
    bump_epoch(transaction)
    return sorted(doomed)


def find_key(transaction: sa.Connection, key_id: str, *, account_id: int | None = None) -> ApiKey | None:
    """Find a key by its handle, if it belongs to this account."""
    key = store.find_key(transaction, key_id)
    return key if key is not None and account_id in (None, key.account_id) else None


def get_key(transaction: sa.Connection, key_id: str, *, account_id: int | None = None) -> ApiKey:
    """Find a key by its handle. Raises Error `not_found`, also for another account's."""
    key = find_key(transaction, key_id, account_id=account_id)
    if key is None:
        raise Error("not_found", f"There is no key {key_id[:80]!r}.")
    return key


def find_key_by_secret(transaction: sa.Connection, pepper: bytes, secret: str) -> ApiKey | None:
    """Find the key whose secret this is, whatever its state."""
    if len(secret) > limits.MAX_KEY_CHARACTERS or api_key.fault_of(secret) is not None:
        return None
    found = store.find_by_digest(transaction, tokens.keyed_digest(pepper, secret))
    return found[0] if found else None


def list_keys(transaction: sa.Connection, *, account_id: int | None = None, machine_id: str | None = None) -> list[ApiKey]:
    """Give the keys of an account, of a machine, or all, oldest first."""
    return store.list_keys(transaction, account_id, machine_id)

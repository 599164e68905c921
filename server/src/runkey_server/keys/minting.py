"""Makes a key for an account and gives the secret out once; takes in one that was issued elsewhere; replaces one by the next."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import tokens
from runkey_server.accounts import Account
from runkey_server.database import bump_epoch
from runkey_server.errors import Error
from runkey_server.keys import store
from runkey_server.keys.model import ApiKey
from runkey_wire import api_key

MAX_DESCRIPTION_CHARACTERS = 200
LONGEST = timedelta(days=36_525)
_IMPORTED_PREFIX = "imported "


def mint(
    transaction: sa.Connection,
    pepper: bytes,
    account_id: int,
    *,
    kind: str,
    at: datetime,
    description: str | None = None,
    expires_at: datetime | None = None,
    made_by: str | None = None,
    machine_id: str | None = None,
    replaces: str | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; give its row and its secret. Raises Error `invalid` for a bad description or an end that has passed."""
    if description is not None and len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise Error("invalid", f"The description is too long: at most {MAX_DESCRIPTION_CHARACTERS} characters.")
    if description is not None and not description.isprintable():
        raise Error("invalid", "The description has a character that cannot be shown.")
    if expires_at is not None and expires_at <= at:
        raise Error("invalid", "The key would have expired already: give a later moment.")
    if expires_at is not None and expires_at > at + LONGEST:
        raise Error("invalid", "The key would live for more than 100 years: give an earlier moment, or none.")
    secret = tokens.mint_key(kind)
    key = ApiKey(
        id=tokens.mint_id("key"),
        account_id=account_id,
        kind=kind,
        description=description,
        prefix=secret[: api_key.PREFIX_CHARACTERS],
        last_four=secret[-4:],
        created_at=at,
        last_used_at=None,
        expires_at=expires_at,
        replaced_at=None,
        revoked_at=None,
        made_by=made_by,
        machine_id=machine_id,
        replaces=replaces,
    )
    store.insert_key(transaction, key, tokens.keyed_digest(pepper, secret))
    return key, secret


def import_key(
    transaction: sa.Connection,
    pepper: bytes,
    account: Account,
    secret: str,
    *,
    at: datetime,
    description: str | None = None,
    expires_at: datetime | None = None,
) -> ApiKey:
    """Take in a key that was issued elsewhere, so that jobs keep working after a move.

    Raises Error `invalid` for a shape that no official client accepts, or one of ours; `conflict` when this key is known already.
    """
    if api_key.kind_of(secret) is not None:
        raise Error("invalid", "This key bears a prefix of runkey's own: make it with `runkey-server key create` instead.")
    fault = api_key.fault_of(secret)
    if fault:
        raise Error("invalid", f"The key {fault}.")
    key = ApiKey(
        id=tokens.mint_id("key"),
        account_id=account.id,
        kind="user",
        description=description,
        prefix=_IMPORTED_PREFIX,
        last_four=secret[-4:],
        created_at=at,
        last_used_at=None,
        expires_at=expires_at,
        replaced_at=None,
        revoked_at=None,
        made_by=None,
    )
    if not store.insert_key(transaction, key, tokens.keyed_digest(pepper, secret)):
        raise Error("conflict", "This key is known already. See: runkey-server key list")
    return key


def retire(transaction: sa.Connection, key: ApiKey, at: datetime) -> bool:
    """Let a key open no more runs: it writes those that it opened to their end. False when it was replaced or revoked before."""
    bump_epoch(transaction)
    return store.mark_replaced(transaction, key.id, at)


def rotate(transaction: sa.Connection, pepper: bytes, key: ApiKey, *, at: datetime) -> tuple[ApiKey, str]:
    """Replace a key by a new one of the same kind, description and lifetime; the old one writes its open runs to their end.

    Revoking the old one ends the new one too: whoever stole a key must not keep it by rotating it.
    Raises Error `conflict` when it was replaced or revoked before.
    """
    if not store.mark_replaced(transaction, key.id, at):
        raise Error("conflict", f"The key {key.id} was replaced or revoked already.")
    bump_epoch(transaction)
    lifetime = key.expires_at - key.created_at if key.expires_at else None
    return mint(
        transaction,
        pepper,
        key.account_id,
        kind=key.kind,
        description=key.description,
        expires_at=at + lifetime if lifetime else None,
        made_by=key.made_by,
        machine_id=key.machine_id,
        replaces=key.id,
        at=at,
    )

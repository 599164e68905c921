"""The token endpoint's grants: a code in, a machine's own key out, once (RFC 6749 section 4.1.3, RFC 8628 section 3.4)."""

import base64
import hashlib
import hmac
import re
from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts, keys, machines, tokens
from runkey_server.accounts import Account
from runkey_server.database import Database, bump_epoch
from runkey_server.machines import Joined
from runkey_server.oauth import store
from runkey_server.oauth.errors import OAuthError
from runkey_server.oauth.model import DeviceAuthorization

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def redeem_device_code(database: Database, pepper: bytes, device_code: str, at: datetime) -> tuple[Account, Joined]:
    """Give the machine its key when somebody has approved it.

    Raises OAuthError: `authorization_pending`, `access_denied`, `expired_token`, `invalid_grant` for an unknown or spent code.
    """
    digest = tokens.digest(device_code)
    with database.reading() as transaction:
        _check_state(store.find_by_device(transaction, digest), at)
    with database.writing() as transaction:
        found = store.find_by_device(transaction, digest)
        _check_state(found, at)
        if found is None or found.account_id is None or not store.move(transaction, found.id, "approved", "spent", at):
            raise _spent()
        account = _active(transaction, found.account_id, found.decided_at)
        joined = machines.register(transaction, pepper, account, found.asking, at)
        store.note_key(transaction, found.id, joined.key.id)
        return account, joined


def redeem_code(
    database: Database, pepper: bytes, code: str, redirect_uri: str, code_verifier: str, at: datetime
) -> tuple[Account, Joined]:
    """Give the program its key. Raises OAuthError `invalid_grant` for any code, redirect or verifier that does not fit.

    A code that comes a second time was overheard by somebody: the key it gave is ended (RFC 6749 section 4.1.2).
    """
    digest = tokens.digest(code)
    with database.writing() as transaction:
        found = store.find_code(transaction, digest)
        if found is not None and found.spent_by is not None:
            key = keys.find_key(transaction, found.spent_by)
            if key is not None and key.revoked_at is None:
                machines.end_key(transaction, key, at)
            found = None
        if found is None or found.expires_at <= at or found.redirect_uri != redirect_uri or not _fits(code_verifier, found.code_challenge):
            joined = None
        else:
            account = _active(transaction, found.account_id, found.asked_at)
            joined = machines.register(transaction, pepper, account, found.asking, at)
            if not store.spend_code(transaction, digest, joined.key.id):
                raise _spent()
    # Raised outside, so that ending the overheard key is kept.
    if joined is None:
        raise _spent()
    return account, joined


def cancel(transaction: sa.Connection, pepper: bytes, token: str, at: datetime) -> None:
    """End what a token stands for: a key and its machine, a code that still waits, or the key that a code gave a moment ago.

    Whoever holds a secret may end it (RFC 7009); nothing happens for an unknown one. A code ends its key as long as the code itself lives:
    so a client whose answer was lost, or that gave up while it came, leaves no key behind.
    """
    key = keys.find_key_by_secret(transaction, pepper, token)
    if key is not None:
        if key.revoked_at is None:
            machines.end_key(transaction, key, at)
        return
    digest = tokens.digest(token)
    waiting = store.find_by_device(transaction, digest)
    if waiting is not None:
        for state in ("pending", "approved"):
            if store.move(transaction, waiting.id, state, "denied", at):
                bump_epoch(transaction)
    code = store.find_code(transaction, digest)
    if code is not None and code.spent_by is None:
        store.delete_code(transaction, digest)
    for given in (waiting, code):
        if given is not None and given.spent_by is not None and given.expires_at > at:
            _take_back(transaction, given.spent_by, at)


def _check_state(found: DeviceAuthorization | None, at: datetime) -> None:
    if found is None or found.state == "spent":
        raise _spent()
    if found.expires_at <= at:
        raise OAuthError("expired_token", "the code has expired; ask for a new one")
    if found.state == "denied":
        raise OAuthError("access_denied", "the person said no")
    if found.state == "pending":
        raise OAuthError("authorization_pending", "nobody has decided yet")


def _take_back(transaction: sa.Connection, key_id: str, at: datetime) -> None:
    key = keys.find_key(transaction, key_id)
    if key is not None and key.revoked_at is None:
        machines.take_back(transaction, key, at)


def _active(transaction: sa.Connection, account_id: int, approved_at: datetime | None) -> Account:
    """Give the account that approved. A password that was set since then undoes it: whoever approved may not have been its owner."""
    account = accounts.find_account_by_id(transaction, account_id)
    if account is None or not account.is_active:
        raise OAuthError("access_denied", "the account was disabled")
    if approved_at is None or accounts.has_new_password(transaction, account, since=approved_at):
        raise OAuthError("access_denied", "the password of the account was changed since somebody approved")
    return account


def _fits(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())


def _spent() -> OAuthError:
    return OAuthError("invalid_grant", "the code is unknown, was used already, or does not belong to this request")

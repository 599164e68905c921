"""The rows of device authorizations and authorization codes: functions that take an open transaction."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from runkey_server.database import insert_for
from runkey_server.machines import Asking
from runkey_server.oauth.model import DeviceAuthorization, IssuedCode, State
from runkey_server.oauth.tables import authorization_codes, device_authorizations
from runkey_wire.device_authorization import CLIENT_ID, SCOPE

# An expired row still says "expired" for a while, instead of "unknown"; a code that comes back after its use ends the key it gave.
_KEPT_AFTER = timedelta(hours=1)
_devices = device_authorizations.c


def insert_device(
    transaction: sa.Connection,
    device_digest: bytes,
    user_digest: bytes,
    asking: Asking,
    *,
    network: str,
    at: datetime,
    ends: datetime,
) -> bool:
    """Add a waiting machine; False when another one has the same code at this moment."""
    added = transaction.execute(
        insert_for(transaction, device_authorizations)
        .values(
            device_digest=device_digest,
            user_digest=user_digest,
            state="pending",
            asked_at=at,
            expires_at=ends,
            network=network,
            **_columns(asking),
        )
        .on_conflict_do_nothing()
        .returning(_devices.id)
    )
    return added.first() is not None


def count_pending(transaction: sa.Connection, at: datetime, *, network: str | None = None) -> int:
    """Count the codes that a guess might hit; those that one network asked for."""
    counted = sa.select(sa.func.count()).where(_devices.expires_at > at, _devices.state == "pending")
    if network is not None:
        counted = counted.where(_devices.network == network)
    return int(transaction.execute(counted).scalar_one())


def find_by_device(transaction: sa.Connection, device_digest: bytes) -> DeviceAuthorization | None:
    """Find what a device code stands for, expired or not."""
    row = transaction.execute(sa.select(device_authorizations).where(_devices.device_digest == device_digest)).first()
    return None if row is None else _device(row)


def find_pending_by_user(transaction: sa.Connection, user_digest: bytes, at: datetime) -> DeviceAuthorization | None:
    """Find the machine that waits under a user code."""
    row = transaction.execute(
        sa.select(device_authorizations).where(_devices.user_digest == user_digest, _devices.state == "pending", _devices.expires_at > at)
    ).first()
    return None if row is None else _device(row)


def was_decided_by(transaction: sa.Connection, user_digest: bytes, account_id: int) -> bool:
    """Tell whether an account decided about the machine of a user code."""
    decided = (_devices.user_digest == user_digest, _devices.state != "pending", _devices.account_id == account_id)
    return transaction.execute(sa.select(_devices.id).where(*decided)).first() is not None


def move(transaction: sa.Connection, authorization_id: int, before: State, after: State, at: datetime, **values: Any) -> bool:
    """Take an unexpired authorization from one state to another; False when it is in the first no more."""
    moved = transaction.execute(
        sa.update(device_authorizations)
        .where(_devices.id == authorization_id, _devices.state == before, _devices.expires_at > at)
        .values(state=after, **values)
    )
    return moved.rowcount == 1


def note_key(transaction: sa.Connection, authorization_id: int, key_id: str) -> None:
    """Note which key an authorization gave."""
    transaction.execute(sa.update(device_authorizations).where(_devices.id == authorization_id).values(spent_by=key_id))


def list_decided(transaction: sa.Connection, at: datetime) -> set[bytes]:
    """Give the device digests of those that somebody decided about and that have not expired."""
    return set(
        transaction.execute(sa.select(_devices.device_digest).where(_devices.state != "pending", _devices.expires_at > at)).scalars()
    )


def insert_code(
    transaction: sa.Connection,
    digest: bytes,
    asking: Asking,
    *,
    account_id: int,
    redirect_uri: str,
    code_challenge: str,
    at: datetime,
    ends: datetime,
) -> None:
    """Add an authorization code."""
    transaction.execute(
        sa.insert(authorization_codes).values(
            digest=digest,
            account_id=account_id,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            asked_at=at,
            expires_at=ends,
            **_columns(asking),
        )
    )


def find_code(transaction: sa.Connection, digest: bytes) -> IssuedCode | None:
    """Find what a code stands for, expired, spent or not."""
    row = transaction.execute(sa.select(authorization_codes).where(authorization_codes.c.digest == digest)).first()
    if row is None:
        return None
    return IssuedCode(_asking(row), row.account_id, row.redirect_uri, row.code_challenge, row.asked_at, row.expires_at, row.spent_by)


def spend_code(transaction: sa.Connection, digest: bytes, key_id: str) -> bool:
    """Mark a code used; False when somebody else was faster."""
    place = (authorization_codes.c.digest == digest, authorization_codes.c.spent_by.is_(None))
    return transaction.execute(sa.update(authorization_codes).where(*place).values(spent_by=key_id)).rowcount == 1


def delete_code(transaction: sa.Connection, digest: bytes) -> None:
    """Drop a code."""
    transaction.execute(sa.delete(authorization_codes).where(authorization_codes.c.digest == digest))


def forget_expired(transaction: sa.Connection, at: datetime) -> None:
    """Drop what ended a while ago."""
    transaction.execute(sa.delete(device_authorizations).where(_devices.expires_at < at - _KEPT_AFTER))
    transaction.execute(sa.delete(authorization_codes).where(authorization_codes.c.expires_at < at - _KEPT_AFTER))


def _columns(asking: Asking) -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "scope": SCOPE,
        "machine_name": asking.name,
        "os_user": asking.os_user,
        "system": asking.system,
        "address": asking.address,
        "machine_id": asking.machine_id,
    }


def _asking(row: Any) -> Asking:
    return Asking(row.machine_name, row.os_user, row.system, row.address, row.machine_id)


def _device(row: Any) -> DeviceAuthorization:
    return DeviceAuthorization(row.id, _asking(row), row.state, row.account_id, row.asked_at, row.expires_at, row.decided_at, row.spent_by)

"""Holds accounts without a name to what they may keep."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts, runs
from runkey_server.accounts import Account
from runkey_server.claiming.offer import Caps
from runkey_server.errors import Error

_CURE = "Claim it, and nothing of this holds any more: runkey claim"


@dataclass(frozen=True)
class Used:
    """How much of its caps an account has used, and when it ends."""

    runs: int
    stored_bytes: int
    ends_at: datetime
    caps: Caps


def check_runs(transaction: sa.Connection, account_id: int, caps: Caps) -> None:
    """Raise Error `forbidden` when an account has more runs than it may."""
    if runs.count_runs_of(transaction, account_id) > caps.runs:
        raise Error("forbidden", f"An account without a name holds at most {caps.runs} runs. {_CURE}")


def count_bytes(transaction: sa.Connection, account_id: int, more: int, caps: Caps) -> None:
    """Count what an account is sending. Raises Error `forbidden` beyond what it may keep; then nothing of it is kept."""
    if accounts.count_bytes(transaction, account_id, more) > caps.max_bytes:
        raise Error("forbidden", _too_much(caps))


def room_for(transaction: sa.Connection, account_id: int, caps: Caps) -> int | None:
    """Give how many bytes an account may still store; None for one with a name. Raises Error `forbidden` when none are left."""
    account = accounts.find_account_by_id(transaction, account_id)
    if account is None or not account.is_anonymous:
        return None
    room = caps.max_bytes - account.stored_bytes
    if room <= 0:
        raise Error("forbidden", _too_much(caps))
    return room


def use_of(transaction: sa.Connection, account: Account, caps: Caps) -> Used:
    """Tell how much an account without a name has used."""
    assert account.anonymous_until is not None
    return Used(runs.count_runs_of(transaction, account.id), account.stored_bytes, account.anonymous_until, caps)


def _too_much(caps: Caps) -> str:
    return f"An account without a name holds at most {caps.max_bytes // 1_000_000} MB. {_CURE}"

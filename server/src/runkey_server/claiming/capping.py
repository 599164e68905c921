"""Holds accounts without a name to what they may keep."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts, projects, runs
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


def check_projects(transaction: sa.Connection, account_id: int, caps: Caps) -> None:
    """Raise Error `forbidden` when an account has more projects than it may have runs."""
    if projects.count_projects(transaction, account_id) > caps.runs:
        raise Error("forbidden", f"An account without a name holds at most {caps.runs} projects. {_CURE}")


def count_bytes(transaction: sa.Connection, account_id: int, more: int, caps: Caps) -> None:
    """Count by how much what an account keeps grows; below 0 when it shrinks.

    Raises Error `forbidden` beyond what it may keep; then nothing of it is kept. What makes nothing grow is taken even then: a retry, a
    run's last word.
    """
    if more and accounts.count_bytes(transaction, account_id, more) > caps.max_bytes and more > 0:
        raise Error("forbidden", _too_much(caps))


@contextmanager
def counting(transaction: sa.Connection, account_id: int | None, caps: Caps, weigh: Callable[[], int]) -> Iterator[None]:
    """Count by how much what an account without a name keeps grows meanwhile. Raises Error `forbidden`, as `count_bytes`.

    account_id: None for one that has a name. weigh: tells how many bytes it takes, before and after.
    """
    if account_id is None:
        yield
        return
    before = weigh()
    yield
    count_bytes(transaction, account_id, weigh() - before, caps)


def hold_room(transaction: sa.Connection, account_id: int, needed: int, wanted: int, caps: Caps) -> int:
    """Count bytes before they are there: those that are wanted or what is left, and give how many.

    Raises Error `forbidden` when what is left is less than what is needed.
    """
    over = max(0, accounts.count_bytes(transaction, account_id, wanted) - caps.max_bytes)
    if wanted - over < needed:
        raise Error("forbidden", _too_much(caps))
    accounts.count_bytes(transaction, account_id, -over)
    return wanted - over


def use_of(transaction: sa.Connection, account: Account, caps: Caps) -> Used:
    """Tell how much an account without a name has used."""
    assert account.anonymous_until is not None
    return Used(runs.count_runs_of(transaction, account.id), account.stored_bytes, account.anonymous_until, caps)


def _too_much(caps: Caps) -> str:
    return f"An account without a name holds at most {caps.max_bytes // 1_000_000} MB. {_CURE}"

"""What is tried often only by somebody who guesses: counted in the database, so that every worker knows of it, and a restart does.

Delays, not lock-outs: an account that could be locked by wrong guesses could be locked by anybody. Beyond a number of free tries each
further one must wait, longer each time, at most a minute; whoever signed in from this browser before is counted apart from strangers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.accounts import store
from runkey_server.database import hold
from runkey_server.errors import Error

_LONGEST_DELAY_SECONDS = 60
_KEEP = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """So many free tries within a length of time; is_hard: none beyond them until some have grown old, instead of delays."""

    free: int
    within: timedelta
    is_hard: bool = False


SIGN_IN_FROM_ONE_PLACE = Limit(10, timedelta(minutes=15))
SIGN_IN_TO_ONE_NAME = Limit(30, timedelta(hours=1))
SIGN_IN_FROM_ONE_NETWORK = Limit(100, timedelta(minutes=5))
SIGN_IN_AT_ALL = Limit(1_000, timedelta(minutes=5), is_hard=True)
FEW_TRIES = 5
"""A network with fewer wrong tries than that is not held back because others guess: nobody can shut everybody out."""

SIGN_UP_FROM_ONE_PLACE = Limit(20, timedelta(hours=1), is_hard=True)
ANONYMOUS_FROM_ONE_PLACE = Limit(20, timedelta(hours=1), is_hard=True)
USER_CODE_BY_ONE_ACCOUNT = Limit(5, timedelta(minutes=10), is_hard=True)
USER_CODE_FROM_ONE_PLACE = Limit(50, timedelta(hours=1), is_hard=True)
USER_CODE_AT_ALL = Limit(300, timedelta(hours=1), is_hard=True)


def check_limit(transaction: sa.Connection, bucket: str, limit: Limit, at: datetime) -> None:
    """Raise Error `too_many` when it is too early for another try."""
    hold(transaction, bucket)
    count, last = store.count_attempts(transaction, bucket, at - limit.within)
    if count < limit.free or last is None:
        return
    seconds = _LONGEST_DELAY_SECONDS if limit.is_hard else min(_LONGEST_DELAY_SECONDS, 2 ** min(count - limit.free, 10))
    wait = seconds if limit.is_hard else int((last + timedelta(seconds=seconds) - at).total_seconds()) + 1
    if limit.is_hard or last + timedelta(seconds=seconds) > at:
        raise Error("too_many", f"Too many tries. Wait {wait} seconds, then try again.", retry_after_seconds=wait)


def count_attempts(transaction: sa.Connection, bucket: str, limit: Limit, at: datetime) -> int:
    """Count the tries that a limit looks at."""
    return store.count_attempts(transaction, bucket, at - limit.within)[0]


def note_attempt(transaction: sa.Connection, bucket: str, at: datetime) -> None:
    """Count one try."""
    store.insert_attempt(transaction, bucket, at)


def forget_attempts(transaction: sa.Connection, bucket: str) -> None:
    """Begin anew for a bucket: a try was right."""
    store.delete_attempts(transaction, bucket=bucket)


def forget_old_attempts(transaction: sa.Connection, at: datetime) -> None:
    """Drop what no limit looks at any more."""
    store.delete_attempts(transaction, before=at - _KEEP)

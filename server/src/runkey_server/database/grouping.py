"""Several short acts in one commit, when several are waiting: a sync of the disk costs as much for one as for twenty.

Whoever comes first leads: it does its own act and those that came meanwhile in one transaction, and everybody hears of theirs after the
commit. An act that fails is undone alone. Nobody waits for company: an act that is alone is committed at once.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from runkey_server.database.engine import Database

_AT_MOST = 32
Result = TypeVar("Result")


class _Job:
    __slots__ = ("act", "failure", "is_done", "result", "turn")

    def __init__(self, act: Callable[[sa.Connection], Any]) -> None:
        self.act = act
        self.result: Any = None
        self.failure: BaseException | None = None
        self.is_done = False
        self.turn = threading.Event()


class Grouped:
    """Writes for one process, together where that saves a commit."""

    def __init__(self, database: Database) -> None:
        """Write to this database."""
        self._database = database
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._is_led = False

    def write(self, act: Callable[[sa.Connection], Result]) -> Result:
        """Do an act in a writing transaction; gives its result after the commit, or raises what it raised. Raises Error `unavailable`."""
        job = _Job(act)
        with self._lock:
            self._waiting.append(job)
            leads = not self._is_led
            self._is_led = True
        if not leads:
            job.turn.wait()
        if not job.is_done:
            self._lead()
        if job.failure is not None:
            raise job.failure
        result: Result = job.result
        return result

    def _lead(self) -> None:
        """Commit what waits, the leader's own act first; then hand on."""
        with self._lock:
            jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_MOST))]
        try:
            self._commit(jobs)
        finally:
            with self._lock:
                successor = self._waiting[0] if self._waiting else None
                self._is_led = successor is not None
            for job in jobs:
                job.is_done = True
                job.turn.set()
            if successor is not None:
                successor.turn.set()

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            with self._database.writing() as transaction:
                for job in jobs:
                    _do(transaction, job, is_alone=len(jobs) == 1)
        except BaseException as failure:
            # Nothing was committed. An act that failed by itself keeps its own words.
            for job in jobs:
                job.failure = job.failure or failure


def _do(transaction: sa.Connection, job: _Job, *, is_alone: bool) -> None:
    if is_alone:
        job.result = job.act(transaction)
        return
    try:
        with transaction.begin_nested():
            job.result = job.act(transaction)
    except sa.exc.DBAPIError:
        # The database itself: whether the transaction still holds is not ours to guess.
        raise
    except Exception as failure:
        job.failure = failure

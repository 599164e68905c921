"""Forgets what no limit looks at any more."""

from datetime import datetime, timedelta

from runkey_server.accounts import attempts
from runkey_server.clock import Clock
from runkey_server.database import Database

_EVERY = timedelta(minutes=10)


class Forgetting:
    """Forgets for one server, now and then."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Begin with the first turn."""
        self._database = database
        self._clock = clock
        self._next: datetime | None = None

    def forget_due(self) -> None:
        """Drop old tries, every ten minutes. Raises Error `unavailable`."""
        at = self._clock()
        if self._next is not None and at < self._next:
            return
        with self._database.writing() as transaction:
            attempts.forget_old_attempts(transaction, at)
        self._next = at + _EVERY

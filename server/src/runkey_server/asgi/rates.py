"""How often somebody may do something: the generic cell rate algorithm, in memory, a key an entry.

Each worker counts for itself, so the limit of several workers is a multiple; it guards against a loop gone wild, not against a bill.
"""

from collections import OrderedDict
from time import monotonic

from runkey_server.errors import Error

_MAX_KEPT = 10_000


class RateLimit:
    """So many a second for each key, with a burst of one second's worth."""

    def __init__(self, per_second: float, burst_seconds: float = 1.0) -> None:
        """Allow `per_second` on average."""
        self._interval = 1.0 / per_second
        self._burst_seconds = burst_seconds
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one. Raises Error `too_many` beyond the limit."""
        now = monotonic()
        due = max(self._due.get(key, 0.0), now)
        if due - now > self._burst_seconds:
            raise Error("too_many", "Too many requests at once. Try again in a moment.", retry_after_seconds=1)
        self._due[key] = due + self._interval
        self._due.move_to_end(key)
        if len(self._due) > _MAX_KEPT:
            self._due.popitem(last=False)

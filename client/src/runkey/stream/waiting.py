"""How long to wait before a request is sent again, and which are worth it."""

import random

from runkey.errors import ConnectionFailed, Error, ServerError

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0
# Everything else is final for one request and so for the run: what RFC 9110 calls the client's fault, without those that pass. Of the
# server's own, 501 and 505 would not change; a service in front of one has numbers of its own from 520 on.
_TRANSIENT = frozenset({408, 425, 429, *range(500, 600)}) - {501, 505}

# One of its own: a training that has seeded the module's must find it as it left it.
_chance = random.Random()  # noqa: S311


def passes(error: Error) -> bool:
    """Tell whether a request is worth sending again: no answer, or one that passes."""
    if isinstance(error, ConnectionFailed):
        return True
    return isinstance(error, ServerError) and (error.status is None or error.status in _TRANSIENT)


class Backoff:
    """Longer waits after each failure. failures: how many in a row."""

    def __init__(self) -> None:
        """Begin without one."""
        self.failures = 0

    def next_seconds(self, error: Error) -> float:
        """Count a failure; give how long to wait: what the server asked for, or twice as long as the last time."""
        self.failures += 1
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(self.failures - 1, 10))
        asked = getattr(error, "retry_after_seconds", None) or 0.0
        # Spread, so that a thousand runs do not come back in the same instant.
        return float(max(asked, longest * _chance.uniform(0.5, 1.0)))

    def reset(self) -> None:
        """Forget the failures: something went well."""
        self.failures = 0

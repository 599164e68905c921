"""The present moment and sleeping, so that tests can replace both.

Moments are kept as RFC 3339 text and compared as seconds: importing `datetime` alone would cost a tenth of what `runkey status` may cost.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """What this package asks of time."""

    def now(self) -> float:
        """Seconds since 1970, as the computer believes."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The computer's own."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def as_text(moment: float) -> str:
    """Write seconds since 1970 as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def ago(text: str, now: float) -> str:
    """Say in words how long ago an RFC 3339 moment in UTC was; the text itself when it cannot be read."""
    import calendar

    try:
        then = calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return text
    seconds = max(0, int(now - then))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"

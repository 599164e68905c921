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
    try:
        seconds = max(0, int(now - _seconds(text)))
    except (ValueError, IndexError):
        return text
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _seconds(text: str) -> int:
    """Read `2026-01-31T12:00:00…` in UTC as seconds since 1970. By hand: `time.strptime` alone costs 5 ms to import."""
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    # Days since 1970 in the proleptic Gregorian calendar, with the year begun in March so that a leap day comes last.
    year -= month <= 2
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = year * 365 + year // 4 - year // 100 + year // 400 + day_of_year - 719468
    return days * 86400 + hour * 3600 + minute * 60 + second

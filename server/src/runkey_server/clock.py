"""The present moment, in UTC, replaceable: rooms are handed a Clock and never ask the system."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """Give the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def on_the_wire(moment: datetime) -> str:
    """Write a moment as RFC 3339 with a Z, to the millisecond: the form that the official client parses."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

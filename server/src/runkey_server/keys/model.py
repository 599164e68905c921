"""What an API key is: everything about it but its secret."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

GRACE = timedelta(hours=24)
"""How long a replaced, rotated or expired key may write on to runs it opened: one 401 makes the official client drop its run for good."""

LIFETIME = timedelta(days=365)
"""How long a key lasts that a machine or a page asks for."""

State = Literal["active", "expired", "replaced", "revoked"]


@dataclass(frozen=True)
class ApiKey:
    """One key.

    id: its public handle. kind: user, machine, service or anonymous. made_by: the key that made it, which takes it along when
    revoked. machine_id: the machine whose own key it is. replaces: the key whose place it took, which takes it along as well.
    """

    id: str
    account_id: int
    kind: str
    description: str | None
    prefix: str
    last_four: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    replaced_at: datetime | None
    revoked_at: datetime | None
    made_by: str | None
    machine_id: str | None = None
    replaces: str | None = None

    @property
    def name(self) -> str:
        """How it is shown: `rku_…Zp4x`."""
        return f"{self.prefix}…{self.last_four}"

    def state(self, at: datetime) -> State:
        """Tell what it is good for at a moment."""
        if self.revoked_at is not None:
            return "revoked"
        if self.replaced_at is not None and self.replaced_at <= at:
            return "replaced"
        if self.expires_at is not None and self.expires_at <= at:
            return "expired"
        return "active"

    def ended_at(self) -> datetime | None:
        """Give the moment from which on it opens no new run: when it was replaced or expires, whichever comes first."""
        ends = [moment for moment in (self.replaced_at, self.expires_at) if moment is not None]
        return min(ends) if ends else None

"""What the authorization server holds while somebody decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runkey_server.machines import Asking

State = Literal["pending", "approved", "denied", "spent"]


@dataclass(frozen=True)
class DeviceAuthorization:
    """One machine that waits (RFC 8628). It ends at expires_at, whatever its state.

    account_id, decided_at: who decided, and when. spent_by: the id of the key it gave.
    """

    id: int
    asking: Asking
    state: State
    account_id: int | None
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    spent_by: str | None


@dataclass(frozen=True)
class IssuedCode:
    """An authorization code that was given to a loopback redirect (RFC 6749 section 4.1.2).

    asked_at: when a person approved it. spent_by: the id of the key it gave.
    """

    asking: Asking
    account_id: int
    redirect_uri: str
    code_challenge: str
    asked_at: datetime
    expires_at: datetime
    spent_by: str | None

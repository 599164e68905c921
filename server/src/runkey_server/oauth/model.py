"""What the authorization server holds while somebody decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runkey_server.machines import Asking

State = Literal["pending", "approved", "denied", "spent"]


@dataclass(frozen=True)
class DeviceAuthorization:
    """One machine that waits (RFC 8628). account_id: who decided. It ends at expires_at, whatever its state."""

    id: int
    asking: Asking
    state: State
    account_id: int | None
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class IssuedCode:
    """An authorization code that was given to a loopback redirect (RFC 6749 section 4.1.2). spent_by: the id of the key it gave."""

    asking: Asking
    account_id: int
    redirect_uri: str
    code_challenge: str
    expires_at: datetime
    spent_by: str | None

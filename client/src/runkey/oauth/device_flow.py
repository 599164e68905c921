"""The device authorization grant (RFC 8628) as a machine without I/O: it says when to ask next and how, and is told what came back."""

from typing import Any

from runkey.credentials.model import Secret
from runkey.oauth.endpoints import Refusal, passes
from runkey_wire import device_authorization as wire

_LONGEST_BACKOFF_SECONDS = 30.0
_LONGEST_SECONDS = 86_400.0


class Denied(Exception):
    """The person said no."""


class Expired(Exception):
    """The code's time is over, or it counts no more."""


class DeviceFlow:
    """One pair of codes, from being issued to being redeemed.

    user_code: for the person to compare or type; uri: where; uri_with_code: the same with the code filled in.
    """

    def __init__(self, answer: dict[str, Any], now: float) -> None:
        """Begin with the server's answer, at a moment of a monotonic clock. Raises KeyError, TypeError or ValueError for no such answer."""
        self.device_code = Secret(str(answer["device_code"]))
        self.user_code = str(answer["user_code"])
        self.uri = _address(answer["verification_uri"])
        self.uri_with_code = _address(answer.get("verification_uri_complete") or self.uri)
        self.ends_at = now + _seconds(answer["expires_in"])
        self._interval = _seconds(answer.get("interval") or wire.INTERVAL_SECONDS)
        self._failures = 0
        self.holds = True
        """Whether the next request should ask to be held."""

    def pause_after(self, error: Exception) -> float:
        """Take in why the machine was not let in yet; give the seconds until the next request.

        Raises Denied, Expired; any error that asking again will not cure comes back as it is.
        """
        if isinstance(error, Refusal):
            self._failures = 0
            match error.code:
                case "authorization_pending":
                    # A server that held the request may be asked again at once; one that does not hold is asked at its interval.
                    self.holds = error.held
                    return 0.0 if error.held else self._interval
                case "slow_down":
                    self.holds = False
                    self._interval += wire.SLOW_DOWN_SECONDS
                    return self._interval
                case "access_denied":
                    raise Denied from None
                case "expired_token" | "invalid_grant":
                    raise Expired from None
            raise error
        if not passes(error):
            raise error
        # The network, or the server for a moment: wait longer each time (RFC 8628 section 3.5), and do not count on being held.
        self._failures += 1
        wanted = getattr(error, "retry_after_seconds", None)
        return float(wanted) if wanted is not None else min(_LONGEST_BACKOFF_SECONDS, 2.0 ** min(self._failures, 5) / 2)


def _address(value: Any) -> str:
    """Read an address that a person will be shown, as a link in a notebook. Raises ValueError for what leads to no page."""
    address = str(value)
    if not address.startswith(("https://", "http://")) or not address.isprintable() or " " in address:
        raise ValueError("no address of a page")
    return address


def _seconds(value: Any) -> float:
    """Read a length of time. Raises ValueError for one that never ends, or that would be asked after without a pause."""
    try:
        seconds = float(value)
    except OverflowError:
        raise ValueError("no length of time to wait") from None
    if not 1 <= seconds <= _LONGEST_SECONDS:
        raise ValueError("no length of time to wait")
    return seconds

"""Every exception that a user of runkey can catch.

    Error                         exit code 1
    ├── UsageError                2   asked for in a way that cannot work
    │   ├── NotLoggedIn           3   no credential, and nobody to ask
    │   └── CannotStore           5   no way to ask, or to keep what was got, here
    ├── AuthenticationError       4   the server refused the credential: who are you?
    ├── ForbiddenError            4   who you are is known; it is not allowed
    ├── WrongServer               6   not the server that was logged in to; nothing was sent
    ├── ConnectionFailed          7   no answer; `.layer` says how far it came
    └── ServerError               4   the server answered that it cannot, now or at all

A message is a sentence that says what happened, to what, and the next step. None ever holds a secret. Training never stops because logging
failed: after `init()` failures are kept and told once.
"""

from typing import ClassVar, Literal

Layer = Literal["name", "connect", "proxy", "tls", "http", "timeout"]


class Error(Exception):
    """What all of them are."""

    exit_code: ClassVar[int] = 1


class UsageError(Error):
    """Something was asked for in a way that cannot work, or no key can be configured and there is nobody to ask."""

    exit_code = 2


class NotLoggedIn(UsageError):
    """There is no credential for this server, and nobody to ask for one."""

    exit_code = 3


class CannotStore(UsageError):
    """There is no way to ask here, or to keep a credential here."""

    exit_code = 5


class AuthenticationError(Error):
    """The server refused the credential: it is unknown, revoked or expired."""

    exit_code = 4


class ForbiddenError(Error):
    """The server knows who you are, and does not allow this."""

    exit_code = 4


class WrongServer(Error):
    """This is not the server that was logged in to, or not a runkey server at all. No secret was sent to it."""

    exit_code = 6


class ConnectionFailed(Error):
    """No answer came. layer: the part that failed: name, connect, proxy, tls, http or timeout."""

    exit_code = 7

    def __init__(self, message: str, layer: Layer) -> None:
        super().__init__(message)
        self.layer: Layer = layer


class ServerError(Error):
    """The server answered that it cannot.

    status: HTTP's, if it was HTTP's to say. retry_after_seconds: when to come again, if it said so.
    """

    exit_code = 4

    def __init__(self, message: str, *, status: int | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

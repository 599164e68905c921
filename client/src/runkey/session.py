"""What this process holds: the credentials it logged in with, and what is running that wants to hear of new ones.

A login in this process wins over everything stored for as long as the process lives, and over what the environment says.
"""

from typing import Protocol

from runkey.credentials.model import Credential


class Backend(Protocol):
    """Something in progress that sends with a credential: a run. host, account: whose credential it began with."""

    host: str
    account: str | None

    def adopt(self, credential: Credential) -> None:
        """Go on with this credential, sending what was held back."""


class Session:
    """The state of one process."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.credentials: dict[str, Credential] = {}
        self.current: Credential | None = None
        self.backends: list[Backend] = []
        self.is_offline = False
        # What was said already, so that it is said once a process; and which hosts proved who they are, and when keys were checked.
        self.said: set[str] = set()
        self.proved: dict[str, str] = {}
        self.checked_at: dict[tuple[str, str], float] = {}

    def hold(self, credential: Credential) -> None:
        """Make this the credential that everything later in this process uses for its host."""
        self.credentials[credential.host] = credential
        self.current = credential
        self.is_offline = False

    def forget(self, host: str) -> None:
        """Let go of a host's credential."""
        self.credentials.pop(host, None)
        if self.current is not None and self.current.host == host:
            self.current = None


# One a process, as W&B has its singleton. Tests make their own.
process = Session()


def register(backend: Backend) -> None:
    """Let a running backend hear of new credentials."""
    process.backends.append(backend)


def unregister(backend: Backend) -> None:
    """Stop that."""
    if backend in process.backends:
        process.backends.remove(backend)

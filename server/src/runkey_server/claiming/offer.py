"""Whether this server lets anybody log without an account, and how much."""

from dataclasses import dataclass

from starlette.types import Scope

from runkey_server.asgi.hosts import Hosts


@dataclass(frozen=True)
class Caps:
    """What an account without a name may keep. days: until it is purged."""

    runs: int = 100
    max_bytes: int = 200_000_000
    days: int = 14


class Offer:
    """The offer, as one worker makes it."""

    def __init__(self, caps: Caps, hosts: Hosts, *, allowed: bool | None) -> None:
        """allowed: the setting; None: only while nobody but this computer can reach the server."""
        self.caps = caps
        self._hosts = hosts
        self._allowed = allowed

    def is_open(self, scope: Scope) -> bool:
        """Say whether a request may make an account."""
        return self._hosts.is_loopback_only(scope) if self._allowed is None else self._allowed

"""What a machine is, and what one tells of itself when it asks to be let in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MachineState = Literal["logged in", "logged out", "revoked"]


@dataclass(frozen=True)
class Asking:
    """A machine before anybody knows it. All of it is its own word but the address.

    name: its host name. os_user: who logs it in. system: operating system and processor. machine_id: the id in its credentials file, if
    this server gave it one before.
    """

    name: str
    os_user: str
    system: str
    address: str
    machine_id: str | None = None


@dataclass(frozen=True)
class Host:
    """A computer on which a machine's login was used."""

    name: str
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class Machine:
    """One login of one account. joined_at: the last time it was approved; last_seen_at: when its key was last used."""

    id: str
    account_id: int
    name: str
    os_user: str
    system: str
    address: str
    created_at: datetime
    joined_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime | None = None
    has_key: bool = False
    runs: int = 0
    hosts: tuple[Host, ...] = ()

    @property
    def state(self) -> MachineState:
        """Whether it can log data: logged in; logged out, when it has no key that counts; or revoked here."""
        if self.revoked_at is not None:
            return "revoked"
        return "logged in" if self.has_key else "logged out"

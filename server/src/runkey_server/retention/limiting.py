"""How many bytes of files a project and an account may keep, and whether there is room for one more.

What is measured is what the pages tell: each distinct content once a project, with what can still be restored. It is measured again once a
minute, and whenever a file would be refused; in between, a worker adds what it takes in itself, so that uploads side by side cannot pass a
limit together. Of other workers' uploads it hears a minute late at most.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import sqlalchemy as sa

from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.retention.measuring import measure_files

_REMEMBERED_FOR = timedelta(minutes=1)
_MAX_REMEMBERED = 10_000


@dataclass(frozen=True)
class Limits:
    """Bytes that an operator allows; None for as many as the disk has. file: of one file."""

    file: int | None = None
    project: int | None = None
    account: int | None = None


@dataclass
class _Account:
    """What the projects of an account take, by their id, and until when that is believed. held: for files on their way in."""

    until: datetime
    taken: dict[int, int]
    held: dict[int, int] = field(default_factory=dict)

    def of_project(self, project_id: int) -> int:
        return self.taken.get(project_id, 0) + self.held.get(project_id, 0)

    def of_all(self) -> int:
        return sum(self.taken.values()) + sum(self.held.values())


class Quota:
    """Holds one worker's uploads to the limits."""

    def __init__(self, database: Database, limits: Limits, clock: Clock) -> None:
        """Begin with nothing in mind."""
        self._database = database
        self.limits = limits
        self._clock = clock
        self._accounts: dict[int, _Account] = {}
        self._lock = Lock()

    def check_file(self, size_bytes: int) -> None:
        """Look whether a file is not too large by itself. Raises Error `too_large`."""
        most = self.limits.file
        if most is not None and size_bytes > most:
            raise Error("too_large", f"The file is larger than the {in_words(most)} that a file may have on this server.")

    def hold(self, account_id: int, project_id: int, size_bytes: int) -> None:
        """Keep room for so many bytes more. Raises Error `forbidden`, in words that say which limit; `unavailable`."""
        if self.limits.project is None and self.limits.account is None:
            return
        if self._try(account_id, project_id, size_bytes) is None:
            return
        # Something may have been deleted, or counted twice: before anything is refused, it is measured.
        self._measure(account_id)
        fault = self._try(account_id, project_id, size_bytes)
        if fault is not None:
            raise Error("forbidden", fault)

    def settle(self, account_id: int, project_id: int, held: int, kept: int) -> None:
        """Count what was kept in the place of what was held."""
        with self._lock:
            account = self._accounts.get(account_id)
            if account is not None:
                account.held[project_id] = max(0, account.held.get(project_id, 0) - held)
                account.taken[project_id] = account.taken.get(project_id, 0) + kept

    def check_moved(self, transaction: sa.Connection, account_id: int, project_id: int) -> None:
        """Look whether a project has room for what was moved into it in this transaction. Raises Error `forbidden`."""
        most = self.limits.project
        taken = 0 if most is None else measure_files(transaction, account_id=account_id).get(project_id, 0)
        if most is not None and taken > most:
            raise Error("forbidden", f"There is no room: the files of that project would take {in_words(taken)} of {in_words(most)}.")
        with self._lock:
            account = self._accounts.get(account_id)
            if account is not None:
                # What it was no longer holds; what is on its way in does.
                account.until = self._clock()

    def find_fault(self, account_id: int, project_id: int) -> str | None:
        """Say why the next file would be refused, in a sentence; None when it would not."""
        try:
            self.hold(account_id, project_id, 1)
        except Error as error:
            if error.code != "forbidden":
                raise
            return error.message
        self.settle(account_id, project_id, 1, 0)
        return None

    def _try(self, account_id: int, project_id: int, size_bytes: int) -> str | None:
        with self._lock:
            account = self._accounts.get(account_id)
            is_current = account is not None and self._clock() < account.until
        if account is None or not is_current:
            self._measure(account_id)
        with self._lock:
            account = self._accounts[account_id]
            for most, taken, whose in (
                (self.limits.project, account.of_project(project_id), "this project"),
                (self.limits.account, account.of_all(), "this account"),
            ):
                if most is not None and taken + size_bytes > most:
                    full = f"the files of {whose} take {in_words(taken)} of the {in_words(most)} that they may"
                    return f"There is no room for this file: {full}. Delete files or runs, or ask the server's operator for more."
            account.held[project_id] = account.held.get(project_id, 0) + size_bytes
            return None

    def _measure(self, account_id: int) -> None:
        with self._database.reading() as transaction:
            taken = measure_files(transaction, account_id=account_id)
        with self._lock:
            if len(self._accounts) > _MAX_REMEMBERED:
                self._accounts = {each: account for each, account in self._accounts.items() if any(account.held.values())}
            before = self._accounts.get(account_id)
            self._accounts[account_id] = _Account(self._clock() + _REMEMBERED_FOR, taken, before.held if before else {})


def in_words(size_bytes: int) -> str:
    """Write a size for people: `1.5 GB`."""
    size, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.0f} {units[0]}" if size >= 10 or size == int(size) else f"{size:.1f} {units[0]}"

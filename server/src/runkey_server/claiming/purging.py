"""Ends accounts without a name whose time is over: rows, and the bytes of files that no other row names."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts, files, history, keys, projects, runs
from runkey_server.accounts import Account
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.files import Directory

_AT_ONCE = 20


class Purger:
    """Purges for one server, and remembers the bytes that are still to be removed."""

    def __init__(self, database: Database, directory: Directory, clock: Clock) -> None:
        """Begin with nothing to remove."""
        self._database = database
        self._directory = directory
        self._clock = clock
        self._released: list[str] = []

    def purge_due(self) -> None:
        """Purge some accounts whose time is over. One transaction an account; bytes go after the commit. Raises Error `unavailable`."""
        at = self._clock()
        with self._database.reading() as transaction:
            due = accounts.list_due_accounts(transaction, at, _AT_ONCE, grace=keys.GRACE)
        for account in due:
            with self._database.writing() as transaction:
                released = _purge(transaction, account, at)
            self._released += released
        if self._released:
            self._released = files.sweep(self._database, self._directory, self._released)


def _purge(transaction: sa.Connection, account: Account, at: datetime) -> list[str]:
    run_ids = runs.list_run_ids_of(transaction, account.id)
    history.purge(transaction, run_ids)
    released = files.purge(transaction, run_ids)
    runs.purge(transaction, run_ids)
    projects.purge(transaction, account.id)
    for key in keys.list_keys(transaction, account_id=account.id):
        keys.revoke(transaction, key, at)
    accounts.delete_account(transaction, account, at)
    return released

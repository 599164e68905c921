"""Ends accounts without a name whose time is over, with all that they logged."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts, artifacts, keys, projects, runs
from runkey_server.accounts import Account
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.files import Directory
from runkey_server.retention import purge_runs

_AT_ONCE = 20


class Purger:
    """Purges for one server. What it has done is in the database alone, so that it goes on after a restart."""

    def __init__(self, database: Database, directory: Directory, clock: Clock) -> None:
        """Purge from a database and a folder of bytes."""
        self._database = database
        self._directory = directory
        self._clock = clock

    def purge_due(self) -> None:
        """Purge some accounts whose time is over: their runs first, then all the rest in one transaction. Raises Error `unavailable`."""
        at = self._clock()
        with self._database.reading() as transaction:
            due = accounts.list_due_accounts(transaction, at, _AT_ONCE, grace=keys.GRACE)
        for account in due:
            if account.is_active:
                with self._database.writing() as transaction:
                    # So that nothing is added any more.
                    accounts.disable_account(transaction, account, at)
            with self._database.reading() as transaction:
                run_ids = runs.list_run_ids_of(transaction, account.id)
            if purge_runs(self._database, self._directory, run_ids):
                with self._database.reading() as transaction:
                    project_ids = projects.list_ids_of(transaction, account.id)
                for project_id in project_ids:
                    artifacts.purge_project(self._database, project_id)
                with self._database.writing() as transaction:
                    _purge(transaction, account, at)


def _purge(transaction: sa.Connection, account: Account, at: datetime) -> None:
    if runs.list_run_ids_of(transaction, account.id):
        # One that was on its way in when the account was closed: the next turn finds it.
        return
    projects.purge(transaction, projects.list_ids_of(transaction, account.id))
    for key in keys.list_keys(transaction, account_id=account.id):
        keys.revoke(transaction, key, at)
    accounts.delete_account(transaction, account, at)

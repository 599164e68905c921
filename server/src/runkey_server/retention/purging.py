"""Drops for good what was deleted: files and their bytes, artifacts, history, console, rows. What there is to do stands in the database."""

from collections.abc import Sequence
from datetime import timedelta

from runkey_server import artifacts, files, history, projects, runs
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.files import Directory

PURGED_AFTER = projects.UNDO_FOR + timedelta(minutes=10)
"""Some time after the last moment to restore, so that nobody restores what is half gone."""

_RUNS_AT_ONCE = 50
_PROJECTS_AT_ONCE = 10


def purge_runs(database: Database, directory: Directory, run_ids: Sequence[int]) -> bool:
    """Drop runs with all they have; False when some have files too young to be removed yet, and stay. Raises Error `unavailable`.

    Files go first, then the rows of a run in one transaction: what is cut off in between goes on when it is asked for again.
    """
    is_done = True
    for run_id in run_ids:
        is_gone = files.purge(database, directory, [run_id])
        with database.writing() as transaction:
            # A file may have been on its way in; the next turn finds it.
            if is_gone and not files.count_files(transaction, run_id):
                history.purge(transaction, [run_id])
                artifacts.forget_runs(transaction, [run_id])
                runs.purge(transaction, [run_id])
            else:
                is_done = False
    return is_done


class Purger:
    """Purges for one server, in the worker that keeps house."""

    def __init__(self, database: Database, directory: Directory, clock: Clock) -> None:
        """Purge from a database and a folder of bytes."""
        self._database = database
        self._directory = directory
        self._clock = clock

    def purge_due(self) -> None:
        """Purge some of what was deleted more than a day ago. Raises Error `unavailable`."""
        moment = self._clock() - PURGED_AFTER
        artifacts.expire(self._database, self._clock())
        artifacts.purge_due(self._database, moment)
        artifacts.sweep_due(self._database)
        with self._database.reading() as transaction:
            run_ids = runs.list_deleted_before(transaction, moment, at_most=_RUNS_AT_ONCE)
            project_ids = projects.list_deleted_before(transaction, moment, at_most=_PROJECTS_AT_ONCE)
        purge_runs(self._database, self._directory, run_ids)
        for project_id in project_ids:
            self._purge_project(project_id)

    def _purge_project(self, project_id: int) -> None:
        with self._database.reading() as transaction:
            run_ids = runs.list_run_ids_in(transaction, project_id, _RUNS_AT_ONCE)
        if not purge_runs(self._database, self._directory, run_ids):
            return
        artifacts.purge_project(self._database, project_id)
        with self._database.writing() as transaction:
            if not runs.list_run_ids_in(transaction, project_id, 1):
                projects.purge(transaction, [project_id])

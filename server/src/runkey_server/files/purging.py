"""Drops files for good: the bytes that no other row names, and the rows."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from runkey_server.database import Database
from runkey_server.files import store
from runkey_server.files.directory import Directory
from runkey_server.files.refusing import forget_refusals

_AT_ONCE = 100


def purge(database: Database, directory: Directory, run_ids: Sequence[int]) -> bool:
    """Drop the files of runs; False when some are too young to be removed yet, and stay.

    Bytes go before their row, under the writers' lock: a restart in between leaves a row that is purged again, and never bytes that nobody
    knows of. Young ones stay, because equal bytes may be on their way in, kept already and their row not yet written.
    """
    is_done = True
    for run_id in run_ids:
        after = ""
        while True:
            with database.writing() as transaction:
                some = store.list_files(transaction, run_id, after=after, at_most=_AT_ONCE)
                gone = [file.name for file in some if _release(transaction, directory, run_id, file.sha256)]
                store.delete_files(transaction, run_id, gone)
            is_done = is_done and len(gone) == len(some)
            if len(some) < _AT_ONCE:
                break
            after = some[-1].name
        with database.writing() as transaction:
            forget_refusals(transaction, run_id)
    return is_done


def sweep(database: Database, directory: Directory, unnamed: Iterable[str]) -> list[str]:
    """Remove bytes that no row names; give those that are too young to be removed yet."""
    young = []
    for sha256 in unnamed:
        with database.writing() as transaction:
            if not store.is_named(transaction, sha256) and not directory.remove(sha256):
                young.append(sha256)
    return young


def remove(transaction: sa.Connection, run_id: int, name: str) -> bool:
    """Drop one file of a run; False when there was none. Its bytes go within minutes, unless another file has the same."""
    file = store.find_file(transaction, run_id, name)
    if file is None:
        return False
    store.delete_file(transaction, run_id, name)
    store.release(transaction, [file.sha256])
    return True


class Sweeper:
    """Removes, for one server and in the worker that keeps house, the bytes of what was replaced or deleted."""

    def __init__(self, database: Database, directory: Directory) -> None:
        """Sweep a folder of bytes."""
        self._database = database
        self._directory = directory

    def sweep_due(self) -> None:
        """Remove what was released and has no name any more; young bytes stay for another turn. Raises Error `unavailable`."""
        after = ""
        while True:
            with self._database.reading() as transaction:
                some = store.list_released(transaction, after, _AT_ONCE)
            for sha256 in some:
                with self._database.writing() as transaction:
                    if store.is_named(transaction, sha256) or self._directory.remove(sha256):
                        store.forget_released(transaction, sha256)
            if len(some) < _AT_ONCE:
                return
            after = some[-1]


def _release(transaction: sa.Connection, directory: Directory, run_id: int, sha256: str) -> bool:
    return store.is_named(transaction, sha256, but_run_id=run_id) or directory.remove(sha256)


def drop_blobs(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> None:
    """Drop blobs of a project that nothing needs any more. Their bytes go within minutes, unless something else has the same."""
    gone = store.find_blobs(transaction, project_id, md5s)
    store.delete_blobs(transaction, project_id, list(gone))
    store.release(transaction, {blob.sha256 for blob in gone.values()})

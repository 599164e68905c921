"""Drops files for good: the bytes that no other row names, and the rows."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from runkey_server.database import Database
from runkey_server.files import store
from runkey_server.files.directory import Directory

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
    return is_done


def sweep(database: Database, directory: Directory, unnamed: Iterable[str]) -> list[str]:
    """Remove bytes that no row names; give those that are too young to be removed yet."""
    young = []
    for sha256 in unnamed:
        with database.writing() as transaction:
            if not store.is_named(transaction, sha256) and not directory.remove(sha256):
                young.append(sha256)
    return young


def _release(transaction: sa.Connection, directory: Directory, run_id: int, sha256: str) -> bool:
    return store.is_named(transaction, sha256, but_run_id=run_id) or directory.remove(sha256)


def drop_blobs(transaction: sa.Connection, directory: Directory, project_id: int, md5s: Sequence[str]) -> bool:
    """Drop blobs of a project that nothing needs any more; False when some are too young to be removed yet, and stay."""
    is_done = True
    for md5, blob in store.find_blobs(transaction, project_id, md5s).items():
        if store.is_named(transaction, blob.sha256, but_blob=(project_id, md5)) or directory.remove(blob.sha256):
            store.delete_blob(transaction, project_id, md5)
        else:
            is_done = False
    return is_done

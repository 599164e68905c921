"""Drops files for good: their rows, then the bytes that no other row names."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from runkey_server.database import Database
from runkey_server.files import store
from runkey_server.files.directory import Directory


def purge(transaction: sa.Connection, run_ids: Sequence[int]) -> list[str]:
    """Drop the files of runs; give the SHA-256 of bytes that may be named by nobody any more."""
    released: set[str] = set()
    for run_id in run_ids:
        released.update(store.delete_files_of(transaction, run_id))
    return sorted(released)


def sweep(database: Database, directory: Directory, released: Iterable[str]) -> list[str]:
    """Remove bytes that no row names; give those that are too young to be removed yet.

    Under the writers' lock, and never young ones: equal bytes may be on their way in, kept already and their row not yet written.
    """
    young = []
    for sha256 in released:
        with database.writing() as transaction:
            if not store.is_named(transaction, sha256) and not directory.remove(sha256):
                young.append(sha256)
    return young

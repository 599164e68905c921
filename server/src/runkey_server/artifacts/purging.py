"""Drops versions for good, and their bytes where nothing else needs them. What there is to do stands in the database alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.artifacts import deleting, store
from runkey_server.database import Database
from runkey_server.files import Directory, drop_blobs, list_blob_digests

ABANDONED_AFTER = timedelta(days=7)
"""A version that was begun and never committed is deleted after so long: the official client tries again for a week."""

_AT_ONCE = 100
_BLOBS_AT_ONCE = 500


def expire(database: Database, at: datetime) -> None:
    """Delete versions whose time to live is over, and those that were begun long ago and never committed."""
    with database.reading() as transaction:
        due = store.list_expired(transaction, at, _AT_ONCE) + store.list_abandoned(transaction, at - ABANDONED_AFTER, _AT_ONCE)
    if due:
        with database.writing() as transaction:
            deleting.delete(transaction, due, at)


def purge_due(database: Database, directory: Directory, moment: datetime) -> None:
    """Drop some of what was deleted by a moment. Raises Error `unavailable`."""
    with database.reading() as transaction:
        due = store.list_deleted_before(transaction, moment, _AT_ONCE)
    if due:
        purge(database, directory, due)
        with database.writing() as transaction:
            store.delete_empty_collections(transaction)


def purge(database: Database, directory: Directory, artifact_ids: Sequence[int]) -> bool:
    """Drop versions; False when some have bytes too young to be removed yet, and stay. Cut off in between, it goes on when asked again."""
    is_done = True
    for artifact_id in artifact_ids:
        with database.writing() as transaction:
            is_done = _purge(transaction, directory, artifact_id) and is_done
    return is_done


def purge_project(database: Database, directory: Directory, project_id: int) -> bool:
    """Drop all versions, collections and types of a project; False when something stays for now."""
    while True:
        with database.reading() as transaction:
            some = store.list_ids_in(transaction, project_id, _AT_ONCE)
        if not some:
            break
        if not purge(database, directory, some):
            return False
    with database.writing() as transaction:
        store.delete_rest_of(transaction, project_id)
    # What was sent for versions that were never committed, and belongs to none by now.
    while True:
        with database.writing() as transaction:
            digests = list_blob_digests(transaction, project_id, _BLOBS_AT_ONCE)
            if not drop_blobs(transaction, directory, project_id, digests):
                return False
        if not digests:
            return True


def _purge(transaction: sa.Connection, directory: Directory, artifact_id: int) -> bool:
    artifact = store.find_artifact(transaction, artifact_id)
    if artifact is None:
        return True
    digests = store.list_digests(transaction, artifact.id)
    needed = store.list_needed(transaction, artifact.project_id, digests, artifact.id)
    if not drop_blobs(transaction, directory, artifact.project_id, [md5 for md5 in digests if md5 not in needed]):
        return False
    store.delete_artifact(transaction, artifact.id)
    return True

"""Drops versions for good, and lets go of their bytes, which `freeing` frees. What there is to do stands in the database alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.artifacts import deleting, store
from runkey_server.database import Database
from runkey_server.files import drop_blobs, list_blob_digests

ABANDONED_AFTER = timedelta(days=7)
"""A version that was begun and never committed is deleted after so long: the official client tries again for a week."""

_AT_ONCE = 100
_BLOBS_AT_ONCE = 500


def expire(database: Database, at: datetime) -> None:
    """Delete versions whose time to live is over, and those that were begun long ago and never committed."""
    with database.reading() as transaction:
        due = _list_over(transaction, at)
    if due:
        with database.writing() as transaction:
            store.versions.lock_artifacts(transaction, due)
            # One of them may have been committed meanwhile, or have been given more time.
            deleting.delete(transaction, sorted(set(due).intersection(_list_over(transaction, at))), at)


def _list_over(transaction: sa.Connection, at: datetime) -> list[int]:
    return store.versions.list_expired(transaction, at, _AT_ONCE) + store.versions.list_abandoned(
        transaction, at - ABANDONED_AFTER, _AT_ONCE
    )


def purge_due(database: Database, moment: datetime) -> None:
    """Drop some of what was deleted by a moment; its bytes are swept afterwards. Raises Error `unavailable`."""
    with database.reading() as transaction:
        due = store.versions.list_deleted_before(transaction, moment, _AT_ONCE)
    _purge(database, due)
    with database.reading() as transaction:
        empty = store.collections.list_empty_collections(transaction, _AT_ONCE)
    if empty:
        with database.writing() as transaction:
            for collection_id in empty:
                store.collections.delete_collection(transaction, collection_id)


def purge_project(database: Database, project_id: int) -> None:
    """Drop all versions, collections, types and blobs of a project. Cut off in between, it goes on when it is asked again."""
    while True:
        with database.reading() as transaction:
            some = store.versions.list_ids_in(transaction, project_id, _AT_ONCE)
        if not some:
            break
        _purge(database, some)
    with database.writing() as transaction:
        store.collections.delete_rest_of(transaction, project_id)
    # None of its bytes is anybody's by now.
    while True:
        with database.writing() as transaction:
            digests = list_blob_digests(transaction, project_id, _BLOBS_AT_ONCE)
            drop_blobs(transaction, project_id, digests)
        if not digests:
            return


def _purge(database: Database, artifact_ids: Sequence[int]) -> None:
    for artifact_id in artifact_ids:
        with database.writing() as transaction:
            store.needs.loosen_all(transaction, artifact_id)
            store.versions.delete_artifact(transaction, artifact_id)

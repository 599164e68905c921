"""Frees the bytes of a project that nothing needs any more. No other place drops a blob while its project stands.

A blob is needed by an entry, a part or a manifest of a version that is not purged yet, pending ones included. Whatever lets go of one - a
commit, a second announcement, a join of parts, a purge, an upload that comes late - notes its digest in `loose_blobs`, in its own
transaction; the sweep looks at each once more, and drops those that nothing needs by then.

On PostgreSQL, where transactions run side by side, the sweep waits for all that share a project's bytes, and they for it: who was told
that bytes are here, or found them needed, is through before any are dropped. SQLite's writers are alone as it is.
"""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from runkey_server.artifacts import store
from runkey_server.database import Database, hold
from runkey_server.files import drop_blobs

_AT_ONCE = 500
"""Blobs dropped in one transaction: others wait for so long."""

_ROUNDS = 40
"""Transactions in one turn, so that a very large version keeps the other acts of the worker that keeps house from no turn of theirs."""


def share(transaction: sa.Connection, project_id: int) -> None:
    """See to it that no bytes of a project are freed until this writing transaction ends. Raises Error `unavailable`."""
    hold(transaction, _name(project_id), with_others=True)


def loosen(transaction: sa.Connection, project_id: int, md5s: Collection[str]) -> None:
    """Note that something needs these bytes no more."""
    store.needs.put_loose(transaction, project_id, sorted(md5s))


def note_arrival(transaction: sa.Connection, project_id: int, md5: str) -> None:
    """Note that bytes are here from this transaction on, perhaps later than anything needs them."""
    share(transaction, project_id)
    if not store.needs.is_needed(transaction, project_id, md5):
        loosen(transaction, project_id, [md5])


def sweep_due(database: Database) -> None:
    """Free some of what was let go of. Raises Error `unavailable`."""
    for _ in range(_ROUNDS):
        with database.reading() as transaction:
            project_id, some = store.needs.list_loose(transaction, _AT_ONCE)
        if not some:
            return
        with database.writing() as transaction:
            sweep(transaction, project_id, some)


def sweep(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> None:
    """Free those of some bytes that were let go of and that nothing needs. Raises Error `unavailable` when others are long about them."""
    hold(transaction, _name(project_id))
    drop_blobs(transaction, project_id, store.needs.list_unneeded(transaction, project_id, md5s))
    store.needs.forget_loose(transaction, project_id, md5s)


def _name(project_id: int) -> str:
    return f"bytes of project {project_id}"

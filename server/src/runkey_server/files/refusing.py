"""What was not taken, and why: remembered for the page of the run, because the official client tells it to a log file alone."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server.database import insert_for
from runkey_server.files.tables import refused_files

_MOST = 100
"""Of one run. More say nothing new."""

_MAX_NAME = 200


def note_refusal(transaction: sa.Connection, run_id: int, name: str, reason: str, at: datetime) -> None:
    """Remember that a file was refused, the last time for what reason."""
    # A name may be the very reason.
    name = "".join(character if character.isprintable() else "\ufffd" for character in name[:_MAX_NAME])
    if len(list_refusals(transaction, run_id)) < _MOST:
        values = {"run_id": run_id, "name": name, "reason": reason, "refused_at": at}
        insert = insert_for(transaction, refused_files).values(**values)
        transaction.execute(insert.on_conflict_do_update(index_elements=[refused_files.c.run_id, refused_files.c.name], set_=values))


def forget_refusals(transaction: sa.Connection, run_id: int, name: str | None = None) -> None:
    """Forget what was refused of a run. name: only that file, which was taken now."""
    gone = sa.delete(refused_files).where(refused_files.c.run_id == run_id)
    transaction.execute(gone if name is None else gone.where(refused_files.c.name == name))


def list_refusals(transaction: sa.Connection, run_id: int) -> list[tuple[str, str]]:
    """Give the names of files that were refused, and why."""
    found = sa.select(refused_files.c.name, refused_files.c.reason).where(refused_files.c.run_id == run_id).order_by(refused_files.c.name)
    return [(row.name, row.reason) for row in transaction.execute(found)]

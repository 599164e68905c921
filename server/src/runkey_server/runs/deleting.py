"""Marks a run deleted. Its name stays taken until it is purged, so that late rows of it cannot end up in another run."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server.runs import store
from runkey_server.runs.model import Run


def delete_run(transaction: sa.Connection, run: Run, at: datetime) -> None:
    """Mark a run deleted: it is found no more, and what still writes to it hears "gone"."""
    store.update_run(transaction, run.id, {"deleted_at": at})

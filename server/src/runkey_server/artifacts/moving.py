"""Moves along with runs what is theirs alone: the sequences of the tables that they logged, which are named after their run.

Everything else that a run logged stays where it was logged, under its name, and is known as the run's all the same: others may have logged
to the same sequence, or ask for it there.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from runkey_server.artifacts import freeing, store
from runkey_server.files import find_blobs, put_blob
from runkey_server.projects import Project

_AT_ONCE = 500


def move_along(transaction: sa.Connection, names: Mapping[int, str], source: Project, destination: Project, at: datetime) -> None:
    """Move the sequences of runs that were moved. names: of the runs, by their number.

    Their bytes are the other project's as well from then on, and this one's only where something else in it needs them. A name that is
    taken there stays here. Cost: a look at each version that these runs logged, and its rows.
    """
    for project in (source, destination):
        freeing.share(transaction, project.id)
    for collection in store.collections.list_logged_by(transaction, source.id, list(names)):
        runs = store.collections.list_loggers(transaction, collection.id)
        is_own = len(runs) == 1 and runs <= names.keys() and collection.name.startswith(f"run-{names[min(runs)]}-")
        if is_own:
            type_id, _ = store.collections.open_type(transaction, destination.id, collection.type_name, at)
            if not store.collections.place_collection(transaction, collection.id, {"project_id": destination.id, "type_id": type_id}):
                continue
            digests = store.needs.list_digests_in(transaction, collection.id)
            for begin in range(0, len(digests), _AT_ONCE):
                for blob in find_blobs(transaction, source.id, digests[begin : begin + _AT_ONCE]).values():
                    put_blob(transaction, replace(blob, project_id=destination.id))
            freeing.loosen(transaction, source.id, digests)

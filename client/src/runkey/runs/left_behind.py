"""Sends what an earlier process of this machine left of a run that is about to be gone on with."""

import json
from collections.abc import Callable

from runkey.clock import Clock
from runkey.credentials.model import Credential
from runkey.errors import UsageError
from runkey.runs.model import Standing
from runkey.runs.syncing import Syncing
from runkey.stream import Reader, folders, framing


def send_left_behind(root: str, begun: Standing, credential: Credential, clock: Clock, say: Callable[[str], None]) -> None:
    """Send it: its rows come before the new ones. root: where the folders of runs lie; begun: the run that is about to begin.

    Raises what `Syncing.send` raises. What cannot be sent is said, and stays.
    """
    syncing = Syncing(lambda _: credential, clock=clock, say=say)
    try:
        left = folders.list_run_folders(root)
    except OSError as error:
        say(f"Whether an earlier process left rows of this run cannot be seen: {root} cannot be read ({error.strerror}).")
        return
    for folder in left:
        found = _peek(folder)
        if found is None or (found.id, found.project) != (begun.id, begun.project) or not credential.stands_for(found.account):
            continue
        if begun.entity and found.entity != begun.entity:
            continue
        synced = syncing.send(folder)
        if synced.outcome in ("sent", "partly", "refused", "unreadable", "running"):
            say(f"An earlier process left rows of this run in {folder}: {synced.outcome}. {synced.said}")


def _peek(folder: str) -> Standing | None:
    """Read how a journal begins; None when that cannot be read."""
    reader = Reader(folder)
    try:
        first = next((record for record in reader.records() if record.kind == framing.BEGIN), None)
        return None if first is None else Standing(**json.loads(first.payload))
    except (OSError, UsageError, ValueError, TypeError, RecursionError):
        return None
    finally:
        reader.close()

"""Going on with a run: what was asked for against what is there, and where the run stands then.

For resume="auto" the id of the last run that was begun so lies beside the journals, until that run ends well.
"""

import contextlib
import json
import os

from runkey.errors import UsageError
from runkey.runs.model import Standing
from runkey.runs.opening import Status
from runkey.runs.summary import off_wire
from runkey_wire import file_stream

_LAST = "resume.json"


def check(word: str | None, status: Status | None, run_id: str) -> None:
    """Hold what was found against what was asked for. Raises UsageError."""
    if word == "must" and status is None:
        raise UsageError(f'There is no run {run_id!r} to go on with, and resume="must" insists. Use "allow" to begin it otherwise.')
    if word == "never" and status is not None:
        raise UsageError(f'The run {run_id!r} is there already, and resume="never" forbids to go on with it. Use another id.')


def go_on(standing: Standing, status: Status) -> None:
    """Let a run stand where the one on the server does: its step, its config under the new one, its summary."""
    standing.is_resumed = True
    standing.step = status.next_step
    standing.line = status.lines[file_stream.HISTORY]
    standing.config = {**status.config, **standing.config}
    standing.private = {**status.private, **standing.private}
    standing.summary, standing.summary_state = off_wire(status.summary)
    standing.name = standing.name or status.name or ""
    standing.tags = standing.tags if standing.tags is not None else status.tags or None
    standing.notes = standing.notes if standing.notes is not None else status.notes


def last_id(folder: str) -> str | None:
    """Give the id of the last run here that was begun with "auto" and did not end well."""
    try:
        with open(os.path.join(folder, _LAST), encoding="utf-8") as file:
            found = json.load(file)["run_id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def note_id(folder: str, run_id: str) -> None:
    """Keep an id for the next one."""
    with contextlib.suppress(OSError), open(os.path.join(folder, _LAST), "w", encoding="utf-8") as file:
        json.dump({"run_id": run_id}, file)


def forget_id(folder: str, run_id: str) -> None:
    """The run ended well: the next one is a new one."""
    if last_id(folder) == run_id:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, _LAST))

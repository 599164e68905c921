"""What filters and orders of runs may name: fields of a run, by the names that W&B's clients and documents use, as SQL.

A name of the config or the summary is data: it is bound, never written into a statement.
"""

from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from runkey_server.accounts.tables import accounts
from runkey_server.database.comparing import bytewise, name_in, value_of
from runkey_server.database.filtering import Condition, Field, Fields
from runkey_server.database.filtering import read_filter as translate
from runkey_server.projects.tables import projects
from runkey_server.runs.model import SILENT, SILENT_AFTER
from runkey_server.runs.tables import run_values, runs

_MAX_NAME = 300


_TEXTS: dict[str, Any] = {
    "name": runs.c.name,
    "displayName": runs.c.display_name,
    "group": runs.c.group_name,
    "jobType": runs.c.job_type,
    "notes": runs.c.notes,
    "description": runs.c.description,
    "host": runs.c.host,
    "commit": runs.c.commit_hash,
    "program": runs.c.program,
    "repo": runs.c.repo,
    "sweep": runs.c.sweep_name,
    "username": accounts.c.name,
    "project": projects.c.name,
}
_HEARD = sa.func.coalesce(runs.c.heartbeat_at, runs.c.created_at, type_=runs.c.heartbeat_at.type)
_MOMENTS: dict[str, Any] = {"createdAt": runs.c.created_at, "heartbeatAt": _HEARD}
_ALIASES = {
    "display_name": "displayName",
    "groupName": "group",
    "group_name": "group",
    "job_type": "jobType",
    "hostname": "host",
    "git.commit": "commit",
    "sweepName": "sweep",
    "sweep_name": "sweep",
    "user": "username",
    "user.username": "username",
    "user.name": "username",
    "entity": "username",
    "created_at": "createdAt",
    "heartbeat_at": "heartbeatAt",
    "updated": "heartbeatAt",
    "updatedAt": "heartbeatAt",
    "updated_at": "heartbeatAt",
}
NAMES = (*sorted([*_TEXTS, *_MOMENTS, "state", "duration", "tags"]), "config.…", "summary_metrics.…")


def read_filter(text: str | None, now: datetime) -> Condition | None:
    """Read a filter of runs; None for one that chooses everything. Raises Error `invalid`, naming what cannot be used."""
    return translate(text, Fields("Runs", partial(find_field, now=now), NAMES))


def find_field(name: str, now: datetime) -> Field | None:
    """Find a field by its name; None when there is none. now: decides which runs count as crashed."""
    name = _ALIASES.get(name, name)
    if name in _TEXTS:
        return Field(name, "text", _TEXTS[name])
    if name in _MOMENTS:
        return Field(name, "moment", _MOMENTS[name])
    if name == "state":
        return Field(name, "text", _state(now))
    if name == "duration":
        return Field(name, "seconds", sa.type_coerce(_HEARD, sa.BigInteger) - sa.type_coerce(runs.c.created_at, sa.BigInteger))
    if name == "tags":
        return Field(name, "tags", runs.c.tags)
    section, _, inner = name.partition(".")
    if not inner or len(inner) > _MAX_NAME:
        return None
    if section == "config":
        return Field(name, "value", _value(run_values.c.config, _config_names(inner)))
    if section in ("summary_metrics", "summaryMetrics", "summary"):
        return Field(name, "value", _value(run_values.c.summary, [inner]))
    return None


def _state(now: datetime) -> Any:
    is_silent = now - SILENT_AFTER > _HEARD
    silent = [(sa.and_(runs.c.reported_state == state, is_silent), sa.literal(then)) for state, then in SILENT.items()]
    return sa.case(*silent, else_=runs.c.reported_state)


def _config_names(inner: str) -> list[str]:
    """Give the names that a name in the config may mean: on the wire every value stands in `{"value": …}`, and people write that or not."""
    head, _, rest = inner.partition(".")
    names = [inner]
    if inner.endswith(".value"):
        names.append(inner.removesuffix(".value"))
    if rest.startswith("value."):
        names.append(f"{head}.{rest.removeprefix('value.')}")
    return names


def _value(column: Any, names: list[str]) -> Any:
    found = [value_of(column, sa.literal(name_in(name))) for name in names]
    return bytewise(sa.func.coalesce(*found, sa.literal("")))

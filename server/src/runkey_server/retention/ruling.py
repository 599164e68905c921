"""Rules by which runs are deleted: as a person would, so that they come back for a day. Off, unless somebody sets one."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import runs
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.retention import store
from runkey_server.retention.model import Rule

_EVERY = timedelta(minutes=1)
_AT_ONCE = 1_000
_MAX_NEWEST = 1_000_000
_MAX_TAGS = 50


def find_rule(transaction: sa.Connection, project_id: int) -> Rule | None:
    """Give the rule of a project; None where all runs stay."""
    return store.find_rule(transaction, project_id)


def set_rule(transaction: sa.Connection, project_id: int, rule: Rule | None, at: datetime) -> None:
    """Set the rule of a project, or with None let all runs stay. It holds within a minute. Raises Error `invalid`."""
    if rule is None:
        store.delete_rule(transaction, project_id)
    else:
        check_rule(rule)
        store.put_rule(transaction, project_id, rule, at)


def check_rule(rule: Rule) -> None:
    """Raise Error `invalid` for a rule that cannot be meant."""
    if not 1 <= rule.keep_newest <= _MAX_NEWEST:
        raise Error("invalid", f"A rule keeps 1 to {_MAX_NEWEST:,} of the newest runs.")
    if len(rule.keep_tags) > _MAX_TAGS or any(not 1 <= len(tag) <= runs.MAX_TAG_CHARACTERS or "\0" in tag for tag in rule.keep_tags):
        raise Error("invalid", f"A rule names at most {_MAX_TAGS} tags of 1 to {runs.MAX_TAG_CHARACTERS} characters.")


def list_due(transaction: sa.Connection, project_id: int, rule: Rule, at: datetime) -> list[str]:
    """Name the runs that a rule would delete now. Never one that runs, nor one that somebody restored."""
    kept = set(rule.keep_tags)
    return [name for name, tags in runs.list_older(transaction, project_id, rule.keep_newest, at) if kept.isdisjoint(tags)]


class Ruler:
    """Applies the rules for one server, in the worker that keeps house."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Begin with the first turn."""
        self._database = database
        self._clock = clock
        self._next: datetime | None = None

    def apply_due(self) -> None:
        """Delete what the rules say, once a minute. Raises Error `unavailable`."""
        at = self._clock()
        if self._next is not None and at < self._next:
            return
        with self._database.reading() as transaction:
            ruled = [project_id for project_id in store.list_ruled(transaction) if _due(transaction, project_id, at)]
        for project_id in ruled:
            while self._apply(project_id, at) == _AT_ONCE:
                pass
        self._next = at + _EVERY

    def _apply(self, project_id: int, at: datetime) -> int:
        with self._database.writing() as transaction:
            # Asked again: a run may have been tagged, or begun anew, since it was looked at.
            due = _due(transaction, project_id, at)[:_AT_ONCE]
            runs.delete_runs(transaction, project_id, due, at)
        return len(due)


def _due(transaction: sa.Connection, project_id: int, at: datetime) -> list[str]:
    rule = store.find_rule(transaction, project_id)
    return [] if rule is None else list_due(transaction, project_id, rule, at)

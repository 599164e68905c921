"""In which order, and from where on: `+created_at`, `-summary_metrics.loss`, several with commas; a page goes on after the run before it.

What lacks the thing that is ordered by, or has NaN there, comes last in either direction. Runs that are alike follow their number, so that
the order is the same every time and on every database.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.database.comparing import NAN, NULL, bytewise
from runkey_server.database.filtering import Field
from runkey_server.errors import Error
from runkey_server.runs.asking import NAMES, find_field
from runkey_server.runs.tables import runs

DEFAULT = "+created_at"
MAX_KEYS = 5
_MAX_CHARACTERS = 2_000
_BEHIND_ALL = "~"
"""Behind the first letter of every comparable."""


@dataclass(frozen=True)
class Ordering:
    """What runs are ordered by: expressions that are never null, the last of them the run's number; and which of them go down."""

    expressions: tuple[Any, ...]
    descending: tuple[bool, ...]

    @property
    def clauses(self) -> list[Any]:
        """What ORDER BY takes."""
        return self.clauses_of(self.expressions)

    def clauses_of(self, columns: Sequence[Any]) -> list[Any]:
        """Give the same of columns that hold the expressions' values."""
        return [column.desc() if down else column.asc() for column, down in zip(columns, self.descending, strict=True)]

    def after(self, place: Sequence[Any]) -> "sa.ColumnElement[bool]":
        """Choose what comes after a place. Raises Error `invalid` for what is no place in this order."""
        if len(place) != len(self.expressions):
            raise Error("invalid", "The cursor belongs to another order.")
        values = [sa.literal(value, column.type) for value, column in zip(place, self.expressions, strict=True)]
        if len(set(self.descending)) == 1:
            # As one comparison, which an index can answer.
            here, there = sa.tuple_(*self.expressions), sa.tuple_(*values)
            return here < there if self.descending[0] else here > there
        steps = []
        alike: list[sa.ColumnElement[bool]] = []
        for column, value, down in zip(self.expressions, values, self.descending, strict=True):
            steps.append(sa.and_(*alike, column < value if down else column > value))
            alike.append(column == value)
        return sa.or_(*steps)


def read_order(text: str | None, now: datetime) -> Ordering:
    """Read an order. Raises Error `invalid`, naming what runs cannot be ordered by."""
    text = text or DEFAULT
    if len(text) > _MAX_CHARACTERS:
        raise Error("invalid", f"An order has at most {_MAX_CHARACTERS} characters.")
    # A comma may be part of a metric's name; one before a sign is not.
    keys = re.split(r",\s*(?=[+-])", text.strip())
    if len(keys) > MAX_KEYS:
        raise Error("invalid", f"Runs are ordered by at most {MAX_KEYS} things.")
    expressions: list[Any] = []
    descending: list[bool] = []
    for key in keys:
        down, name = key.startswith("-"), key[1:] if key[:1] in "+-" else key
        field = find_field(name, now)
        if field is None or field.kind == "tags":
            known = ", ".join(each for each in NAMES if each != "tags")
            raise Error("invalid", f"Runs cannot be ordered by {name[:80]!r}. Fields: {known}.")
        for expression, is_rank in _expressions(field, down):
            expressions.append(expression)
            descending.append(down and not is_rank)
    return Ordering((*expressions, runs.c.id), (*descending, descending[-1]))


def _expressions(field: Field, down: bool) -> list[tuple[Any, bool]]:
    """Give what a field is ordered by; before it, where it may lack, how far behind that stands."""
    column = field.expression
    if field.kind == "value":
        # In this form a value is looked for once a run, and looking is what an order costs.
        there = sa.func.nullif(sa.func.nullif(sa.func.nullif(column, sa.literal("")), sa.literal(NULL)), sa.literal(NAN))
        return [(bytewise(sa.func.coalesce(there, sa.literal("" if down else _BEHIND_ALL))), False)]
    if field.kind == "text":
        text = bytewise(sa.func.coalesce(column, sa.literal("")))
        may_lack = not isinstance(column, sa.Column) or column.nullable
        rank = sa.case((column.is_(None), sa.literal(1)), else_=sa.literal(0))
        return [(rank, True), (text, False)] if may_lack else [(bytewise(column), False)]
    return [(sa.type_coerce(column, sa.BigInteger), False)]


def write_cursor(place: Sequence[Any]) -> str:
    """Write the place of a run in an order as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(list(place), separators=(",", ":")).encode()).decode()


def read_cursor(cursor: str, ordering: Ordering) -> list[Any]:
    """Read a cursor. Raises Error `invalid` for what is none of this order."""
    try:
        place = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if not isinstance(place, list) or len(place) != len(ordering.expressions):
        raise Error("invalid", "The cursor is none of this order of runs.")
    for value, column in zip(place, ordering.expressions, strict=True):
        if not _fits(value, column):
            raise Error("invalid", "The cursor is none of this order of runs.")
    return place


def _fits(value: Any, column: Any) -> bool:
    if isinstance(column.type, sa.Text):
        return isinstance(value, str) and "\0" not in value and _is_text(value)
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) < value < 2**63


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True

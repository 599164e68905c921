"""Which things: a filter in MongoDB's words, as W&B's clients send it, becomes one SQL condition over the fields that a room names.

`{"field": value}`, `{"field": {"$op": value, …}}`, `$and`, `$or`, `$nor` of lists, `$not` of conditions. Operators: `$eq`, `$ne`, `$gt`,
`$gte`, `$lt`, `$lte`, `$in`, `$nin`, `$exists`, `$regex` (with `$options`), `$not`, `$all` for tags. As with MongoDB, values are compared
within their kind alone (a number is never less than a text), `null` means "not there" as well, and what denies also finds runs that lack
the field. Moments are compared to the millisecond, texts by their first thousand characters.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from runkey_server.database.comparing import LEVEL, LIST, NAN, NULL, NUMBER, TEXT, bytewise, clean, comparable, members
from runkey_server.database.matching import matches
from runkey_server.errors import Error

MAX_DEPTH = 20
MAX_CONDITIONS = 200
MAX_VALUES = 10_000
MAX_FILTER_CHARACTERS = 2 * 1024 * 1024

Condition = sa.ColumnElement[bool]
Kind = Literal["text", "moment", "seconds", "tags", "value"]


@dataclass(frozen=True)
class Field:
    """One thing that is asked for.

    expression: text, or null; a moment; whole microseconds; the list of tags; or a comparable, "" for none.
    """

    name: str
    kind: Kind
    expression: Any


@dataclass(frozen=True)
class Fields:
    """What a filter may name. what: the things it chooses, for people.

    find: gives a field by its name, or None. names: of those that there are.
    """

    what: str
    find: Callable[[str], Field | None]
    names: Sequence[str]


_MILLISECOND = timedelta(milliseconds=1)
_MOST_MICROSECONDS = 2**62
_ORDERS = ("$gt", "$gte", "$lt", "$lte")


def read_filter(text: str | None, fields: Fields) -> Condition | None:
    """Read a filter, a JSON object as text; None for one that chooses everything. Raises Error `invalid`, naming what cannot be used."""
    if not text:
        return None
    if len(text) > MAX_FILTER_CHARACTERS:
        raise Error("invalid", f"A filter has at most {MAX_FILTER_CHARACTERS:,} characters.")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise Error("invalid", "The filter is not JSON, or nested too deep.") from None
    return None if told is None else _Translator(fields).translate(told)


class _Translator:
    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._conditions = 0
        self._values = 0

    def translate(self, told: Any, depth: int = 0) -> Condition | None:
        """Translate an object of conditions that all must hold."""
        if not isinstance(told, dict):
            raise Error("invalid", f"A filter is a JSON object, and {_shown(told)} is none.")
        if depth > MAX_DEPTH:
            raise Error("invalid", f"The filter is nested deeper than {MAX_DEPTH} levels.")
        found = [self._entry(key, value, depth) for key, value in told.items()]
        return _every([condition for condition in found if condition is not None])

    def _entry(self, key: str, value: Any, depth: int) -> Condition | None:
        if key in ("$and", "$or", "$nor"):
            if not isinstance(value, list) or not value:
                raise Error("invalid", f"{key} takes a list of filters that is not empty.")
            parts = [self.translate(part, depth + 1) for part in value]
            if key == "$and":
                return _every([part for part in parts if part is not None])
            any_ = None if any(part is None for part in parts) else sa.or_(*(part for part in parts if part is not None))
            if key == "$or":
                return any_
            return sa.false() if any_ is None else sa.not_(any_)
        if key == "$not":
            inner = self.translate(value, depth + 1)
            return sa.false() if inner is None else sa.not_(inner)
        if key.startswith("$"):
            raise Error("invalid", f"The operator {_shown(key)} cannot be used for a whole filter; $and, $or, $nor and $not can.")
        field = self._fields.find(key)
        if field is None:
            raise Error("invalid", f"{self._fields.what} cannot be filtered by {_shown(key)}. Fields: {', '.join(self._fields.names)}.")
        return self._field(field, value, depth)

    def _field(self, field: Field, told: Any, depth: int) -> Condition | None:
        if depth > MAX_DEPTH:
            raise Error("invalid", f"The filter is nested deeper than {MAX_DEPTH} levels.")
        if not isinstance(told, dict):
            return self._apply(field, "$eq", told)
        if not told:
            raise Error("invalid", f"{_shown(field.name)} is compared with an empty object: name what is inside it, joined by dots.")
        parts: list[Condition | None] = []
        for operator, value in told.items():
            if operator == "$not":
                inner = self._field(field, {"$regex": value} if isinstance(value, str) else value, depth + 1)
                parts.append(sa.false() if inner is None else sa.not_(inner))
            elif operator == "$options":
                if "$regex" not in told:
                    raise Error("invalid", "$options goes with $regex.")
            elif operator == "$regex":
                parts.append(self._apply(field, operator, _pattern(value, told.get("$options", ""))))
            elif operator.startswith("$"):
                parts.append(self._apply(field, operator, value))
            else:
                inside = _shown(f"{field.name}.{operator}")
                raise Error("invalid", f"{_shown(field.name)} is compared with an object. Write {inside} instead.")
        return _every([part for part in parts if part is not None])

    def _apply(self, field: Field, operator: str, value: Any) -> Condition:
        self._conditions += 1
        self._values += len(value) if isinstance(value, list) else 1
        if self._conditions > MAX_CONDITIONS or self._values > MAX_VALUES:
            raise Error("invalid", f"A filter has at most {MAX_CONDITIONS} conditions and {MAX_VALUES:,} values.")
        if operator == "$ne":
            return sa.not_(self._apply(field, "$eq", value))
        if operator == "$nin":
            return sa.not_(self._apply(field, "$in", value))
        if operator == "$exists" and not isinstance(value, bool):
            if value not in (0, 1):
                raise Error("invalid", f"$exists takes true or false, not {_shown(value)}.")
            value = bool(value)
        if operator in ("$in", "$all") and not isinstance(value, list):
            raise Error("invalid", f"{operator} takes a list, not {_shown(value)}.")
        found = _KINDS[field.kind](field, operator, value)
        if found is None:
            raise Error("invalid", f"The operator {_shown(operator)} cannot be used with {_shown(field.name)}.")
        return found


def _every(parts: Sequence[Condition]) -> Condition | None:
    return sa.and_(*parts) if parts else None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, dict | list) else f"{type(value).__name__} {value!s}"
    return text if len(text) <= 80 else text[:79] + "…"


def _pattern(value: Any, options: Any) -> str:
    if not isinstance(value, str) or not isinstance(options, str):
        raise Error("invalid", f"$regex and $options take texts, not {_shown(value if not isinstance(value, str) else options)}.")
    return f"(?{options}){value}" if options else value


def _is_true(condition: Condition) -> Condition:
    """Make a condition on what may be null one that is true or false."""
    return sa.func.coalesce(condition, sa.false())


# --- each kind of field -----------------------------------------------------------------------------------------------


def _text(field: Field, operator: str, value: Any) -> Condition | None:
    column: sa.ColumnElement[str] = field.expression
    if operator == "$exists":
        return column.is_not(None) if value else column.is_(None)
    if operator == "$in":
        texts = [_as_text(field, item) for item in value if item is not None]
        found = _is_true(column.in_(texts))
        return sa.or_(found, column.is_(None)) if None in value else found
    if operator == "$eq":
        return column.is_(None) if value is None else _is_true(column == _as_text(field, value))
    if operator in _ORDERS:
        return _is_true(_compare(operator, bytewise(column), _as_text(field, value)))
    if operator == "$regex":
        return _is_true(matches(column, value))
    return None


def _as_text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise Error("invalid", f"{_shown(field.name)} is a text and is compared with texts, not with {_shown(value)}.")
    return clean(value)


def _moment(field: Field, operator: str, value: Any) -> Condition | None:
    column = field.expression
    if operator == "$exists":
        return sa.true() if value else sa.false()
    if operator == "$in":
        return sa.or_(sa.false(), *(_moment_is(field, item) for item in value))
    if operator == "$eq":
        return _moment_is(field, value)
    if operator in _ORDERS:
        moment = _as_moment(field, value)
        # A moment is shown to the millisecond: whoever goes on from one that was shown means all of it.
        edge = moment + _MILLISECOND if operator in ("$gt", "$lte") else moment
        return column >= edge if operator in ("$gt", "$gte") else column < edge  # type: ignore[no-any-return]
    return None


def _moment_is(field: Field, value: Any) -> Condition:
    if value is None:
        return sa.false()
    moment = _as_moment(field, value)
    return sa.and_(field.expression >= moment, field.expression < moment + _MILLISECOND)


def _as_moment(field: Field, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment + _MILLISECOND
    except (TypeError, ValueError, OverflowError):
        asked = f"{_shown(field.name)} is compared with moments such as 2027-01-31T12:00:00Z, not {_shown(value)}."
        raise Error("invalid", asked) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _seconds(field: Field, operator: str, value: Any) -> Condition | None:
    column = field.expression
    if operator == "$exists":
        return sa.true() if value else sa.false()
    if operator == "$in":
        return sa.or_(sa.false(), *(column == round(_as_microseconds(field, item)) for item in value))
    if operator == "$eq":
        return column == round(_as_microseconds(field, value))  # type: ignore[no-any-return]
    if operator in _ORDERS:
        micros = _as_microseconds(field, value)
        return _compare(operator, column, math.floor(micros) if operator in ("$gt", "$lte") else math.ceil(micros))
    return None


def _as_microseconds(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise Error("invalid", f"{_shown(field.name)} is compared with seconds, not with {_shown(value)}.")
    return max(-_MOST_MICROSECONDS, min(value * 1_000_000, _MOST_MICROSECONDS))


def _tags(field: Field, operator: str, value: Any) -> Condition | None:
    tag = members(field.expression).table_valued("value")
    one = sa.select(sa.literal(1)).select_from(tag)

    def has(condition: Condition) -> Condition:
        return one.where(condition).exists()

    def is_(item: Any) -> Condition:
        return sa.not_(one.exists()) if item is None else has(tag.c.value == _as_text(field, item))

    if operator == "$exists":
        return one.exists() if value else sa.not_(one.exists())
    if operator == "$in":
        texts = [_as_text(field, item) for item in value if item is not None]
        found = has(tag.c.value.in_(texts))
        return sa.or_(found, is_(None)) if None in value else found
    if operator == "$all":
        return sa.and_(sa.true() if value else sa.false(), *(is_(item) for item in value))
    if operator == "$eq":
        if not isinstance(value, list):
            return is_(value)
        wanted = sorted({_as_text(field, item) for item in value})
        return sa.and_(sa.true(), *(is_(item) for item in wanted), sa.not_(has(tag.c.value.not_in(wanted))))
    if operator == "$regex":
        return has(matches(tag.c.value, value))
    return None


def _value(field: Field, operator: str, value: Any) -> Condition | None:
    column: sa.ColumnElement[str] = field.expression
    if operator == "$exists":
        return column != "" if value else column == ""
    if operator == "$in":
        wanted = [_as_comparable(field, item) for item in value]
        return column.in_([*wanted, ""] if NULL in wanted else wanted)
    if operator == "$eq":
        wanted = [_as_comparable(field, value)]
        return column.in_([NULL, ""]) if wanted == [NULL] else column == wanted[0]
    if operator in _ORDERS:
        return _value_beyond(field, operator, _as_comparable(field, value))
    if operator == "$regex":
        is_text = sa.and_(column >= TEXT, column < chr(ord(TEXT) + 1))
        return sa.and_(is_text, matches(sa.func.substr(column, 2), value))
    return None


def _as_comparable(field: Field, value: Any) -> str:
    if isinstance(value, dict):
        raise Error("invalid", f"{_shown(field.name)} is compared with an object. Name what is inside it, joined by dots.")
    return comparable(value)


def _value_beyond(field: Field, operator: str, wanted: str) -> Condition:
    """Compare within a kind: kinds begin with a letter of their own, and NaN is neither more nor less than a number."""
    column, kind = field.expression, wanted[0]
    if kind in (NULL, LIST, LEVEL):
        raise Error("invalid", f"{_shown(field.name)} cannot be more or less than a list or nothing.")
    if wanted == NAN:
        return column == NAN if operator in ("$gte", "$lte") else sa.false()
    end = NAN if kind == NUMBER else chr(ord(kind) + 1)
    return sa.and_(_compare(operator, column, wanted), column >= kind, column < end)


def _compare(operator: str, column: Any, value: Any) -> Condition:
    compare: dict[str, Callable[[], Any]] = {
        "$gt": lambda: column > value,
        "$gte": lambda: column >= value,
        "$lt": lambda: column < value,
        "$lte": lambda: column <= value,
    }
    return compare[operator]()  # type: ignore[no-any-return]


_KINDS: dict[str, Callable[[Field, str, Any], Condition | None]] = {
    "text": _text,
    "moment": _moment,
    "seconds": _seconds,
    "tags": _tags,
    "value": _value,
}

"""Values of JSON as texts that every database orders alike: what filters and orders of runs stand on.

`null`, booleans, numbers, texts, lists: in this order, and within a kind as one would expect; NaN is the last of the numbers, negative zero
is zero, and whole numbers are as exact as a float. A database compares them byte by byte, so that SQLite and PostgreSQL cannot differ in
how they read a number, what a collation makes of a text, or what becomes of NaN.
"""

import json
import math
import struct
import urllib.parse
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

MAX_CHARACTERS = 1_000
"""Of a text or a list that are compared."""

MAX_VALUES = 5_000
"""Values of one JSON object that can be asked for."""

_MAX_LEVELS = 20
_MAX_NAME = 500

NULL = "0"
NAN = "nz"
TRUE = "1t"
FALSE = "1f"
NUMBER, TEXT, LIST, LEVEL = "n", "s", "v", "w"
"""What a kind's texts begin with; the next letter is beyond all of them."""

_as_bytes, _as_bits = struct.Struct(">d").pack, struct.Struct(">Q").unpack
_SIGN = 1 << 63
_ALL = (1 << 64) - 1


def comparable(value: Any) -> str:
    """Give a value as a text that stands where the value does."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return TEXT + clean(value[:MAX_CHARACTERS])
    if isinstance(value, dict):
        return LEVEL
    try:
        return LIST + clean(json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)[:MAX_CHARACTERS])
    except RecursionError:
        return LIST


def clean(text: str) -> str:
    """Leave out what one of the databases has no place for in a text: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _number(value: float) -> str:
    try:
        number = float(value) + 0.0
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if math.isnan(number):
        return NAN
    bits = _as_bits(_as_bytes(number))[0]
    return f"{NUMBER}{bits ^ (_ALL if bits & _SIGN else _SIGN):016x}"


@lru_cache(maxsize=20_000)
def name_in(values: str) -> str:
    """Give the name under which a value by this dotted name is kept: what is no letter, digit or dot is written with percent signs."""
    return urllib.parse.quote(values.encode("utf-8", "replace"), safe=".")


def comparables(text: str, *, config: bool = False) -> str:
    """Give the values of a JSON object, by dotted names, as a flat JSON object of comparables.

    config: each value stands in `{"value": …}`, as on the wire.
    """
    value = _read(text)
    found: dict[str, str] = {}
    for name, held in _flat(value if isinstance(value, dict) else {}, config):
        # A name that is there twice, `a.b` beside b in a, means the one that came first.
        found.setdefault(name, held)
        if len(found) == MAX_VALUES:
            break
    return json.dumps(found, separators=(",", ":"))


def _read(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _flat(values: dict[str, Any], config: bool) -> Iterator[tuple[str, str]]:
    waiting = [(iter(values.items()), "", 0)]
    while waiting:
        items, prefix, level = waiting[-1]
        for key, given in items:
            is_wrapped = config and level == 0 and isinstance(given, dict) and "value" in given
            held = given["value"] if is_wrapped else given
            name = name_in(prefix + key)
            if len(name) <= _MAX_NAME:
                yield name, comparable(held)
                if isinstance(held, dict) and level < _MAX_LEVELS:
                    waiting.append((iter(held.items()), f"{prefix}{key}.", level + 1))
                    break
        else:
            waiting.pop()


# --- what each database calls it --------------------------------------------------------------------------------------


class value_of(FunctionElement[str]):  # noqa: N801 - used as a function
    """The value under a name in a column that `comparables` wrote; null where there is none."""

    type = sa.Text()
    inherit_cache = True


class bytewise(FunctionElement[str]):  # noqa: N801 - used as a function
    """A text that is compared and ordered byte by byte."""

    type = sa.Text()
    inherit_cache = True


class members(FunctionElement[str]):  # noqa: N801 - used as a function
    """The texts of a JSON list, as rows of one column."""

    inherit_cache = True


@compiles(value_of, "sqlite")
def _value_of_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    column, name = element.clauses
    # Names have no quote in them, see `name_in`.
    return f"json_extract({compiler.process(column, **more)}, '$.\"' || {compiler.process(name, **more)} || '\"')"


@compiles(value_of, "postgresql")
def _value_of_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    column, name = element.clauses
    return f"(CAST({compiler.process(column, **more)} AS json) ->> CAST({compiler.process(name, **more)} AS text))"


@compiles(bytewise, "sqlite")
def _bytewise_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return str(compiler.process(*element.clauses, **more))


@compiles(bytewise, "postgresql")
def _bytewise_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    return f'({compiler.process(*element.clauses, **more)} COLLATE "C")'


@compiles(members, "sqlite")
def _members_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return f"json_each({compiler.process(*element.clauses, **more)})"


@compiles(members, "postgresql")
def _members_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    return f"json_array_elements_text({compiler.process(*element.clauses, **more)})"

"""A row of values as one line of JSON, whatever numbers it is made of.

NumPy's and PyTorch's scalars and arrays are asked for their value by `.tolist()` or `.item()`, without importing either. What a config is
often made of and JSON has no form for (a path, a date, an Enum, a dataclass, a function) is written as W&B's clients write it: most of it
as text. A value that remains is left out, and its key named: one odd value must not cost the row. In a config it is text.
"""

import enum
import json
import numbers
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_TEXTS = frozenset({"timedelta", "UUID", "dtype", "DType", "device"})
"""Names of types whose values are known by their text. PyTorch's and NumPy's are among them, and are not imported for it."""

_MOST_LEVELS = 50
_MOST_CHARACTERS = 1_000
"""Of a value that is kept as text."""


def _plain(value: Any) -> Any:
    """Give a value that JSON knows for one that it does not. Raises TypeError, or ValueError for bytes that are no text."""
    if isinstance(value, type):
        return _name(value)
    if isinstance(value, enum.Enum):
        return value.name
    to_list = getattr(value, "tolist", None)
    if callable(to_list):  # a scalar's is its value
        return to_list()
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return _written(value)


def _written(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, bytes | bytearray):
        return value.decode()
    if isinstance(value, Sequence):
        return list(value)
    to_text = getattr(value, "isoformat", None)
    if callable(to_text):
        return to_text()
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name in fields if hasattr(value, name)}
    if isinstance(value, numbers.Number) or not _TEXTS.isdisjoint(kind.__name__ for kind in type(value).__mro__):
        return str(value).strip("()")  # of a complex number
    if callable(value) and hasattr(value, "__name__"):
        return _name(value)
    raise TypeError(f"JSON has no form for a value of the type {type(value).__name__}")


def _name(value: Any) -> str:
    return f"{getattr(value, '__module__', None) or 'builtins'}.{getattr(value, '__qualname__', value.__name__)}"


# Made once: json.dumps makes an encoder a call when it is given options, which costs as much as the row.
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_plain).encode

UNCHANGING = frozenset((int, float, str, bool, type(None)))
"""Types whose values never change and are JSON as they are."""


def encode(row: Mapping[str, Any], complain: Callable[[str, str], None]) -> str:
    """Write a row as one line. complain(key, reason) is called for each value that had to be left out."""
    try:
        line = _encode(row)
        line.encode()
    except (TypeError, ValueError, RecursionError, OverflowError):
        return _encode(_without_odd_values(row, complain))
    return line


def encode_line(row: Mapping[str, Any], complain: Callable[[str, str], None]) -> bytes:
    """Write a row as the bytes of one line; see `encode`."""
    try:
        return _encode(row).encode()
    except (TypeError, ValueError, RecursionError, OverflowError):
        return encode(row, complain).encode()


def plain(values: Mapping[str, Any], complain: Callable[[str, str], None]) -> dict[str, Any]:
    """Give a copy of values as JSON will carry them."""
    copied: dict[str, Any] = json.loads(encode(values, complain))
    return copied


def plain_or_text(values: Mapping[Any, Any], tell: Callable[[str, str], None]) -> dict[str, Any]:
    """Give a copy of values as JSON will carry them, as text where it has no form: tell(name, reason) is called for each of these."""
    try:
        line = _encode(values)
        line.encode()
    except Exception:
        mending = _Mending(tell, is_text=True)
        line = _encode({_key(key): mending.mend(str(key), value) for key, value in values.items()})
    copied: dict[str, Any] = json.loads(line)
    return copied


def snapshot(value: Any) -> Any:
    """Give a value as it is now, free of what may change or is large elsewhere. One that JSON has no form for is given back as it is."""
    if type(value) in UNCHANGING:
        return value
    if isinstance(value, float):  # NumPy's double is one, and would cost a round through JSON
        return float(value)
    try:
        return json.loads(_encode(value))
    except (TypeError, ValueError, RecursionError, OverflowError):
        return value


def _without_odd_values(row: Mapping[str, Any], complain: Callable[[str, str], None]) -> dict[str, Any]:
    kept = {}
    mending = _Mending(complain, is_text=False)
    for key, value in row.items():
        try:
            _encode({key: None}).encode()
        except Exception as error:
            complain(str(key), _why(error))
            continue
        found = mending.mend(str(key), value)
        if found is not _NOTHING:
            kept[key] = found
    return kept


_NOTHING = object()
"""What is left of a value that was left out."""


class _Mending:
    """Makes JSON of values, most of which are. is_text: a value that JSON has no form for becomes a text; else it is left out.

    tell(name, reason) is called for each of them. Of a list that has one, all is left out: its other values would move.
    """

    def __init__(self, tell: Callable[[str, str], None], *, is_text: bool) -> None:
        self._tell = tell
        self._is_text = is_text

    def mend(self, name: str, value: Any, above: tuple[int, ...] = ()) -> Any:
        """Give what JSON carries of a value, or _NOTHING. above: the ids of what it lies in, which may be itself."""
        try:
            _encode(value).encode()
        except Exception as error:
            fault = error
        else:
            return value
        inner = _open_up(value) if id(value) not in above and len(above) < _MOST_LEVELS else None
        above = (*above, id(value))
        if isinstance(inner, Mapping):
            each = ((_key(key), self.mend(f"{name}.{key}", part, above)) for key, part in inner.items())
            return {key: part for key, part in each if part is not _NOTHING}
        if isinstance(inner, list | tuple) and self._is_text:
            return [self.mend(f"{name}.{number}", part, above) for number, part in enumerate(inner)]
        self._tell(name, _why(fault))
        return _text(value) if self._is_text else _NOTHING


def _open_up(value: Any) -> Any:
    """Give what a value consists of, if it does of others."""
    if isinstance(value, Mapping | list | tuple | str):
        return value
    try:
        return _plain(value)
    except Exception:
        return None


def _key(key: Any) -> Any:
    return key if key is None or isinstance(key, int | float) else _text(key)


def _text(value: Any) -> str:
    try:
        text = str(value)
    except Exception:  # its own code, whatever that raises
        text = _name(type(value))
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, TypeError) else "it cannot be written as JSON"

"""Rows to columns and back, and a batch of rows as the bytes of one segment: how rows lie in the database until they are folded.

A row is a JSON object. A dict in it without `_type` is no value but a level: each value has a path, `("gpu", "0", "temp")`, and a name, the
path with dots. Dicts with `_type` (media), empty ones, and what lies deeper than twenty levels are values. Under the empty path stands, for
every line, the row's step: `_step` where that is a whole number from 0 on, the line's own number otherwise.
"""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import zstandard

from runkey_server.errors import Error
from runkey_server.history.columns import INT, Column, Ints
from runkey_server.history.encoding import decode, encode
from runkey_wire import history_line, limits
from runkey_wire.errors import Malformed

Path = tuple[str, ...]
Columns = dict[Path, Column]
Row = dict[str, Any]

STEPS: Path = ()
"""The path of the column that has a step for every line there is."""

_STEP = ("_step",)
_MAX_LEVELS = 20
_MAX_DEPTH = 100
"""What lies deeper is kept as text. Whatever reads a row goes down into it by a stack that ends at some hundred levels, and a row that
one reader can take and the next cannot would shut everybody out of its run."""

_AS_LINES, _AS_COLUMNS = 0, 1
_FEW_LINES = 32
"""Below it, columns cost more than they save before the fold: twenty microseconds each."""

_LEVEL = 1
_MAX_BYTES = 1 << 30
_LENGTH = struct.Struct("<I")

_decode_lines = msgspec.json.Decoder().decode_lines


def name_of(path: Path) -> str:
    """Give the name by which a path is asked for."""
    return ".".join(path)


def read_rows(first: int, lines: Sequence[str]) -> tuple[list[Row], bool]:
    """Read lines as rows, what lies a hundred levels deep as the text of its JSON. Tell, too, whether there is none of that.

    Raises Error `invalid` when one is not a JSON object or too long.
    """
    for index, line in enumerate(lines):
        if len(line) > limits.MAX_LINE_BYTES:
            raise Error("invalid", f"Line {first + index} is longer than {limits.MAX_LINE_BYTES} bytes.")
    rows, are_as_written = _read_rows(first, lines), True
    for index, line in enumerate(lines):
        # Few lines have so many openings, and few of those have them in one another.
        if line.count("[") + line.count("{") > _MAX_DEPTH and _is_deep(rows[index]):
            rows[index], are_as_written = _shallow(first + index, rows[index]), False
    return rows, are_as_written


def _read_rows(first: int, lines: Sequence[str]) -> list[Row]:
    try:
        rows = _decode_lines("\n".join(lines))
        # A line that holds a line break, or two values, would count as several.
        if len(rows) == len(lines) and all(type(row) is dict for row in rows):
            return rows
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        pass
    return [_read_row(first + index, line) for index, line in enumerate(lines)]


def _read_row(number: int, line: str) -> Row:
    # The standard library reads what strict JSON has not: NaN, infinities, and half of a surrogate pair, which has no UTF-8.
    try:
        return history_line.parse(line.encode("utf-8", "replace").decode())
    except Malformed:
        raise Error("invalid", f"Line {number} is not a JSON object. Nothing of this request was kept.") from None


def _shallow(number: int, row: Row) -> Row:
    try:
        return {key: _cut_down(value, _MAX_DEPTH - 1) for key, value in row.items()}
    except RecursionError:
        raise Error("invalid", f"Line {number} has lists in lists beyond measure. Nothing of this request was kept.") from None


def _is_deep(row: Row) -> bool:
    level: list[Any] = [row]
    for _ in range(_MAX_DEPTH):
        inner: list[Any] = []
        for held in level:
            items = held.values() if type(held) is dict else held
            if not _HOLDING.isdisjoint(map(type, items)):
                inner.extend([item for item in items if type(item) in _HOLDING])
        if not inner:
            return False
        level = inner
    return True


_HOLDING: frozenset[type] = frozenset((dict, list))


def _cut_down(value: Any, levels: int) -> Any:
    if type(value) not in _HOLDING:
        return value
    if not levels:
        return json.dumps(value, separators=(",", ":"))
    if type(value) is dict:
        return {key: _cut_down(inner, levels - 1) for key, inner in value.items()}
    return [_cut_down(inner, levels - 1) for inner in value]


def columns_of(lines: Ints, rows: Sequence[Row]) -> Columns:
    """Turn rows into columns, the steps among them. lines: the number of each row's line, growing."""
    groups: dict[tuple[str, ...], tuple[list[int], list[Row]]] = {}
    for number, row in zip(lines.tolist(), rows, strict=True):
        numbers, alike = groups.setdefault(tuple(row), ([], []))
        numbers.append(number)
        alike.append(row)
    parts: dict[Path, list[Column]] = {}
    for keys, (numbers, alike) in groups.items():
        places = np.array(numbers, np.int64)
        # All values of one key at once, by the language's own loops.
        for key, values in zip(keys, zip(*(row.values() for row in alike), strict=True), strict=True):
            if dict in map(type, values):
                _add_nested(parts, (key,), numbers, values)
            else:
                parts.setdefault((key,), []).append(Column.of(places, values))
    columns = {path: Column.joined(found) for path, found in parts.items()}
    columns[STEPS] = steps_of(lines, columns.get(_STEP))
    return columns


def _add_nested(parts: dict[Path, list[Column]], path: Path, numbers: Sequence[int], values: Sequence[Any]) -> None:
    found: dict[Path, tuple[list[int], list[Any]]] = {}
    for number, value in zip(numbers, values, strict=True):
        for leaf, held in _leaves(path, value):
            places, kept = found.setdefault(leaf, ([], []))
            places.append(number)
            kept.append(held)
    for leaf, (places, kept) in found.items():
        parts.setdefault(leaf, []).append(Column.of(np.array(places, np.int64), kept))


def _leaves(path: Path, value: Any) -> Iterable[tuple[Path, Any]]:
    if isinstance(value, dict) and value and "_type" not in value and len(path) < _MAX_LEVELS:
        for key, inner in value.items():
            yield from _leaves((*path, key), inner)
    else:
        yield path, value


def steps_of(lines: Ints, told: Column | None) -> Column:
    """Give the step of every line. told: the column of `_step`, if there is one."""
    steps = lines.copy()
    if told is not None:
        places = told.lines[told.kinds == INT]
        steps[np.searchsorted(lines, places[told.ints >= 0])] = told.ints[told.ints >= 0]
    return Column(lines, np.full(len(lines), INT, np.uint8), np.empty(0, np.float64), steps, [])


def rows_of(columns: Mapping[Path, Column]) -> dict[int, Row]:
    """Turn columns back into rows: line number to row, in the order of the lines. The steps say which lines there are."""
    rows: dict[int, Row] = {line: {} for line in columns[STEPS].lines.tolist()} if STEPS in columns else {}
    for path, column in columns.items():
        if len(path) == 1:
            key = path[0]
            for line, value in zip(column.lines.tolist(), column.values(), strict=True):
                rows[line][key] = value
        elif path:
            for line, value in zip(column.lines.tolist(), column.values(), strict=True):
                level = rows[line]
                for key in path[:-1]:
                    level = level.setdefault(key, {})
                level[path[-1]] = value
    return rows


def pack(lines: Ints, rows: Sequence[Row], texts: Sequence[str] | None = None) -> bytes:
    """Write rows as a segment. texts: the lines they were read from, when there are any."""
    if texts is not None and len(rows) < _FEW_LINES and int(lines[-1] - lines[0]) + 1 == len(lines):
        joined = "\n".join(texts) if not any("\n" in text for text in texts) else "\n".join(map(write_row, rows))
        return bytes((_AS_LINES,)) + _compress(joined.encode("utf-8", "replace"))
    return pack_columns(columns_of(lines, rows))


def pack_columns(columns: Mapping[Path, Column]) -> bytes:
    """Write columns as a segment."""
    bodies = [encode(column, is_passing=True) for column in columns.values()]
    head = _compress(json.dumps([list(columns), list(map(len, bodies))]).encode())
    return b"".join((bytes((_AS_COLUMNS,)), _LENGTH.pack(len(head)), head, *bodies))


def unpack(body: bytes, first_line: int) -> Columns:
    """Read a segment. Raises Error `internal` for bytes that are none."""
    try:
        if body[0] == _AS_LINES:
            texts = _decompress(body[1:]).decode().split("\n")
            return columns_of(np.arange(first_line, first_line + len(texts), dtype=np.int64), read_rows(first_line, texts)[0])
        if body[0] != _AS_COLUMNS:
            raise ValueError("no version that is known")
        start = 1 + _LENGTH.size
        at = start + _LENGTH.unpack_from(body, 1)[0]
        paths, lengths = json.loads(_decompress(body[start:at]))
        columns = {}
        for path, length in zip(paths, lengths, strict=True):
            columns[tuple(path)] = decode(body[at : at + length])
            at += length
    except (ValueError, IndexError, struct.error, zstandard.ZstdError) as fault:
        raise Error("internal", "A piece of history is damaged. Run: runkey-server doctor") from fault
    return columns


def write_row(row: Row) -> str:
    """Write a row as a line of JSON."""
    return json.dumps(row, separators=(",", ":"))


def are_same(one: Row, other: Row) -> bool:
    """Tell whether two rows hold the same, to the bit: 1 is not 1.0, and NaN is NaN."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _compress(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(data)


def _decompress(data: bytes) -> bytes:
    # A damaged frame may claim any size, and room is made for it before anything is read.
    if zstandard.frame_content_size(data) > _MAX_BYTES:
        raise ValueError("too large")
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=_MAX_BYTES)

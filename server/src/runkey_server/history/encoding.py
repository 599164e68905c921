"""A column as bytes and back. The format is written down in docs/history-format.md; this file keeps every version that was ever written.

Version 1: a head, then the parts, each compressed by zstd. Numbers are laid down in the smallest of a few exact forms: as they are; their
bytes shuffled (all first bytes, then all second ones: the sign and exponent bytes of a series are much alike); as differences; floats also
as float32, or as whole numbers of a decimal place, when that gives back every bit. Which form was taken stands before each part.
"""

import json
import struct
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from runkey_server.errors import Error
from runkey_server.history.columns import FLOAT, INT, OTHER, Column, Floats, Ints

VERSION = 1
_LEVEL = 3
"""Of zstd: higher ones gain 2 % on series and cost several times the CPU."""

_PLAIN, _SHUFFLED = 0, 1
_AS_INT64, _AS_DELTA, _AS_FLOAT64, _AS_FLOAT32, _AS_BIT_DELTA, _AS_DECIMAL = range(6)
_DECIMALS = (1, 2, 3, 4, 5, 6)
_NO_WHOLE = 2**53
"""Beyond it floats are no longer every whole number; below zero it stands for -0.0, which rounding small losses makes."""

_MINUS_ZERO_BITS = -(2**63)
_MAX_OTHERS_BYTES = 1 << 30

# version, points, first line, whether every line from there on has a value; lengths of the parts: lines, kinds, floats, ints, others.
_HEAD = struct.Struct("<BIq?5I")
_UNIFORM = struct.Struct("<B")


def encode(column: Column) -> bytes:
    """Write a column; at least one value. Cost: about 60 ns a value for floats."""
    first = int(column.lines[0])
    is_dense = int(column.lines[-1]) - first + 1 == len(column)
    lines = b"" if is_dense else encode_ints(column.lines)
    uniform = len(column) in (len(column.floats), len(column.ints), len(column.others))
    kinds = _UNIFORM.pack(int(column.kinds[0])) if uniform else _compress(column.kinds.tobytes())
    parts = (
        lines,
        kinds,
        encode_floats(column.floats) if len(column.floats) else b"",
        encode_ints(column.ints) if len(column.ints) else b"",
        _compress(json.dumps(column.others, separators=(",", ":")).encode()) if column.others else b"",
    )
    return b"".join((_HEAD.pack(VERSION, len(column), first, is_dense, *map(len, parts)), *parts))


def decode(body: bytes) -> Column:
    """Read a column. Raises Error `internal` for bytes that are none: a damaged database is never passed over."""
    try:
        version, points, first, is_dense, *lengths = _HEAD.unpack_from(body)
        if version != VERSION or _HEAD.size + sum(lengths) != len(body):
            raise ValueError("not a column")
        parts, at = [], _HEAD.size
        for length in lengths:
            parts.append(body[at : at + length])
            at += length
        lines = np.arange(first, first + points, dtype=np.int64) if is_dense else decode_ints(parts[0])
        kinds = np.full(points, parts[1][0], np.uint8) if len(parts[1]) == 1 else np.frombuffer(_decompress(parts[1]), np.uint8)
        column = Column(
            lines,
            kinds,
            decode_floats(parts[2]) if parts[2] else np.empty(0, np.float64),
            decode_ints(parts[3]) if parts[3] else np.empty(0, np.int64),
            json.loads(_decompress(parts[4])) if parts[4] else [],
        )
        if len(lines) != points or [int((kinds == kind).sum()) for kind in (FLOAT, INT, OTHER)] != _sizes(column):
            raise ValueError("not a column")
    except (ValueError, IndexError, struct.error, zstandard.ZstdError) as fault:
        raise Error("internal", "A piece of history is damaged. Run: runkey-server doctor") from fault
    return column


def _sizes(column: Column) -> list[int]:
    return [len(column.floats), len(column.ints), len(column.others)]


def encode_ints(values: Ints) -> bytes:
    """Write whole numbers: as they are or as differences, whichever is smaller. At least one."""
    # Differences wrap around at 64 bits, and come back so.
    deltas = np.empty_like(values)
    deltas[0] = values[0]
    np.subtract(values[1:], values[:-1], out=deltas[1:])
    return min((_lay(_AS_DELTA, _folded(deltas)), _lay(_AS_INT64, _folded(values))), key=len)


def decode_ints(part: bytes) -> Ints:
    """Read whole numbers."""
    form, numbers = part[0], _unfolded(_pick_up(part, np.int64))
    return np.cumsum(numbers, dtype=np.int64) if form == _AS_DELTA else numbers


def _folded(numbers: Ints) -> Ints:
    """Interleave positive and negative numbers (0, -1, 1, -2, …), so that small ones of either sign have empty high bytes."""
    return (numbers << 1) ^ (numbers >> 63)


def _unfolded(numbers: Ints) -> Ints:
    return (numbers.view(np.uint64) >> np.uint64(1)).view(np.int64) ^ -(numbers & 1)


def encode_floats(values: Floats) -> bytes:
    """Write floats, NaN with its bits and all, in the smallest of the exact forms. At least one."""
    bits = values.view(np.int64)
    with np.errstate(all="ignore"):
        halves = values.astype(np.float32)
        if np.array_equal(halves.astype(np.float64).view(np.int64), bits):
            return _lay(_AS_FLOAT32, halves)
        decimal = _as_decimal(values, bits)
    if decimal is not None:
        return decimal
    forms = [_lay(_AS_FLOAT64, values)]
    if len(values) > 1 and bool(np.all(values[1:] >= values[:-1])):
        # A clock: neighbours share their first bits, and differences of the patterns are small.
        deltas = np.empty_like(bits)
        deltas[0] = bits[0]
        np.subtract(bits[1:], bits[:-1], out=deltas[1:])
        forms.append(_lay(_AS_BIT_DELTA, deltas))
    return min(forms, key=len)


def decode_floats(part: bytes) -> Floats:
    """Read floats."""
    match part[0]:
        case 3:  # _AS_FLOAT32
            return _pick_up(part, np.float32).astype(np.float64)
        case 4:  # _AS_BIT_DELTA
            return np.cumsum(_pick_up(part, np.int64), dtype=np.int64).view(np.float64)
        case 5:  # _AS_DECIMAL
            return _from_decimal(decode_ints(part[2:]), part[1])
        case _:
            return _pick_up(part, np.float64)


def _as_decimal(values: Floats, bits: Ints) -> bytes | None:
    """Write floats that were rounded to a few decimal places as whole numbers; None when a bit would be lost."""
    # Most series have no such place: a few values tell, before all are tried.
    probe = slice(0, len(values), max(1, len(values) // 16))
    for places in _DECIMALS:
        scale = 10.0**places
        if _scaled(values[probe], bits[probe], places, scale) is None:
            continue
        whole = _scaled(values, bits, places, scale)
        if whole is not None:
            return bytes((_AS_DECIMAL, places)) + encode_ints(whole)
    return None


def _scaled(values: Floats, bits: Ints, places: int, scale: float) -> Ints | None:
    scaled = np.rint(values * scale)
    if not bool(np.all(np.abs(scaled) < _NO_WHOLE)):
        return None
    whole = scaled.astype(np.int64)
    whole[bits == _MINUS_ZERO_BITS] = -_NO_WHOLE
    return whole if np.array_equal(_from_decimal(whole, places).view(np.int64), bits) else None


def _from_decimal(whole: Ints, places: int) -> Floats:
    values = whole.astype(np.float64) / 10.0**places
    values[whole == -_NO_WHOLE] = -0.0
    return values


def _lay(form: int, numbers: NDArray[Any]) -> bytes:
    plain = numbers.tobytes()
    width = numbers.dtype.itemsize
    shuffled = np.frombuffer(plain, np.uint8).reshape(-1, width).T.tobytes()
    small, smaller = _compress(plain), _compress(shuffled)
    return bytes((form, _PLAIN)) + small if len(small) <= len(smaller) else bytes((form, _SHUFFLED)) + smaller


def _pick_up(part: bytes, kind: Any) -> NDArray[Any]:
    data = _decompress(part[2:])
    if part[1] == _SHUFFLED:
        width = np.dtype(kind).itemsize
        planes = np.frombuffer(data, np.uint8).reshape(width, -1)
        laid = np.empty((planes.shape[1], width), np.uint8)
        for place in range(width):
            laid[:, place] = planes[place]
        return laid.reshape(-1).view(kind)
    return np.frombuffer(data, kind)


def _compress(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(data)


def _decompress(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=_MAX_OTHERS_BYTES)

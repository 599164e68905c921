"""A column as bytes and back. The format is written down in docs/history-format.md; this file keeps every version that was ever written.

Version 1: a head, then the parts, each compressed by zstd. Numbers are laid down in the smallest of a few exact forms: as they are; their
bytes shuffled (all first bytes, then all second ones: the sign and exponent bytes of a series are much alike); as differences; floats also
as float32, or as whole numbers of a decimal place, when that gives back every bit; or parted into exponents, which are alike, and the rest,
which in noise is not. Which form was taken stands before each part.
"""

import json
import struct
import zlib
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from runkey_server.errors import Error
from runkey_server.history.columns import FLOAT, INT, OTHER, Column, Floats, Ints

VERSION = 1
_LEVEL = 3
"""Of zstd: higher ones gain 2 % on series and cost several times the CPU."""

_PLAIN, _SHUFFLED, _RAW = 0, 1, 2
_AS_INT64, _AS_DELTA, _AS_FLOAT64, _AS_FLOAT32, _AS_BIT_DELTA, _AS_DECIMAL, _AS_PARTED = range(7)
_DECIMALS = (1, 2, 3, 4, 5, 6, 9)
"""Places that are tried: what people round to, and the nanoseconds in which the official client counts `_runtime`."""

_NO_WHOLE = 2**53
"""Beyond it floats are no longer every whole number; below zero it stands for -0.0, which rounding small losses makes."""

_MINUS_ZERO_BITS = -(2**63)
_MAX_OTHERS_BYTES = 1 << 30

# version, points, first line, whether every line from there on has a value; lengths of the parts: lines, kinds, floats, ints, others.
_HEAD = struct.Struct("<BIq?5I")
_UNIFORM = struct.Struct("<B")


def encode(column: Column, *, is_passing: bool = False) -> bytes:
    """Write a column; at least one value. is_passing: it will be written anew soon, and is not worth making small.

    Cost: about 100 ns a value for floats, 5 when passing.
    """
    first = int(column.lines[0])
    is_dense = int(column.lines[-1]) - first + 1 == len(column)
    ints, floats = (_raw_ints, _raw_floats) if is_passing else (encode_ints, encode_floats)
    lines = b"" if is_dense else ints(column.lines)
    uniform = len(column) in (len(column.floats), len(column.ints), len(column.others))
    kinds = _UNIFORM.pack(int(column.kinds[0])) if uniform else _compress(column.kinds.tobytes())
    parts = (
        lines,
        kinds,
        floats(column.floats) if len(column.floats) else b"",
        ints(column.ints) if len(column.ints) else b"",
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
    except (ValueError, IndexError, struct.error, zstandard.ZstdError, zlib.error) as fault:
        raise Error("internal", "A piece of history is damaged. Run: runkey-server doctor") from fault
    return column


def _sizes(column: Column) -> list[int]:
    return [len(column.floats), len(column.ints), len(column.others)]


def _raw_ints(values: Ints) -> bytes:
    return bytes((_AS_INT64, _RAW)) + _folded(values).tobytes()


def _raw_floats(values: Floats) -> bytes:
    return bytes((_AS_FLOAT64, _RAW)) + values.tobytes()


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
            return _unless_noise(_lay(_AS_FLOAT32, halves), halves, _NOISE_BYTES_OF_HALVES)
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
    return _unless_noise(min(forms, key=len), values, _NOISE_BYTES)


def _unless_noise(laid: bytes, values: Floats | NDArray[np.float32], noise_bytes: float) -> bytes:
    parted = _part(values) if len(laid) > noise_bytes * len(values) else None
    return laid if parted is None or len(laid) <= len(parted) else parted


def decode_floats(part: bytes) -> Floats:
    """Read floats."""
    match part[0]:
        case 3:  # _AS_FLOAT32
            return _pick_up(part, np.float32).astype(np.float64)
        case 4:  # _AS_BIT_DELTA
            return np.cumsum(_pick_up(part, np.int64), dtype=np.int64).view(np.float64)
        case 5:  # _AS_DECIMAL
            return _from_decimal(decode_ints(part[2:]), part[1])
        case 6:  # _AS_PARTED
            return _join(part)
        case 2:  # _AS_FLOAT64
            return _pick_up(part, np.float64)
        case _:
            raise ValueError("no form that is known")


# Above so many bytes a value, mantissas are noise, and only exponents can be made smaller.
_NOISE_BYTES, _NOISE_BYTES_OF_HALVES = 6.9, 3.3
# form, whether float32, values, smallest exponent, length of the exponents
_PARTED = struct.Struct("<B?IHI")


def _part(values: Floats | NDArray[np.float32]) -> bytes | None:
    """Write exponents, as bytes above the smallest, apart from signs and mantissas, which stay as they are; None where they do not fit.

    Huffman's code alone, without a search for repeats, is what noise can be given: zlib has it, zstd mixes both.
    """
    is_half = values.dtype == np.float32
    words = values.view(np.uint32) if is_half else values.view(np.uint64)
    mantissa = 23 if is_half else 52
    exponents = ((words >> words.dtype.type(mantissa)) & words.dtype.type(0xFF if is_half else 0x7FF)).astype(np.uint16)
    least = int(exponents.min())
    if int(exponents.max()) - least > 255:
        return None
    coder = zlib.compressobj(6, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    tops = coder.compress((exponents - least).astype(np.uint8).tobytes()) + coder.flush()
    signs = (words >> words.dtype.type(31 if is_half else 63)).astype(np.uint8)
    if is_half:
        laid = words.view(np.uint8).reshape(-1, 4)[:, :3].copy()
        laid[:, 2] = (laid[:, 2] & 0x7F) | (signs << 7)
        rest = laid.tobytes()
    else:
        nibbles = ((words >> np.uint64(48)) & np.uint64(15)).astype(np.uint8)
        nibbles = np.append(nibbles, np.uint8(0)) if len(nibbles) % 2 else nibbles
        low = words.view(np.uint8).reshape(-1, 8)[:, :6].tobytes()
        rest = b"".join((np.packbits(signs).tobytes(), (nibbles[::2] | (nibbles[1::2] << 4)).tobytes(), low))
    return b"".join((_PARTED.pack(_AS_PARTED, is_half, len(values), least, len(tops)), tops, rest))


def _join(part: bytes) -> Floats:
    _, is_half, count, least, length = _PARTED.unpack_from(part)
    at = _PARTED.size + length
    tops = np.frombuffer(zlib.decompress(part[_PARTED.size : at], -15, count), np.uint8)
    if is_half:
        laid = np.zeros((count, 4), np.uint8)
        laid[:, :3] = np.frombuffer(part, np.uint8, count * 3, at).reshape(-1, 3)
        halves = laid.reshape(-1).view(np.uint32)
        signs = (halves & np.uint32(0x800000)) << np.uint32(8)
        exponents = (tops.astype(np.uint32) + np.uint32(least)) << np.uint32(23)
        whole: NDArray[np.uint32] = (halves & np.uint32(0x7FFFFF)) | signs | exponents
        with np.errstate(invalid="ignore"):  # some NaN of damaged bytes
            return whole.view(np.float32).astype(np.float64)
    packed = np.frombuffer(part, np.uint8, -(-count // 8), at)
    at += len(packed)
    pairs = np.frombuffer(part, np.uint8, -(-count // 2), at)
    at += len(pairs)
    nibbles = np.stack((pairs & 15, pairs >> 4), axis=1).reshape(-1)[:count].astype(np.uint64) << np.uint64(48)
    laid = np.zeros((count, 8), np.uint8)
    laid[:, :6] = np.frombuffer(part, np.uint8, count * 6, at).reshape(-1, 6)
    exponents = (tops.astype(np.uint64) + np.uint64(least)) << np.uint64(52)
    top = np.unpackbits(packed, count=count).astype(np.uint64) << np.uint64(63)
    joined: NDArray[np.uint64] = laid.reshape(-1).view(np.uint64) | nibbles | exponents | top
    return joined.view(np.float64)


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
    if part[1] == _RAW:
        return np.frombuffer(part, kind, -1, 2)
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
    # With its checksum: a bit that the disk lost in a text would change the text, and nothing else that is kept would tell.
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(data)


def _decompress(data: bytes) -> bytes:
    # A damaged frame may claim any size, and room is made for it before anything is read.
    if zstandard.frame_content_size(data) > _MAX_OTHERS_BYTES:
        raise ValueError("too large")
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=_MAX_OTHERS_BYTES)

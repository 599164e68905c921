"""Parquet files, written front to back: the format, and nothing of ours.

Source: the Parquet format's own specification (README, Encodings, parquet.thrift) and Thrift's compact protocol. Used of it: optional flat
columns; data pages of version 1 with PLAIN values and RLE levels, in zstd; several pages a column chunk, several row groups a file.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import zstandard
from numpy.typing import NDArray

MAGIC = b"PAR1"
_LEVEL = 3


class Type(IntEnum):
    """Physical types."""

    BOOLEAN = 0
    INT64 = 2
    DOUBLE = 5
    BYTE_ARRAY = 6


_PLAIN, _RLE = 0, 3
_ZSTD = 6
_DATA_PAGE = 0
_OPTIONAL = 1
_UTF8 = 0
"""The old name of the logical type STRING, which older readers go by."""


@dataclass(frozen=True)
class Page:
    """A page with its header: rows, bytes, and how many they would be uncompressed."""

    rows: int
    body: bytes
    uncompressed: int


def page_of(rows: int, places: NDArray[np.int64], values: bytes) -> Page:
    """Make a page. places: the rows that have a value, growing; values: theirs, PLAIN."""
    levels = _levels(rows, places)
    data = struct.pack("<I", len(levels)) + levels + values
    body = zstandard.ZstdCompressor(level=_LEVEL).compress(data)
    of_data = _struct((1, _i32(rows)), (2, _i32(_PLAIN)), (3, _i32(_RLE)), (4, _i32(_RLE)))
    header = _struct((1, _i32(_DATA_PAGE)), (2, _i32(len(data))), (3, _i32(len(body))), (5, of_data))[1]
    return Page(rows, header + body, len(header) + len(data))


def _levels(rows: int, places: NDArray[np.int64]) -> bytes:
    """Write definition levels of one bit: one run where all are alike, packed bits otherwise."""
    if len(places) in (0, rows):
        return _varint(rows << 1) + bytes((int(len(places) == rows),))
    bits = np.zeros(-(-rows // 8) * 8, np.uint8)
    bits[places] = 1
    return _varint((len(bits) // 8) << 1 | 1) + np.packbits(bits, bitorder="little").tobytes()


def plain_texts(texts: Sequence[bytes]) -> bytes:
    """Write texts in PLAIN: each after its length."""
    return b"".join([piece for text in texts for piece in (struct.pack("<I", len(text)), text)])


class ParquetFile:
    """A file under way: `begin`, then for each row group `add` for every column in order and `end_group`, then `end`.

    It keeps what the footer says of each column chunk, about 60 bytes.
    """

    def __init__(self, columns: Sequence[tuple[str, Type]], *, created_by: str, facts: dict[str, str]) -> None:
        """Begin a file. columns: names and types. facts: its key-value metadata."""
        self._columns = columns
        self._created_by = created_by
        self._facts = facts
        self._at = 0
        self._chunks: list[tuple[int, bytes]] = []
        self._group_bytes = 0
        self._groups: list[tuple[int, bytes]] = []
        self._rows = 0

    def begin(self) -> bytes:
        """Give the first bytes."""
        self._at = len(MAGIC)
        return MAGIC

    def add(self, pages: Sequence[Page]) -> bytes:
        """Give the bytes of the next column's chunk in this row group. pages: at least one."""
        name, kind = self._columns[len(self._chunks)]
        body = b"".join([page.body for page in pages])
        uncompressed = sum(page.uncompressed for page in pages)
        about = _struct(
            (1, _i32(kind)),
            (2, _list(_I32, [_zigzag(_PLAIN), _zigzag(_RLE)])),
            (3, _list(_BINARY, [_counted(name.encode())])),
            (4, _i32(_ZSTD)),
            (5, _i64(sum(page.rows for page in pages))),
            (6, _i64(uncompressed)),
            (7, _i64(len(body))),
            (9, _i64(self._at)),
        )
        self._chunks.append(_struct((2, _i64(self._at)), (3, about)))
        self._group_bytes += uncompressed
        self._at += len(body)
        return body

    def end_group(self, rows: int) -> None:
        """End a row group of so many rows."""
        chunks = _list(_STRUCT, [chunk for _, chunk in self._chunks])
        self._groups.append(_struct((1, chunks), (2, _i64(self._group_bytes)), (3, _i64(rows))))
        self._chunks, self._group_bytes = [], 0
        self._rows += rows

    def end(self) -> bytes:
        """Give the footer."""
        root = _struct((4, _text("schema")), (5, _i32(len(self._columns))))
        schema = [root, *(_field(name, kind) for name, kind in self._columns)]
        facts = [_struct((1, _text(key)), (2, _text(value))) for key, value in self._facts.items()]
        footer = _struct(
            (1, _i32(1)),
            (2, _list(_STRUCT, [element for _, element in schema])),
            (3, _i64(self._rows)),
            (4, _list(_STRUCT, [group for _, group in self._groups])),
            (5, _list(_STRUCT, [fact for _, fact in facts])),
            (6, _text(self._created_by)),
        )[1]
        return footer + struct.pack("<I", len(footer)) + MAGIC


def _field(name: str, kind: Type) -> tuple[int, bytes]:
    words = [(1, _i32(kind)), (3, _i32(_OPTIONAL)), (4, _text(name))]
    if kind is Type.BYTE_ARRAY:
        # LogicalType is a union; its first member, STRING, is an empty struct.
        words += [(6, _i32(_UTF8)), (10, _struct((1, _struct())))]
    return _struct(*words)


# --- Thrift's compact protocol: a value is its type and its bytes ------------------------------------------------------

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
Value = tuple[int, bytes]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _counted(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _i32(number: int) -> Value:
    return _I32, _zigzag(number)


def _i64(number: int) -> Value:
    return _I64, _zigzag(number)


def _text(text: str) -> Value:
    return _BINARY, _counted(text.encode())


def _list(kind: int, items: Sequence[bytes]) -> Value:
    head = bytes((len(items) << 4 | kind,)) if len(items) < 15 else bytes((0xF0 | kind,)) + _varint(len(items))
    return _LIST, head + b"".join(items)


def _struct(*fields: tuple[int, Value]) -> Value:
    out, last = bytearray(), 0
    for number, (kind, data) in fields:
        out.append((number - last) << 4 | kind)
        out += data
        last = number
    out.append(0)
    return _STRUCT, bytes(out)

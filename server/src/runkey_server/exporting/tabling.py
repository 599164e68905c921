"""Tables as Parquet: two passes, one that finds what each column has, and one that writes.

A column has whole numbers (INT64), floats (DOUBLE), booleans or texts; whole numbers among floats become floats where every one of them is
exact as such; any other mixture, lists and media are texts of JSON, and the file's own metadata `runkey` names those columns. A group of
rows is written column by column, a few at a time, so that wide tables cost no more memory than narrow ones.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runkey_server import __version__
from runkey_server.exporting.kinds import Kind, kind_of, seen_in, without_nones
from runkey_server.exporting.model import SPAN, Changed, Rows, Table, in_batches
from runkey_server.exporting.parquet import Page, ParquetFile, Type, page_of, plain_texts
from runkey_server.history import Column

_PAGES = 8
"""Pages of a column in a group of rows, at most: 65,536 rows, unless texts are long."""

_PAGE_BYTES = 8 * 1024 * 1024
_TYPES = {
    Kind.INTEGER: Type.INT64,
    Kind.NUMBER: Type.DOUBLE,
    Kind.BOOLEAN: Type.BOOLEAN,
    Kind.TEXT: Type.BYTE_ARRAY,
    Kind.JSON: Type.BYTE_ARRAY,
}


def write_parquet(table: Table) -> Iterator[bytes]:
    """Write a table, piece by piece. Raises Changed."""
    seen = _seen(table)
    kinds = [kind_of(each) for each in seen]
    columns = [(field.name, _TYPES[kind]) for field, kind in zip(table.fields, kinds, strict=True)]
    as_json = [field.name for field, kind in zip(table.fields, kinds, strict=True) if kind is Kind.JSON]
    file = ParquetFile(columns, created_by=f"runkey-server version {__version__}", facts={"runkey": json.dumps({"json_columns": as_json})})
    yield file.begin()
    for group in _groups(table):
        for batch in in_batches(table.fields):
            yield _chunks(file, group, batch, kinds, seen)
        file.end_group(sum(map(_count, group)))
    yield file.end()


def _chunks(file: ParquetFile, group: list[list[Rows]], batch: Sequence[int], kinds: Sequence[Kind], seen: Sequence[int]) -> bytes:
    """Write some columns of a group of rows."""
    pages: dict[int, list[Page]] = {place: [] for place in batch}
    for some in group:
        found = _read(some, batch)
        for place in batch:
            pages[place].extend(_pages(found.pop(place, None), _count(some), kinds[place], seen[place]))
    return b"".join([file.add(pages[place]) for place in batch])


def _seen(table: Table) -> list[int]:
    seen = [0] * len(table.fields)
    for span in table.spans(SPAN):
        rows = table.begin(span)
        for batch in in_batches(table.fields):
            for place, column in rows.read(batch).items():
                seen[place] |= seen_in(column)
    return seen


def _groups(table: Table) -> Iterator[list[list[Rows]]]:
    """Put spans together to pages, and pages to groups: many small runs share a page."""
    group: list[list[Rows]] = []
    for some in _portions(table):
        group.append(some)
        if len(group) == _PAGES:
            yield group
            group = []
    if group:
        yield group


def _portions(table: Table) -> Iterator[list[Rows]]:
    some: list[Rows] = []
    for rows in map(table.begin, table.spans(SPAN)):
        if some and _count(some) + rows.count > SPAN:
            yield some
            some = []
        if rows.count:
            some.append(rows)
    if some:
        yield some


def _count(some: list[Rows]) -> int:
    return sum(rows.count for rows in some)


def _read(some: list[Rows], batch: Sequence[int]) -> dict[int, Column]:
    """Read some columns of neighbouring spans as one."""
    parts: dict[int, list[Column]] = {}
    at = 0
    for rows in some:
        for place, column in rows.read(batch).items():
            parts.setdefault(place, []).append(Column(column.lines + at, column.kinds, column.floats, column.ints, column.others))
        at += rows.count
    return {place: Column.joined(columns) for place, columns in parts.items()}


def _pages(column: Column | None, count: int, kind: Kind, seen: int) -> Iterator[Page]:
    """Write the cells of one column in a portion: one page, or more where texts are long."""
    if column is None:
        yield page_of(count, np.empty(0, np.int64), b"")
        return
    if seen_in(column) & ~seen:
        raise Changed
    column = without_nones(column)
    match kind:
        case Kind.INTEGER:
            yield page_of(count, column.lines, column.ints.tobytes())
        case Kind.NUMBER:
            yield page_of(count, column.lines, column.numbers()[1].tobytes())
        case Kind.BOOLEAN:
            yield page_of(count, column.lines, np.packbits(np.array(column.others, np.bool_), bitorder="little").tobytes())
        case Kind.TEXT:
            yield from _text_pages(count, column.lines, [text.encode("utf-8", "replace") for text in column.others])
        case Kind.JSON:
            yield from _text_pages(count, column.lines, [_json(value) for value in column.values()])


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _text_pages(count: int, places: NDArray[np.int64], texts: Sequence[bytes]) -> Iterator[Page]:
    """Divide until a page is not too large; one long text stays whole."""
    if len(texts) < 2 or sum(map(len, texts)) <= _PAGE_BYTES:
        yield page_of(count, places, plain_texts(texts))
        return
    half = len(texts) // 2
    border = int(places[half])
    yield from _text_pages(border, places[:half], texts[:half])
    yield from _text_pages(count - border, places[half:] - border, texts[half:])

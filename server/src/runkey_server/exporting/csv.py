"""Tables as CSV: RFC 4180, UTF-8, one header row.

Numbers stand as Python writes them, so that reading gives them back to the bit: `0.1`, `1e-07`, `nan`, `-inf`. Booleans are `true` and
`false`; lists and media are JSON; an empty text is `""`, and nothing at all is no value. A spreadsheet takes a text that begins with
`=`, `+`, `-` or `@` for a formula and may run it, so such a text gets an apostrophe before it; a number never does.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from runkey_server.exporting.model import SPAN, Field, Rows, Table, in_batches
from runkey_server.history import Column

_CELLS = 1 << 19
"""Held as text at once: some tens of MB."""

_HEAVY = 32
_NEEDS_QUOTES = re.compile('[",\r\n]')
# Tabs and line ends are passed over by spreadsheets that look for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(table: Table) -> Iterator[bytes]:
    """Write a table, piece by piece. Raises Changed."""
    yield _line([_text(field.name) for field in table.fields])
    weight = sum(_HEAVY if field.is_heavy else 1 for field in table.fields)
    for span in table.spans(max(1, min(SPAN, _CELLS // weight))):
        rows = table.begin(span)
        if rows.count:
            yield _portion(rows, table.fields)


def _portion(rows: Rows, fields: Sequence[Field]) -> bytes:
    """Write the rows of a span. A function of its own, so that nothing but its bytes is held while somebody fetches them."""
    columns: list[list[str]] = []
    for batch in in_batches(fields):
        found = rows.read(batch)
        columns.extend(_cells(found.get(place), rows.count) for place in batch)
    return _encoded("".join([",".join(cells) + "\r\n" for cells in zip(*columns, strict=True)]))


def _line(cells: list[str]) -> bytes:
    return _encoded(",".join(cells) + "\r\n")


def _encoded(text: str) -> bytes:
    # Half of a surrogate pair has no UTF-8.
    return text.encode("utf-8", "replace")


def _cells(column: Column | None, count: int) -> list[str]:
    """Write a column's cells, an empty one where a row has no value."""
    if column is None:
        return [""] * count
    texts = _texts(column)
    if len(texts) == count:
        return texts
    cells = [""] * count
    for row, text in zip(column.lines.tolist(), texts, strict=True):
        cells[row] = text
    return cells


def _texts(column: Column) -> list[str]:
    if len(column.floats) == len(column) or len(column.ints) == len(column):
        return list(map(repr, column.values()))
    return list(map(_cell, column.values()))


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return _text(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            return _quoted(json.dumps(value))


def _text(text: str) -> str:
    return _quoted(f"'{text}" if text.startswith(_FORMULA) else text) if text else '""'


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text

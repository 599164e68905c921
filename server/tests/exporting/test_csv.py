"""CSV that we write, read by the standard library: numbers to the bit, texts that no spreadsheet runs."""

import csv
import io
import json
import math
from typing import Any

import pytest
from cells import Cells
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey_server.exporting import csv as writing
from runkey_server.exporting.csv import write_csv

VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.text(alphabet="=+-@\t\r\n,;\"' a", max_size=4)
    | st.lists(st.floats() | st.text(max_size=3), max_size=3)
    | st.just({"_type": "image-file", "path": 'a,"b"'})
)


def written(table: Any) -> bytes:
    return b"".join(write_csv(table))


def expected(value: Any) -> str:
    """What a reader must find."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else json.dumps(value)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(st.sampled_from(["a", "h", "c"]), VALUES), max_size=20), st.integers(1, 30))
def test_what_goes_in_comes_out(rows: list, cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_CELLS", cells)
        data = written(Cells(["a", "h", "c"], rows))
    found = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert found == [["a", "h", "c"]] + [[expected(row.get(name)) for name in ("a", "h", "c")] for row in rows]
    for row, cells_of_row in zip(rows, found[1:], strict=True):
        for name, cell in zip(("a", "h", "c"), cells_of_row, strict=True):
            if type(row.get(name)) is float:
                assert math.isnan(row[name]) if cell == "nan" else float(cell).hex() == row[name].hex()


def test_as_the_rfc_has_it() -> None:
    rows = [
        {"x": 0.1, "t": "plain"},
        {"x": -0.0, "t": 'says "so", twice'},
        {"x": float("nan"), "t": ""},
        {"x": float("-inf")},
        {"x": -5, "t": "-5"},
        {"x": 2**70, "t": "=HYPERLINK(0)"},
        {"x": 1e-7, "t": "+1"},
        {"x": [1, "é"], "t": "@a\nb"},
        {"x": True, "t": "\ud800"},
    ]
    lines = [
        "x,t",
        "0.1,plain",
        '-0.0,"says ""so"", twice"',
        'nan,""',
        "-inf,",
        "-5,'-5",
        "1180591620717411303424,'=HYPERLINK(0)",
        "1e-07,'+1",
        '"[1, ""\\u00e9""]","\'@a\nb"',
        "true,?",
    ]
    assert written(Cells(["x", "t"], rows)).decode() == "".join(f"{line}\r\n" for line in lines)


def test_names_of_columns_are_texts_too() -> None:
    assert written(Cells(["=a", "b,c", "b,c", ""], [])) == b'\'=a,"b,c","b,c (2)",""\r\n'

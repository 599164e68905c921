"""Parquet that we write, read by somebody else: every value to the bit, every gap a null."""

import io
import json
import math
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cells import Cells
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey_server.exporting import tabling
from runkey_server.exporting.parquet import ParquetFile, Type, page_of
from runkey_server.exporting.tabling import write_parquet

LEAVES = {
    "int64": st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "double": st.floats(),
    "bool": st.booleans(),
    "string": st.text(max_size=6),
    "number": st.integers(-(2**53), 2**53) | st.floats(),
    "anything": st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
}


def written(table: Any) -> pa.Table:
    return pq.read_table(io.BytesIO(b"".join(write_parquet(table))))


def bits(value: Any) -> Any:
    return struct.pack("<d", value) if isinstance(value, float) else value


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_goes_in_comes_out(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(LEAVES)), min_size=1, max_size=4))
    names = [f"{'h' if number % 2 else ''}{kind}{number}" for number, kind in enumerate(kinds)]
    rows = data.draw(
        st.lists(st.fixed_dictionaries({}, optional={name: LEAVES[kind] for name, kind in zip(names, kinds, strict=True)}), max_size=40)
    )
    with pytest.MonkeyPatch.context() as patch:
        # Borders of pages and groups where they can be reached: nothing else is changed.
        patch.setattr(tabling, "SPAN", data.draw(st.integers(1, 9)))
        patch.setattr(tabling, "_PAGES", data.draw(st.integers(1, 3)))
        patch.setattr(tabling, "_PAGE_BYTES", data.draw(st.integers(1, 50)))
        found = written(Cells(names, rows))
    assert found.num_rows == len(rows)
    as_json = json.loads(found.schema.metadata[b"runkey"])["json_columns"]
    for name in names:
        expected = [row.get(name) for row in rows]
        got = found[name].to_pylist()
        if name in as_json:
            assert [None if text is None else json.dumps(json.loads(text)) for text in got] == [
                None if value is None else json.dumps(value) for value in expected
            ]
        elif found.schema.field(name).type == pa.float64():
            assert [bits(value) for value in got] == [None if value is None else bits(float(value)) for value in expected]
            assert all(int(value) == float(value) for value in expected if type(value) is int)
        else:
            assert got == expected
            assert [type(value) for value in got] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2**63 - 1, -(2**63)], pa.int64()),
        ([1.5, math.nan], pa.float64()),
        ([1, 2.5], pa.float64()),
        ([2**60, 2.5], pa.float64()),
        ([2**53 + 1, 2.5], pa.string()),
        ([2**63 - 1, 2.5], pa.string()),
        ([2**64, 1], pa.string()),
        ([True, None], pa.bool_()),
        ([True, 1], pa.string()),
        (["a", None], pa.string()),
        (["a", 1], pa.string()),
        ([[1], {"_type": "histogram"}], pa.string()),
        ([None], pa.float64()),
        ([], pa.float64()),
    ],
)
def test_types(values: list, kind: pa.DataType) -> None:
    found = written(Cells(["x"], [{"x": value} for value in values]))
    assert found.schema.field("x").type == kind
    texts = [value for value in values if value is not None]
    is_json = kind == pa.string() and not all(isinstance(value, str) for value in texts)
    assert json.loads(found.schema.metadata[b"runkey"])["json_columns"] == (["x"] if is_json else [])


def test_large_tables_have_several_groups_and_pages_and_small_runs_share_them() -> None:
    rows = [{"x": i / 7, **({"y": i} if i % 3 else {}), "text": str(i)} for i in range(150_000)]
    data = b"".join(write_parquet(Cells(["x", "y", "text"], rows)))
    file = pq.ParquetFile(io.BytesIO(data))
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [65_536, 65_536, 18_928]
    assert groups[0].column(0).compression == "ZSTD"
    assert file.read().to_pylist()[149_999] == {"x": 149_999 / 7, "y": 149_999, "text": "149999"}
    assert file.read()["y"].null_count == 50_000
    assert len(data) < 2_500_000

    class Small(Cells):
        def spans(self, rows: int) -> Any:
            yield from super().spans(10)

    shared = pq.ParquetFile(io.BytesIO(b"".join(write_parquet(Small(["x", "y", "text"], rows[:50_000])))))
    assert shared.metadata.num_row_groups == 1
    assert shared.read().to_pylist() == rows_with_all_keys(rows[:50_000])


def rows_with_all_keys(rows: list[dict]) -> list[dict]:
    return [{name: row.get(name) for name in ("x", "y", "text")} for row in rows]


def test_odd_names_and_no_rows() -> None:
    names = ["", "a", "a", "a (2)", "\ud800", "?", "é\n\"'", "x" * 5_000, "\0"]
    found = written(Cells(names, []))
    assert found.schema.names == ["", "a", "a (2)", "a (2) (2)", "?", "? (2)", "é\n\"'", "x" * 5_000, "\0"]
    assert found.num_rows == 0
    assert written(Cells(["e"], [{}] * 20_000)).num_rows == 20_000


def test_a_page_is_as_the_specification_has_it() -> None:
    file = ParquetFile([("n", Type.INT64)], created_by="somebody", facts={})
    begun = file.begin()
    chunk = file.add([page_of(9, np.array([0, 8]), struct.pack("<qq", -1, 7))])
    file.end_group(9)
    found = pq.read_table(io.BytesIO(begun + chunk + file.end()))
    assert found["n"].to_pylist() == [-1, None, None, None, None, None, None, None, 7]
    assert begun == b"PAR1"

"""Exports through the whole application: who may, what is in them, and that nobody gets half of one for the whole."""

import csv
import io
import json
import math
import re
import urllib.parse
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as pq
import pytest
from house import House, Person, StillClock, Visitor

from runkey_server import history, runs
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.exporting import open_export
from runkey_server.history import Batch, Folder, Stream
from runkey_server.runs import Changes

ROWS = [
    {"_step": 0, "_runtime": 0.5, "_timestamp": 1.7e9, "loss": 0.1, "gpu": {"0": {"temp": 61}}},
    {"_step": 1, "_runtime": 1.5, "_timestamp": 1.7e9 + 1, "loss": float("nan"), "note": "=1+1", "gpu": {"0": {"temp": 61.5}}},
    {"_step": 5, "loss": -math.inf, "image": {"_type": "image-file", "path": "a.png"}, "none": None},
    {"loss": 2**53 + 1, "gpu.0.temp": 3},
]
NAMES = ["_step", "_runtime", "_timestamp", "loss", "gpu.0.temp", "note", "image", "none", "gpu.0.temp (2)"]


def put(database: Database, run_id: int, rows: list, first: int = 0, stream: Stream = Stream.HISTORY, *, at: StillClock) -> None:
    with database.writing() as transaction:
        history.append(transaction, run_id, stream, Batch.read(first, tuple(json.dumps(row) for row in rows)), at())


def make_run(database: Database, person: Person, name: str, clock: StillClock, project: str = "p", **changes: Any) -> int:
    with database.writing() as transaction:
        run, _ = runs.upsert(transaction, person.actor, None, project, name, Changes(**changes), clock())
    clock.advance(seconds=1)
    return run.id


def exported(database: Database, person: Person, run: str | None, file_format: str, *, kind: str = "history", clock: StillClock) -> bytes:
    export = open_export(database, person.actor, "alice", "p", run, kind=kind, file_format=file_format, now=clock())
    return b"".join(export.pieces)


def as_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_a_run_folded_and_not(database: Database, alice: Person, clock: StillClock) -> None:
    run_id = make_run(database, alice, "r1", clock)
    put(database, run_id, ROWS, at=clock)
    for _ in range(2):
        data = exported(database, alice, "r1", "csv", clock=clock)
        rows = as_csv(data)
        assert sorted(rows[0]) == sorted(NAMES)
        assert list(rows[0])[:3] == NAMES[:3]
        assert [row["_step"] for row in rows] == ["0", "1", "5", "3"], "a row without a step has the number of its line"
        assert [row["loss"] for row in rows] == ["0.1", "nan", "-inf", "9007199254740993"]
        assert [row["note"] for row in rows] == ["", "'=1+1", "", ""]
        assert [(row["gpu.0.temp"], row["gpu.0.temp (2)"]) for row in rows] == [("61", ""), ("61.5", ""), ("", ""), ("", "3")]
        table = pq.read_table(io.BytesIO(exported(database, alice, "r1", "parquet", clock=clock)))
        assert sorted(table.column_names) == sorted(NAMES)
        assert json.loads(table.schema.metadata[b"runkey"]) == {"json_columns": ["loss", "image"]}
        assert table["loss"].to_pylist() == ["0.1", "NaN", "-Infinity", "9007199254740993"]
        assert table["gpu.0.temp"].to_pylist() == [61.0, 61.5, None, None]
        assert table["_runtime"].to_pylist() == [0.5, 1.5, None, None]
        assert table["none"].to_pylist() == [None] * 4
        clock.advance(hours=2)
        Folder(database, clock).fold_due()


def test_a_project_has_all_its_runs_and_the_runs_themselves(database: Database, alice: Person, clock: StillClock) -> None:
    config = json.dumps({"lr": {"value": 0.1}, "net": {"value": {"depth": 3}}, "_wandb": {"value": {}}})
    first = make_run(database, alice, "r1", clock, config=config, tags=("a", "b"), display_name="=first")
    second = make_run(database, alice, "r2", clock, summary='{"loss": 2, "run": "x"}', notes="two\nlines")
    make_run(database, alice, "empty", clock)
    make_run(database, alice, "elsewhere", clock, project="q")
    put(database, first, [{"_step": i, "loss": i / 2} for i in range(9_000)], at=clock)
    put(database, second, [{"_step": 7, "run": "mine", "acc": 1}], at=clock)
    rows = as_csv(exported(database, alice, None, "csv", clock=clock))
    assert list(rows[0]) == ["run", "_step", "_runtime", "_timestamp", "loss", "run (2)", "acc"]
    assert [row["run"] for row in rows] == ["r1"] * 9_000 + ["r2"]
    assert (rows[8_999]["loss"], rows[9_000]["acc"], rows[9_000]["run (2)"]) == ("4499.5", "1", "mine")
    table = pq.read_table(io.BytesIO(exported(database, alice, None, "parquet", clock=clock)))
    assert table.column_names == list(rows[0])
    assert table["run"].to_pylist() == [row["run"] for row in rows]
    assert table["loss"].to_pylist() == [i / 2 for i in range(9_000)] + [None]
    described = as_csv(exported(database, alice, None, "csv", kind="runs", clock=clock))
    assert [row["run"] for row in described] == ["r1", "r2", "empty"]
    assert described[0]["name"] == "'=first"
    assert described[0]["tags"] == '["a", "b"]'
    assert (described[0]["config.lr"], described[0]["config.net.depth"], described[1]["summary.loss"]) == ("0.1", "3", "2")
    assert (described[1]["summary.run"], described[1]["notes"], described[2]["config.lr"]) == ("x", "two\nlines", "")
    assert described[0]["created_at"] == "2026-03-01T12:00:00Z"
    table = pq.read_table(io.BytesIO(exported(database, alice, None, "parquet", kind="runs", clock=clock)))
    assert table.column_names == list(described[0])
    assert (table["config.lr"].to_pylist(), table["summary.loss"].to_pylist()) == ([0.1, None, None], [None, 2, None])
    assert json.loads(table["tags"].to_pylist()[0]) == ["a", "b"]


def test_wide_runs_and_events(database: Database, alice: Person, clock: StillClock) -> None:
    run_id = make_run(database, alice, "r1", clock)
    wide = [{"_step": i, **{f"k{key}": key + i / 8 for key in range(300)}} for i in range(40)]
    put(database, run_id, wide, at=clock)
    put(database, run_id, [{"system.cpu": 5, "_runtime": 1}], stream=Stream.EVENTS, at=clock)
    table = pq.read_table(io.BytesIO(exported(database, alice, "r1", "parquet", clock=clock)))
    assert [{name: value for name, value in row.items() if value is not None} for row in table.to_pylist()] == wide
    rows = as_csv(exported(database, alice, "r1", "csv", clock=clock))
    assert [{name: float(value) for name, value in row.items() if value} for row in rows] == wide
    assert as_csv(exported(database, alice, "r1", "csv", kind="events", clock=clock)) == [
        {"_step": "0", "_runtime": "1", "_timestamp": "", "system.cpu": "5"}
    ]


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_what_is_exported_is_folded_first(database: Database, alice: Person, clock: StillClock, file_format: str) -> None:
    database.keep_reserve()
    run_id = make_run(database, alice, "r1", clock)
    for first in range(5):
        put(database, run_id, [{"_step": first, "word": str(first)}], first, at=clock)
    exported(database, alice, "r1", file_format, clock=clock)
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM history_segments").scalar_one() == 0


def test_lines_that_were_never_sent_are_not_looked_for(database: Database, alice: Person, clock: StillClock) -> None:
    run_id = make_run(database, alice, "r1", clock)
    far = 2**31 - 2
    for first in (0, 1, 30, 40_000, far):
        put(database, run_id, [{"x": first}], first, at=clock)
    for _ in range(2):
        with database.reading() as transaction:
            assert history.list_stretches(transaction, run_id, Stream.HISTORY) == [(0, 31), (40_000, 40_001), (far, far + 1)]
            assert [row["x"] for row in history.read_all(transaction, run_id, Stream.HISTORY)] == [0, 1, 30, 40_000, far]
        assert [row["x"] for row in as_csv(exported(database, alice, "r1", "csv", clock=clock))] == ["0", "1", "30", "40000", str(far)]
        table = pq.read_table(io.BytesIO(exported(database, alice, "r1", "parquet", clock=clock)))
        assert table["x"].to_pylist() == table["_step"].to_pylist() == [0, 1, 30, 40_000, far]
        clock.advance(hours=2)
        Folder(database, clock).fold_due()


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_rows_that_come_meanwhile_are_left_out_and_a_run_begun_again_ends_it(
    database: Database, alice: Person, clock: StillClock, file_format: str
) -> None:
    run_id = make_run(database, alice, "r1", clock)
    put(database, run_id, [{"_step": i, "x": i} for i in range(20_000)], at=clock)

    def begin() -> tuple[bytes, Any]:
        export = open_export(database, alice.actor, "alice", "p", "r1", kind="history", file_format=file_format, now=clock())
        return next(export.pieces), export.pieces

    head, pieces = begin()
    put(database, run_id, [{"_step": 20_000, "x": "text", "new": 1}], 20_000, at=clock)
    Folder(database, StillClockAt(clock, hours=2)).fold_due()
    data = head + b"".join(pieces)
    if file_format == "csv":
        assert [row["x"] for row in as_csv(data)] == [str(i) for i in range(20_000)]
    else:
        assert pq.read_table(io.BytesIO(data))["x"].to_pylist() == list(range(20_000))
    head, pieces = begin()
    if file_format == "csv":
        next(pieces)
    put(database, run_id, [{"_step": 0, "other": 1}], 0, at=clock)
    with pytest.raises(Error, match="overwritten"):
        list(pieces)


class StillClockAt(StillClock):
    """A clock so much later than another."""

    def __init__(self, clock: StillClock, **length: float) -> None:
        self.now = clock.now + timedelta(**length)


def test_what_the_page_says_of_json_columns_can_be_done(
    database: Database, alice: Person, clock: StillClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = make_run(database, alice, "r1", clock)
    put(database, run_id, [{"loss": 1, "h": {"_type": "histogram", "values": [1, 2]}}, {"loss": 2}, {"h": [3]}], at=clock)
    (tmp_path / "digits.parquet").write_bytes(exported(database, alice, "r1", "parquet", clock=clock))
    page = (Path(__file__).parents[3] / "docs/exports.md").read_text()
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {"json": json, "pyarrow": pyarrow}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], found)
    assert found["frame"]["h"].dropna().tolist() == [{"_type": "histogram", "values": [1, 2]}, [3]]
    assert found["frame"]["loss"].tolist()[:2] == [1, 2]


def test_no_transaction_is_open_while_somebody_fetches(database: Database, alice: Person, clock: StillClock) -> None:
    run_id = make_run(database, alice, "r1", clock)
    put(database, run_id, [{"_step": i, "x": i} for i in range(20_000)], at=clock)
    for kind, file_format in (("history", "csv"), ("history", "parquet"), ("runs", "csv")):
        run = None if kind == "runs" else "r1"
        for _ in open_export(database, alice.actor, "alice", "p", run, kind=kind, file_format=file_format, now=clock()).pieces:
            assert database._reader.pool.checkedout() == 0


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def mira(house: House) -> Person:
    person = house.person("mira")
    run_id = make_run(house.database, person, "r 1", house.clock, project="my ;p")
    put(house.database, run_id, ROWS, at=house.clock)
    return person


EXPORTS = ["/mira/my%20;p/export", "/mira/my%20;p/runs/r%201/export"]


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.secret}"}


@pytest.mark.parametrize("path", EXPORTS)
def test_who_may(house: House, mira: Person, path: str) -> None:
    stranger, machine = house.person("charlie"), house.person("mira", kind="machine")
    answers = {
        who: house.client.get(path, headers=headers).status_code
        for who, headers in {
            "owner": bearer(mira),
            "her machine": bearer(machine),
            "stranger": bearer(stranger),
            "wrong key": {"Authorization": "Bearer " + "x" * 40},
            "nobody": {},
            "a browser": {"Accept": "text/html"},
        }.items()
    }
    assert answers == {"owner": 200, "her machine": 200, "stranger": 404, "wrong key": 401, "nobody": 401, "a browser": 303}
    absent = path.replace("my%20;p", "absent")
    assert house.client.get(absent, headers=bearer(mira)).json() == house.client.get(path, headers=bearer(stranger)).json()
    owner, other = house.visitor().sign_up("mira2"), Visitor(house, "testclient").signed_in("mira")
    assert (owner.get(path).status_code, other.get(path).status_code) == (404, 200)
    sent_on = house.visitor().get(path + "?format=csv", Accept="text/html").headers["location"]
    assert urllib.parse.unquote(sent_on.removeprefix("/signin?next=")) == urllib.parse.unquote(path) + "?format=csv"


def test_how_it_is_sent(house: House, mira: Person) -> None:
    for file_format, media_type in (("csv", "text/csv; charset=utf-8; header=present"), ("parquet", "application/vnd.apache.parquet")):
        answer = house.client.get(EXPORTS[1], params={"format": file_format}, headers=bearer(mira))
        headers = answer.headers
        assert headers["content-type"] == media_type
        assert headers["content-disposition"] == (
            f"attachment; filename=\"my__p-r_1.{file_format}\"; filename*=UTF-8''my__p-r_1.{file_format}"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert headers["cache-control"] == "private, no-store"
        assert "content-length" not in headers
        head = house.client.head(EXPORTS[1], params={"format": file_format}, headers=bearer(mira))
        assert (head.status_code, head.content) == (200, b"")
    for bad in ({"format": "xml"}, {"kind": "runs"}, {"kind": "x"}):
        assert house.client.get(EXPORTS[1], params=bad, headers=bearer(mira)).status_code == 400
    assert house.client.get(EXPORTS[0], params={"kind": "runs"}, headers=bearer(mira)).text.startswith("run,name,state,")
    page = Visitor(house, "testclient").signed_in("mira").get(EXPORTS[0] + "?format=xml", Accept="text/html")
    assert page.status_code == 400
    assert "The format is one of csv, parquet" in page.text
    assert house.client.post(EXPORTS[1], headers=bearer(mira)).status_code == 405
    sent = house.client.get(EXPORTS[1] + "?format=parquet", headers=bearer(mira)).content
    assert pq.read_table(io.BytesIO(sent))["_step"].to_pylist() == [0, 1, 5, 3]

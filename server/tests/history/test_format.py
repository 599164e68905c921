"""The page about the format is enough to read a database by: a reader that shares no code with ours finds what ours finds."""

import json
import math
import re
from pathlib import Path

import history_reader
import numpy as np
import pytest
from house import BEGINNING, StillClock
from oracle import text

from runkey_server import history
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.history import Batch, Folder, Stream
from runkey_server.history.outlines import KIND

ROOT = Path(__file__).parents[3]
RUN = 3
ODD = [
    {"_step": 0, "loss": 0.1, "n": 1, "text": "é\u2028\u0000", "flag": True, "nothing": None},
    {"_step": 1, "loss": float("nan"), "n": 2**53 + 1, "text": "", "flag": False},
    {"_step": 2, "loss": float("-inf"), "n": -(2**63), "list": [1, [2.5, None]], "empty": {}},
    {"_step": 2, "loss": -0.0, "n": 2**70, "gpu": {"0": {"temp": 61}, "1": {"temp": 60.5}}},
    {"_step": 1, "loss": 1, "a.b": 1, "a": {"b": 2}, "": "no name"},
    {"loss": 5e-324, "image": {"_type": "image-file", "path": "media/a.png", "size": 3}},
    {},
    {"_step": 10, "loss": 1.7976931348623157e308, "lone": "\ud800", "deep": json.loads('{"k":' * 30 + "1" + "}" * 30)},
]
# Every form that floats and whole numbers are laid down in, in columns that are long enough to choose it.
FORMS = [
    {
        "_step": i,
        "_timestamp": 1.7e9 + i * 0.731,
        "half": i / 256,
        "rounded": round(i * 0.001 - 1, 3) + 0.0,
        "zero": -0.0 if i % 7 == 0 else i / 10,
        "noise": noise,
        "single": float(np.float32(noise)),
        "smooth": math.sin(i / 900),
        "wraps": (-1) ** i * (2**63 - 1 - i),
        "count": i * i,
        **({"seldom": i} if i % 5 == 0 else {}),
        **({"mixed": i} if i % 2 else {"mixed": [i, "x", i / 3][i % 3]}),
    }
    for i, noise in enumerate(np.random.default_rng(4).standard_normal(9_000).tolist())
]


@pytest.fixture
def place(tmp_path: Path) -> tuple[Database, str]:
    path = str(tmp_path / "runkey.db")
    database = Database(f"sqlite:///{path}")
    migrate(database)
    yield database, path
    database.close()


def put(database: Database, first: int, rows: list, stream: Stream = Stream.HISTORY) -> None:
    batch = Batch.read(first, tuple(json.dumps(row) for row in rows))
    with database.writing() as transaction:
        history.append(transaction, RUN, stream, batch, BEGINNING)


def ours(database: Database, stream: Stream = Stream.HISTORY) -> list[str]:
    with database.reading() as transaction:
        return [text(row) for row in history.read_all(transaction, RUN, stream)]


def test_both_read_the_same(place: tuple[Database, str]) -> None:
    database, path = place
    clock = StillClock()
    folder = Folder(database, clock)
    put(database, 0, ODD)
    put(database, 20, [{"after": "a gap"}], Stream.EVENTS)
    put(database, 8, FORMS[:5_000])

    def agree(count: int) -> None:
        found = history_reader.rows(path, RUN)
        assert list(found) == list(range(count))
        assert [text(row) for row in found.values()] == ours(database)
        assert {line: text(row) for line, row in history_reader.rows(path, RUN, 1).items()} == {20: '{"after": "a gap"}'}

    agree(5_008)
    assert ours(database)[:8] == [text(row) for row in ODD]
    clock.advance(minutes=1)
    folder.fold_due()
    agree(5_008)
    put(database, 5_008, FORMS[5_000:] + ODD)
    put(database, 9_016, ODD)
    agree(9_024)
    clock.advance(hours=2)
    folder.fold_due()
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM history_segments").scalar() == 0
        forms = {
            part[0]
            for (body,) in transaction.exec_driver_sql("SELECT body FROM history_bodies")
            for part in [body[34 + sum(np.frombuffer(body, "<u4", 2, 14)) :]]
            if np.frombuffer(body, "<u4", 1, 22)[0]
        }
    assert forms == {2, 3, 4, 5, 6}, "as float64, float32, differences, decimals and parted"
    agree(9_024)


def test_the_page_has_every_field_of_an_outline() -> None:
    page = (ROOT / "docs/history-format.md").read_text()
    described = re.findall(r"^\| (\d+) \| `(\w+)` \| (\S+)", page, re.MULTILINE)
    kinds = {"<u4": "u32", "|b1": "bool", "<i8": "i64", "<f8": "f64"}
    assert described == [(str(KIND.fields[name][1]), name, kinds[KIND.fields[name][0].str]) for name in KIND.names]
    assert f"{KIND.itemsize} bytes" in page

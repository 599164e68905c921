"""Rows, encodings and mappings: the pure parts of a run."""

import dataclasses
import datetime
import enum
import json
import math
import os
import pathlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runkey.errors import UsageError
from runkey.runs.config import config_text
from runkey.runs.encoding import encode, plain_or_text
from runkey.runs.history import History, StepIsPast
from runkey.runs.mapping import Watched
from runkey.runs.model import Standing
from runkey.runs.recording import Recorder
from runkey.runs.run import Run
from runkey.scrubbing import NOTE, Scrubber
from runkey.stream import MAX_LINE_BYTES, Acknowledged, Lock
from runkey.stream.gathering import Gatherer
from runkey.terminal import Terminal
from runkey_wire import api_key


def logged(*calls: tuple[dict[str, object], int | None, bool | None]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    history = History(100.0, rows.append)
    for number, (data, step, commit) in enumerate(calls):
        history.add(data, step, commit, 101.0 + number)
    history.complete()
    return rows


def short(rows: list[dict[str, object]]) -> list[tuple[object, dict[str, object]]]:
    return [(row["_step"], {key: value for key, value in row.items() if not key.startswith("_")}) for row in rows]


@pytest.mark.parametrize(
    ("calls", "rows"),
    [
        ([({"a": 1}, None, None), ({"a": 2}, None, None)], [(0, {"a": 1}), (1, {"a": 2})]),
        ([({"a": 1}, None, False), ({"b": 2}, None, None)], [(0, {"a": 1, "b": 2})]),
        ([({"a": 1}, 5, None), ({"b": 2}, 5, None), ({"c": 3}, 9, None)], [(5, {"a": 1, "b": 2}), (9, {"c": 3})]),
        ([({"a": 1}, 3, True), ({"b": 2}, None, None)], [(3, {"a": 1}), (4, {"b": 2})]),
        ([({"a": 1}, None, False)], [(0, {"a": 1})]),
        ([({"a": 1}, 4, None), ({"b": 2}, None, None), ({"c": 3}, None, None)], [(4, {"a": 1, "b": 2}), (5, {"c": 3})]),
        ([], []),
    ],
)
def test_steps_are_those_of_w_and_b(calls: list, rows: list) -> None:
    assert short(logged(*calls)) == rows


def test_a_step_that_is_past_is_refused() -> None:
    history = History(0.0)
    history.add({"a": 1}, 5, True, 1.0)
    with pytest.raises(StepIsPast):
        history.add({"a": 1}, 5, None, 1.0)


def test_time_rides_along() -> None:
    row = logged(({"a": 1}, None, None))[0]
    assert (row["_timestamp"], row["_runtime"]) == (101.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, True, False]), st.booleans()), max_size=30))
def test_steps_grow_and_nothing_logged_is_lost(calls: list[tuple[int, bool | None, bool]]) -> None:
    rows: list[dict[str, object]] = []
    parts: dict[int, dict[str, object]] = {}
    history, expected = History(0.0, rows.append), set()
    for number, (ahead, commit, with_step) in enumerate(calls):
        step = history.step + ahead if with_step else None
        part = history.add({f"k{number}": number}, step, commit, float(number))
        parts.setdefault(part.number, {}).update(part.row)
        expected.add(f"k{number}")
    history.complete()
    steps = [row["_step"] for row in rows]
    assert steps == sorted(set(steps))
    assert {key for row in rows for key in row if not key.startswith("_")} == expected
    # What a journal is told bit by bit comes to the same.
    assert [parts[number] for number in sorted(parts)] == rows
    assert sorted(parts) == list(range(len(rows)))


class Scalar:
    """What NumPy's and PyTorch's scalars look like from here."""

    size = 1

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value


def test_scalars_of_other_libraries_are_asked_for_their_value() -> None:
    numpy = pytest.importorskip("numpy")
    row = {"a": Scalar(1.5), "b": numpy.float32(0.5), "c": numpy.int64(3), "d": numpy.array([1, 2]), "e": numpy.bool_(True)}
    assert json.loads(encode(row, lambda *_: pytest.fail("complained"))) == {"a": 1.5, "b": 0.5, "c": 3, "d": [1, 2], "e": True}


def test_a_value_without_a_form_costs_only_itself() -> None:
    complaints = []
    circle: list[object] = []
    circle.append(circle)
    line = encode({"ok": 1, "odd": object(), "circle": circle, "nan": math.nan, "half": "\ud800"}, lambda *words: complaints.append(words))
    parsed = json.loads(line)
    assert parsed["ok"] == 1
    assert math.isnan(parsed["nan"])
    assert {key for key, _ in complaints} == {"odd", "circle", "half"}


def test_an_odd_value_deep_in_a_row_costs_only_itself() -> None:
    complaints = []
    deep = {"a": {"b": 1, "odd": object(), "list": [1, object()], (1, 2): 3}, "ok": 2}
    line = encode(deep, lambda *words: complaints.append(words[0]))
    assert json.loads(line) == {"a": {"b": 1, "(1, 2)": 3}, "ok": 2}
    assert complaints == ["a.odd", "a.list"]


class Odd:
    def __str__(self) -> str:
        return "odd \ud800" + "x" * 2_000


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError


@dataclasses.dataclass
class Holding:
    inner: object


def test_an_odd_value_in_a_config_is_text_and_the_rest_is_kept() -> None:
    told: list[tuple[str, str]] = []
    circle: dict[str, object] = {"a": 1}
    circle["again"] = circle
    values = {
        "nested": {"lr": 0.1, "odd": Odd(), "list": [1, Unspeakable()], "held": Holding({"x": 1, "y": Unspeakable()})},
        "circle": circle,
        "half": "a\ud800b",
        "plain": 1,
    }
    found = plain_or_text(values, lambda *words: told.append(words))
    nothing = f"{__name__}.Unspeakable"
    assert found["nested"] == {
        "lr": 0.1,
        "odd": "odd ?" + "x" * 995 + "…",
        "list": [1, nothing],
        "held": {"inner": {"x": 1, "y": nothing}},
    }
    assert (found["plain"], found["half"], found["circle"]["a"]) == (1, "a?b", 1)
    assert isinstance(found["circle"]["again"], str)
    assert [name for name, _ in told] == ["nested.odd", "nested.list.1", "nested.held.inner.y", "circle.again", "half"]


def test_a_config_keeps_the_rest_of_a_key_and_tells_once(run: "Run", capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        run.config.update({"model": {"size": 3, "act": Unspeakable()}}, allow_val_change=True)
    assert run.config["model"] == {"size": 3, "act": f"{__name__}.Unspeakable"}
    told = json.loads((run.take_changes() or {})["config"])
    assert told["model"] == {"value": {"size": 3, "act": f"{__name__}.Unspeakable"}}
    assert json.loads(run.state())["config"] == run.config.copy()
    assert said(capsys) == ["runkey: Warning: config['model.act'] is kept as text: JSON has no form for a value of the type Unspeakable."]


class Split(enum.Enum):
    TRAIN = "train"


@dataclasses.dataclass
class Record:
    path: pathlib.PurePath
    left: int = 1


class device:  # as PyTorch's is called
    def __str__(self) -> str:
        return "cuda:0"


def test_values_that_json_does_not_know_have_a_form() -> None:
    row = {
        "path": pathlib.PurePosixPath("a/b"),
        "day": datetime.date(2020, 1, 2),
        "length": datetime.timedelta(seconds=3),
        "split": Split.TRAIN,
        "record": Record(pathlib.PurePosixPath("c")),
        "range": range(3),
        "function": math.sqrt,
        "class": Split,
        "complex": 1 + 2j,
        "device": device(),
        "bytes": b"ab",
    }
    assert json.loads(encode(row, lambda *_: pytest.fail("complained"))) == {
        "path": "a/b",
        "day": "2020-01-02",
        "length": "0:00:03",
        "split": "TRAIN",
        "record": {"path": "c", "left": 1},
        "range": [0, 1, 2],
        "function": "math.sqrt",
        "class": f"{__name__}.Split",
        "complex": "1+2j",
        "device": "cuda:0",
        "bytes": "ab",
    }
    complaints: list[tuple[str, str]] = []
    assert encode({"bytes": b"\xff", "odd": object()}, lambda *words: complaints.append(words)) == "{}"
    assert complaints == [
        ("bytes", "it cannot be written as JSON"),
        ("odd", "JSON has no form for a value of the type object"),
    ]


def test_what_is_set_is_held_as_it_was_then() -> None:
    numpy = pytest.importorskip("numpy")
    array, listed = numpy.array([1.0, 2.0]), [1, 2]
    values = Watched({"first": listed})
    values["array"] = array
    values.update(listed=listed, scalar=numpy.float32(0.5))
    array += 1
    listed.append(3)
    assert values.copy() == {"first": [1, 2], "array": [1.0, 2.0], "listed": [1, 2], "scalar": 0.5}
    assert type(values["scalar"]) is float
    odd = object()
    values["odd"] = odd
    assert values["odd"] is odd


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run that only keeps its journal."""
    made = Run(Standing(id="r", project="p", entity="mira", started=time.time()), Terminal())
    lock = Lock(str(tmp_path))
    assert lock.take()
    made.record_to(Recorder(str(tmp_path), lock, made.state, made._warn, {}), None)
    yield made
    made.finish()


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line]


def journaled(run: Run) -> list[dict[str, object]]:
    assert run.folder is not None
    gatherer = Gatherer(run.folder, Acknowledged(run.folder))
    batch = gatherer.gather(None, 10**9)
    gatherer.reader.close()
    return [json.loads(line) for line in batch.lines]


def test_a_row_that_is_too_long_costs_only_itself_and_is_said_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for length in (1, MAX_LINE_BYTES, MAX_LINE_BYTES + 1, 1):
        run.log({"text": "x" * length})
    lines = said(capsys)
    assert len(lines) == 1
    assert "too long" in lines[0]
    assert [row["_step"] for row in journaled(run)] == [0, 3]


def test_steps_that_are_past_and_odd_values_are_said_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.log({"a": 1}, step=10, commit=True)
    for step in range(5):
        run.log({"a": 1}, step=step)
    for _ in range(5):
        run.log({"odd": object()})
    run.log([("a", 1)])  # type: ignore[arg-type]
    run.log({"a": 1}, step="soon")  # type: ignore[arg-type]
    lines = said(capsys)
    assert len(lines) == 4
    assert "past" in lines[0]
    assert "'odd'" in lines[1]
    assert "mapping" in lines[2]
    assert "whole number" in lines[3]


def test_a_summary_that_is_too_long_is_not_sent(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.summary["text"] = "x" * 2_000_000
    assert run.take_summary() is None
    assert "summary" in said(capsys)[0]
    run.summary["text"] = "short"
    assert json.loads(run.take_summary() or "") == {"text": "short"}


def test_what_is_logged_is_as_it_was_then(run: Run) -> None:
    numpy = pytest.importorskip("numpy")
    array, nested = numpy.array([1.0, 2.0]), {"a": [1]}
    run.log({"array": array, "nested": nested, "scalar": numpy.float32(0.5)}, step=1)
    array += 1
    nested["a"].append(2)
    run.log({"later": 1}, step=2)
    row = journaled(run)[0]
    assert (row["array"], row["nested"], row["scalar"]) == ([1.0, 2.0], {"a": [1]}, 0.5)
    assert run.summary["nested"] == {"a": [1]}


def test_nested_values_and_none_leave_what_they_do_not_name(run: Run) -> None:
    run.log({"n": {"a": 1}, "x": 1}, step=0)
    run.log({"n": {"b": 2}, "x": None}, step=1)
    run.log({"flat": 1}, step=2)
    run.log({"x": None, "n": {"a": None}, "empty": {"x": None}, "y": 3})
    run.log({"y": None})
    values = run.summary.copy()
    assert {name: values.get(name) for name in ("n", "x", "y", "flat", "empty")} == {
        "n": {"a": 1, "b": 2},
        "x": 1,
        "y": 3,
        "flat": 1,
        "empty": None,
    }


class Picture:
    """What an image looks like from here."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _runkey_media(self, run: Run, key: str, step: int) -> dict[str, object]:
        if self.name == "broken":
            raise ValueError("no picture")
        run.upload(f"media/{key}_{step}.png", data=self.name.encode())
        return {"_type": "image-file", "path": f"media/{key}_{step}.png"}

    @classmethod
    def _runkey_media_list(cls, items: "list[Picture]", run: Run, key: str, step: int) -> dict[str, object]:
        return {"_type": "images/separated", "count": len(items)}


def test_media_become_what_they_give(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.log(
        {"loss": 1, "img": Picture("one"), "val": {"img": Picture("two")}, "all": [Picture("a"), Picture("b")], "bad": Picture("broken")}
    )
    run.log({"img": Picture("later"), "mixed": [Picture("c"), 3]}, step=7)
    run.log({"end": 1}, step=8)
    first, second = journaled(run)
    assert {key: value for key, value in first.items() if not key.startswith("_")} == {
        "loss": 1,
        "img": {"_type": "image-file", "path": "media/img_0.png"},
        "val": {"img": {"_type": "image-file", "path": "media/val.img_0.png"}},
        "all": {"_type": "images/separated", "count": 2},
    }
    assert second["img"] == {"_type": "image-file", "path": "media/img_7.png"}
    assert run.summary["img"] == second["img"]
    assert Path(run.dir, "media", "img_0.png").read_bytes() == b"one"
    assert [line for line in said(capsys) if "'bad'" in line and "no picture" in line]
    assert "mixed" not in second


def test_files_of_odd_names_are_refused_and_said(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("../x", "/etc/passwd", "a/../../x", ""):
        assert run.upload(name, data=b"x") is False
    assert run.upload("absent", path=tmp_path / "nowhere") is False
    assert run.upload("deep/er/x.txt", data=b"x") is True
    assert len(said(capsys)) == 5


def test_save_names_files_as_the_script_does(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "place"
    (place / "ckpt").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "ckpt/c.pt"):
        (place / name).write_text(name)
    monkeypatch.chdir(place)
    assert [os.path.relpath(path, run.dir) for path in run.save("*.txt")] == ["a.txt", "b.txt"]
    assert [os.path.relpath(path, run.dir) for path in run.save("ckpt/c.pt")] == ["ckpt/c.pt"]
    assert [os.path.relpath(path, run.dir) for path in run.save(place / "ckpt" / "*")] == ["ckpt/c.pt"]
    assert [os.path.relpath(path, run.dir) for path in run.save(place / "ckpt" / "*", base_path=place)] == ["ckpt/c.pt"]
    assert run.save("none*") == []
    assert len(said(capsys)) == 1


def test_a_finished_run_takes_nothing_more(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.log({"a": 1})
    run.finish()
    run.log({"a": 2})
    run.log_console(0, ["x"])
    run.log_system({"x": 1})
    assert run.upload("x", data=b"x") is False
    assert [row["a"] for row in journaled(run)] == [1]
    assert len(said(capsys)) == 2


def test_a_name_can_be_taken_back_and_tags_are_checked(run: Run) -> None:
    run.take_changes()
    run.name, run.notes, run.tags = "n", "said", ("a",)
    assert run.take_changes() == {"displayName": "n", "notes": "said", "tags": ["a"]}
    run.name = run.notes = None
    assert (run.name, run.notes) == ("r", None)
    run.tags += ("b",)
    for odd in ([""], ["x" * 65], 3):
        with pytest.raises(UsageError):
            run.tags = odd
    assert run.take_changes() == {"displayName": "r", "notes": "", "tags": ["a", "b"]}
    run.tags = "a, b"
    assert run.tags == ("a", "b")


def test_config_goes_out_in_w_and_bs_shape_and_without_keys() -> None:
    secret = api_key.join("user", "7" * api_key.BODY_CHARACTERS)
    text = config_text({"lr": 0.1, "n": {"a": secret}}, {"t": {}}, None, Scrubber(lambda _: None).scrub)
    assert secret not in text
    assert json.loads(text) == {
        "lr": {"value": 0.1},
        "n": {"value": {"a": f"rku_…{NOTE}"}},
        "_wandb": {"value": {"t": {}}},
    }


def test_a_watched_mapping_tells_of_every_change() -> None:
    told = []
    values = Watched({"a": 1}, lambda given, removed: told.append((given, removed)))
    values["b"] = 2
    values.c = 3
    values.update({"d": 4}, e=5)
    del values["a"]
    assert dict(values) == {"b": 2, "c": 3, "d": 4, "e": 5}
    assert values.c == 3
    assert told == [({"b": 2}, []), ({"c": 3}, []), ({"d": 4, "e": 5}, []), ({}, ["a"])]
    with pytest.raises(AttributeError):
        _ = values.absent

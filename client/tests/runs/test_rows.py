"""Rows, encodings and mappings: the pure parts of a run."""

import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runkey.credentials.model import Credential, Secret
from runkey.runs.encoding import encode
from runkey.runs.history import History, StepIsPast
from runkey.runs.mapping import Watched
from runkey.runs.run import Run, config_text
from runkey.terminal import Terminal


def logged(*calls: tuple[dict[str, object], int | None, bool | None]) -> list[dict[str, object]]:
    history = History(started=100.0)
    rows: list[dict[str, object]] = []
    for number, (data, step, commit) in enumerate(calls):
        rows += history.log(data, step, commit, 101.0 + number)
    return rows + history.flush()


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
        ([], []),
    ],
)
def test_steps_are_those_of_w_and_b(calls: list, rows: list) -> None:
    assert short(logged(*calls)) == rows


def test_a_step_that_is_past_is_refused() -> None:
    history = History(started=0.0)
    history.log({"a": 1}, 5, True, 1.0)
    with pytest.raises(StepIsPast):
        history.log({"a": 1}, 5, None, 1.0)


def test_time_rides_along() -> None:
    row = logged(({"a": 1}, None, None))[0]
    assert (row["_timestamp"], row["_runtime"]) == (101.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, True, False]), st.booleans()), max_size=30))
def test_steps_grow_and_nothing_logged_is_lost(calls: list[tuple[int, bool | None, bool]]) -> None:
    history = History(started=0.0)
    rows, expected = [], set()
    for number, (ahead, commit, with_step) in enumerate(calls):
        step = history.step + ahead if with_step else None
        rows += history.log({f"k{number}": number}, step, commit, float(number))
        expected.add(f"k{number}")
    rows += history.flush()
    steps = [row["_step"] for row in rows]
    assert steps == sorted(set(steps))
    assert {key for row in rows for key in row if not key.startswith("_")} == expected


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


def test_what_is_set_is_held_as_it_was_then() -> None:
    numpy = pytest.importorskip("numpy")
    array, listed = numpy.array([1.0, 2.0]), [1, 2]
    values = Watched({"first": listed})
    values["array"] = array
    values.update(listed=listed, scalar=numpy.float32(0.5))
    values.set_quietly({"row": array})
    array += 1
    listed.append(3)
    assert values.copy() == {"first": [1, 2], "array": [1.0, 2.0], "listed": [1, 2], "scalar": 0.5, "row": [1.0, 2.0]}
    assert type(values["scalar"]) is float
    odd = object()
    values["odd"] = odd
    assert values["odd"] is odd


def run_without_a_server(capsys: pytest.CaptureFixture[str]) -> tuple[Run, Callable[[], list[str]]]:
    run = Run("r", "p", "mira", "a run", None, Credential("http://127.0.0.1:9", Secret("x" * 40), "a test", account="mira"), Terminal())
    return run, lambda: [line for line in capsys.readouterr().err.splitlines() if line]


def test_a_row_that_is_too_long_costs_only_itself_and_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    run, said = run_without_a_server(capsys)
    for length in (1, 2_000_000, 2_000_001, 1):
        run.log({"text": "x" * length})
    lines = said()
    assert len(lines) == 1
    assert "too long" in lines[0]
    assert len(run._queue) == 2


def test_steps_that_are_past_and_odd_values_are_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    run, said = run_without_a_server(capsys)
    run.log({"a": 1}, step=10, commit=True)
    for step in range(5):
        run.log({"a": 1}, step=step)
    for _ in range(5):
        run.log({"odd": object()})
    lines = said()
    assert len(lines) == 2
    assert "past" in lines[0]
    assert "'odd'" in lines[1]


def test_a_summary_that_is_too_long_is_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    run, said = run_without_a_server(capsys)
    run.summary["text"] = "x" * 2_000_000
    assert run.take_summary() is None
    assert "summary" in said()[0]
    run.summary["text"] = "short"
    assert json.loads(run.take_summary() or "") == {"text": "short"}


def test_config_goes_out_in_w_and_bs_shape() -> None:
    assert json.loads(config_text({"lr": 0.1, "n": {"a": 1}})) == {"lr": {"value": 0.1}, "n": {"value": {"a": 1}}}


def test_a_watched_mapping_tells_of_every_change() -> None:
    told = []
    values = Watched({"a": 1}, lambda: told.append(1))
    values["b"] = 2
    values.c = 3
    values.update({"d": 4}, e=5, allow_val_change=True)
    del values["a"]
    assert dict(values) == {"b": 2, "c": 3, "d": 4, "e": 5}
    assert values.c == 3
    assert len(told) == 4
    with pytest.raises(AttributeError):
        _ = values.absent

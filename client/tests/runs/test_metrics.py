"""What define_metric says, and what the summary makes of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runkey.errors import UsageError
from runkey.runs.config import Config, config_text, read_config
from runkey.runs.metrics import Metrics
from runkey.runs.summary import Summary


def summed(definitions: list[dict[str, object]], *rows: dict[str, object]) -> Summary:
    metrics = Metrics()
    for each in definitions:
        metrics.define(**each)  # type: ignore[arg-type]
    summary = Summary(metrics, {}, lambda given, removed: None)
    for row in rows:
        summary.take_row(row)
    return summary


def test_the_wire_is_that_of_the_official_client() -> None:
    """As 0.31.0 sends it, seen by a server that records."""
    metrics = Metrics()
    metrics.define("loss", summary="min,max")
    metrics.define("acc", step_metric="epoch", summary="mean")
    metrics.define("val/*", step_metric="epoch", step_sync=False, hidden=True)
    metrics.define("best", summary="best", goal="maximize")
    metrics.define("copy", summary="copy")
    assert metrics.as_wire() == [
        {"1": "loss", "6": [3], "7": [1, 2]},
        {"1": "acc", "5": 6, "6": [1, 3], "7": [3]},
        {"2": "val/*", "5": 6, "6": [2], "7": []},
        {"1": "best", "6": [3], "7": [4], "8": 2},
        {"1": "copy", "6": [3], "7": []},
        {"1": "epoch", "6": [], "7": []},
    ]


def test_a_definition_is_added_to_unless_it_is_to_be_overwritten() -> None:
    metrics = Metrics()
    metrics.define("a", summary="min", hidden=True)
    assert metrics.define("a", step_metric=metrics.define("s")).summary == ("min",)
    assert (metrics.find("a").hidden, metrics.find("a").step_metric) == (True, "s")  # type: ignore[union-attr]
    assert metrics.define("a", summary="max", overwrite=True).step_metric is None
    again = Metrics()
    for each in metrics.as_list():
        again.define(**each)
    assert again.as_wire() == metrics.as_wire()


def test_the_longest_beginning_wins_and_a_name_wins_over_all() -> None:
    metrics = Metrics()
    for name in ("*", "val/*", "val/x*", "val/xy"):
        metrics.define(name)
    names = {name: metrics.find(name).name for name in ("loss", "val/a", "val/x1", "val/xy")}  # type: ignore[union-attr]
    assert names == {"loss": "*", "val/a": "val/*", "val/x1": "val/x*", "val/xy": "val/xy"}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("", {}),
        ("a*b", {}),
        (None, {}),
        ("a", {"summary": "median"}),
        ("a", {"goal": "up"}),
        ("a", {"step_metric": 3}),
        ("a", {"summary": "best"}),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, more: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Metrics().define(name, **more)  # type: ignore[arg-type]


def test_each_summary_of_a_metric() -> None:
    words = ("min", "max", "mean", "first", "last", "none", "copy")
    definitions = [{"name": word, "summary": word} for word in words]
    definitions += [
        {"name": "both", "summary": "min, max"},
        {"name": "up", "summary": "best", "goal": "maximize"},
        {"name": "n.deep", "summary": "max"},
    ]
    names = (*words, "both", "up", "plain")
    rows = [{**dict.fromkeys(names, value), "n": {"deep": value, "other": value}} for value in (3, 1, 2)]
    assert summed(definitions, *rows).copy() == {
        "min": {"min": 1},
        "max": {"max": 3},
        "mean": {"mean": 2.0},
        "first": {"first": 3},
        "last": {"last": 2},
        "copy": 2,
        "both": {"min": 1, "max": 3},
        "up": {"best": 3},
        "plain": 2,
        "n": {"deep": {"max": 3}, "other": 2},
    }


@given(st.lists(st.floats(allow_nan=True, width=32), min_size=1, max_size=30))
def test_counting_is_right_whatever_the_values(values: list[float]) -> None:
    summary = summed([{"name": "x", "summary": "min,max,mean,last"}], *({"x": value} for value in values))
    numbers = [value for value in values if not math.isnan(value)]
    known = summary["x"]
    assert known["last"] == values[-1] or math.isnan(values[-1])
    if numbers:
        assert (known["min"], known["max"]) == (min(numbers), max(numbers))
        assert known["mean"] == sum(numbers) / len(numbers) or math.isnan(known["mean"])
    else:
        assert set(known) == {"last"}


def test_what_is_no_number_stands_itself_and_nested_rows_are_merged() -> None:
    summary = summed([{"name": "x", "summary": "min"}], {"x": "text", "n": {"a": 1}}, {"n": {"b": {"c": 2}}}, {"n": {"b": {"d": 3}}})
    assert summary.copy() == {"x": "text", "n": {"a": 1, "b": {"c": 2, "d": 3}}}
    media = summed([], {"img": {"_type": "image-file", "path": "a"}}, {"img": {"_type": "image-file", "path": "b"}})
    assert media.copy() == {"img": {"_type": "image-file", "path": "b"}}


def test_what_a_script_sets_in_place_of_a_count_stays() -> None:
    summary = summed([{"name": "x", "summary": "min"}], {"x": 3, "plain": 1})
    summary["x"] = "mine"
    summary["plain"] = "mine"
    summary.take_row({"x": 1, "plain": 2})
    assert summary.copy() == {"x": "mine", "plain": 2}


def test_counting_goes_on_from_a_state() -> None:
    definitions = [{"name": "x", "summary": "mean,max"}, {"name": "set", "summary": "max"}]
    whole = summed(definitions, *({"x": value, "set": value} for value in range(10)))
    first = summed(definitions, *({"x": value} for value in range(5)))
    first["set"] = "mine"
    second = summed(definitions)
    second.restore(first.copy(), first.state())
    for value in range(5, 10):
        second.take_row({"x": value, "set": value})
    assert (second["x"], second["set"]) == (whole["x"], "mine")


def test_a_config_changes_only_where_that_is_said() -> None:
    told: list[object] = []
    config = Config({"lr": 0.1, "a.b": 1}, lambda given, removed: told.append(given))
    config.update({"new": [1]}, lr=0.1)
    with pytest.raises(UsageError, match="allow_val_change"):
        config["lr"] = 0.2
    with pytest.raises(UsageError, match="lr"):
        config.update({"other": 1, "lr": 0.2})
    assert "other" not in config
    config.update({"lr": 0.2}, allow_val_change=True)
    config.setdefaults({"lr": 9, "more": 1})
    assert config.as_dict() == {"lr": 0.2, "a.b": 1, "new": [1], "more": 1}
    assert told == [{"new": [1], "lr": 0.1}, {"lr": 0.2}, {"more": 1}]
    free = Config({"lr": 1}, lambda given, removed: None, may_change=True)
    free.lr = 2
    assert free.lr == 2


def test_a_config_is_read_off_the_wire_as_it_was_written() -> None:
    metrics = Metrics()
    metrics.define("x")
    text = config_text({"lr": 0.1, "n": {"a": None}, "_wandb": "no"}, {"t": {"4": "3"}}, metrics, lambda text, what: text)
    values, private = read_config(text)
    assert values == {"lr": 0.1, "n": {"a": None}}
    assert private == {"t": {"4": "3"}, "m": [{"1": "x", "6": [3], "7": []}]}
    assert read_config("not json") == ({}, {})
    assert read_config('{"old": 1, "new": {"value": 2}}')[0] == {"old": 1, "new": 2}

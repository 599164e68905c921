"""Filters and orders of runs: what the database chooses is what a few lines of Python choose, on SQLite and on PostgreSQL."""

import json
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cmp_to_key
from typing import Any

import pytest
from house import House, Person, StillClock
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runkey_server import projects, runs
from runkey_server.database import Database
from runkey_server.database.comparing import MAX_VALUES, comparables
from runkey_server.database.matching import Pattern
from runkey_server.errors import Error
from runkey_server.runs import Changes, Report
from runkey_server.runs.model import SILENT

WORDS = ["a", "b", "B", "ab", "é", "e", "ß", "10", "9", "", "naïve -- '; DROP TABLE runs; \"", "\U0001f600", "a b", "%", "_"]
NUMBERS = [0, -0.0, 1, 1.0, 2, -1.5, 10, 9, 0.1, 0.1 + 0.2, 1e300, -1e300, 5e-324, 2**53, 10**400, math.inf, -math.inf, math.nan]
LISTS = [[], [1], [1, "a"], ["a"]]
VALUES = [None, True, False, *WORDS, *NUMBERS, *LISTS]
KEYS = ["lr", "a.b", "x/y", 'q"uote', "s pace", "ключ", "value", "n.value"]
TAGS = ["x", "y", "é", "a'b", '"', "x y"]


# --- the oracle -------------------------------------------------------------------------------------------------------

KINDS: list[tuple[type, ...]] = [(bool,), (int, float), (str,), (list,)]


def kind_of(value: Any) -> int:
    return next(number for number, types in enumerate(KINDS) if isinstance(value, types))


def as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def order_key(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return as_float(value)
    return value.encode() if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def are_equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is None and other is None
    if kind_of(one) != kind_of(other):
        return False
    return (is_nan(one) and is_nan(other)) or order_key(one) == order_key(other)


def holds(run: dict[str, Any], filter_: dict[str, Any]) -> bool:
    return all(entry_holds(run, key, value) for key, value in filter_.items())


def entry_holds(run: dict[str, Any], key: str, told: Any) -> bool:
    if key == "$and":
        return all(holds(run, part) for part in told)
    if key == "$or":
        return any(holds(run, part) for part in told)
    if key == "$nor":
        return not any(holds(run, part) for part in told)
    operators = told if isinstance(told, dict) else {"$eq": told}
    return all(operator_holds(run.get(key), operator, value, key) for operator, value in operators.items())


def operator_holds(held: Any, operator: str, value: Any, key: str) -> bool:
    if operator in ("$ne", "$nin"):
        return not operator_holds(held, "$eq" if operator == "$ne" else "$in", value, key)
    if operator == "$not":
        return not all(operator_holds(held, inner, wanted, key) for inner, wanted in value.items())
    if operator == "$in":
        return any(operator_holds(held, "$eq", item, key) for item in value)
    if key == "tags":
        if operator == "$exists":
            return bool(held) == value
        if operator == "$all":
            return bool(value) and set(value) <= set(held)
        return (not held) if value is None else value in held
    if operator == "$exists":
        return (held is not None) == value
    if operator == "$regex":
        return isinstance(held, str) and re.search(value, held, re.ASCII) is not None
    if operator == "$eq":
        return are_equal(held, value)
    if held is None or kind_of(held) != kind_of(value):
        return False
    if is_nan(held) or is_nan(value):
        return operator in ("$gte", "$lte") and is_nan(held) and is_nan(value)
    one, other = order_key(held), order_key(value)
    return {"$gt": one > other, "$gte": one >= other, "$lt": one < other, "$lte": one <= other}[operator]


# --- runs to choose from ----------------------------------------------------------------------------------------------

configs = st.dictionaries(st.sampled_from(KEYS), st.sampled_from([value for value in VALUES if value is not None]), max_size=4)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "config": configs,
            "summary": configs,
            "tags": st.lists(st.sampled_from(TAGS), unique=True, max_size=3),
            "group": st.none() | st.sampled_from(WORDS),
            "silent": st.integers(0, 8),
            "state": st.sampled_from([None, "finished", "failed", "preempting"]),
        }
    ),
    min_size=6,
    max_size=14,
)

values = st.sampled_from(VALUES)
orderable = st.sampled_from([value for value in VALUES if value is not None and not isinstance(value, list)])
patterns = st.sampled_from(["^a", "b$", "^(a|b)+$", "[0-9]{2}", ".", "\\d", "é", "^$", "\\bDROP\\b", "[^a-z]"])
operators = st.one_of(
    values,
    st.fixed_dictionaries({"$eq": values}),
    st.fixed_dictionaries({"$ne": values}),
    st.fixed_dictionaries({"$in": st.lists(values, max_size=4)}),
    st.fixed_dictionaries({"$nin": st.lists(values, max_size=4)}),
    st.fixed_dictionaries({"$gt": orderable}),
    st.fixed_dictionaries({"$gte": orderable, "$lt": orderable}),
    st.fixed_dictionaries({"$lte": orderable}),
    st.fixed_dictionaries({"$not": st.fixed_dictionaries({"$gt": orderable})}),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$regex": patterns}),
)
words = st.sampled_from(WORDS)
text_operators = st.one_of(
    st.none() | words,
    st.fixed_dictionaries({"$ne": st.none() | words}),
    st.fixed_dictionaries({"$in": st.lists(st.none() | words, max_size=3)}),
    st.fixed_dictionaries({"$nin": st.lists(words, max_size=3)}),
    st.fixed_dictionaries({"$gte": words}),
    st.fixed_dictionaries({"$lt": words}),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$regex": patterns}),
)
tag = st.sampled_from(TAGS)
tag_operators = st.one_of(
    st.none() | tag,
    st.fixed_dictionaries({"$ne": tag}),
    st.fixed_dictionaries({"$in": st.lists(tag, max_size=3)}),
    st.fixed_dictionaries({"$nin": st.lists(tag, max_size=3)}),
    st.fixed_dictionaries({"$all": st.lists(tag, max_size=3)}),
    st.fixed_dictionaries({"$exists": st.booleans()}),
)
states = st.sampled_from(["running", "crashed", "finished", "failed", "preempting", "preempted"])
state_operators = st.one_of(states, st.fixed_dictionaries({"$in": st.lists(states)}), st.fixed_dictionaries({"$ne": states}))
entries = st.one_of(
    st.dictionaries(st.sampled_from([f"config.{key}" for key in KEYS] + [f"summary_metrics.{key}" for key in KEYS]), operators, max_size=2),
    st.dictionaries(st.just("tags"), tag_operators),
    st.dictionaries(st.just("group"), text_operators),
    st.dictionaries(st.just("state"), state_operators),
)
filters = st.recursive(
    entries,
    lambda inner: st.dictionaries(st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=3), max_size=2),
    max_leaves=5,
)


def make(database: Database, alice: Person, told: list[dict[str, Any]], project: str, now: datetime) -> list[dict[str, Any]]:
    """Make runs; give each as the oracle sees it."""
    seen = []
    with database.writing() as transaction:
        for number, row in enumerate(told):
            config = json.dumps({key: {"value": value} for key, value in row["config"].items()})
            changes = Changes(config=config, summary=json.dumps(row["summary"]), tags=tuple(row["tags"]), group_name=row["group"])
            at = now - timedelta(minutes=row["silent"])
            run, _ = runs.upsert(transaction, alice.actor, None, project, f"r{number}", changes, at)
            if row["state"]:
                said = Report(
                    complete=row["state"] != "preempting", exit_code=int(row["state"] == "failed"), preempting=row["state"] == "preempting"
                )
                runs.report(transaction, run, said, at)
            state = row["state"] or "running"
            if row["silent"] > 5:
                state = SILENT.get(state, state)
            flat = {f"config.{key}": value for key, value in row["config"].items()}
            flat |= {f"summary_metrics.{key}": value for key, value in row["summary"].items()}
            seen.append({"name": run.name, "at": at, "number": run.id, "tags": row["tags"], "group": row["group"], "state": state} | flat)
            # What ends in `.value` means the value without it as well.
            for key in KEYS:
                if key.endswith(".value") and f"config.{key}" not in flat and f"config.{key[:-6]}" in flat:
                    seen[-1][f"config.{key}"] = flat[f"config.{key[:-6]}"]
    return seen


def chosen(database: Database, alice: Person, project: str, filter_: object, order: str, now: datetime, at_most: int = 50) -> list[str]:
    with database.reading() as transaction:
        found = projects.find_project(transaction, alice.actor, None, project)
        condition = runs.read_filter(json.dumps(filter_), now)
        names, after = [], None
        while True:
            page = runs.list_page(transaction, found, now, chosen=condition, order=order, after=after, at_most=at_most)
            names += [run.name for run in page.runs]
            if not page.more:
                break
            after = page.cursors[-1]
        assert runs.count_runs(transaction, found, condition) == len(names)
    return names


def compare_by(keys: list[tuple[str, bool]]) -> Callable[[dict[str, Any], dict[str, Any]], int]:
    def compare(one: dict[str, Any], other: dict[str, Any]) -> int:
        for key, down in keys:
            ranks = [int(run.get(key) is None or is_nan(run[key])) for run in (one, other)]
            if ranks[0] != ranks[1]:
                return ranks[0] - ranks[1]
            if ranks[0]:
                continue
            places = [(kind_of(run[key]), order_key(run[key])) for run in (one, other)]
            if places[0] != places[1]:
                return (1 if places[0] > places[1] else -1) * (-1 if down else 1)
        return (one["number"] - other["number"]) * (-1 if keys[-1][1] else 1)

    return compare


PHASES = (Phase.explicit, Phase.generate)
"""A case that fails is told as it was found: making runs again and again until it is small takes minutes."""


class _Numbers:
    """A project a case, so that one database serves all of them."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> str:
        self.last += 1
        return f"p{self.last}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_any_filter_chooses_what_python_chooses(database: Database, clock: StillClock, alice: Person) -> None:
    _compare(database, clock, alice, 120)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_any_filter_chooses_the_same_on_postgres(database: Database, clock: StillClock, alice: Person) -> None:
    _compare(database, clock, alice, 40)


def _compare(database: Database, clock: StillClock, alice: Person, examples: int) -> None:
    project = _Numbers()
    keys = ["state", "group", "name", *(f"config.{key}" for key in KEYS), *(f"summary_metrics.{key}" for key in KEYS)]
    orders = st.lists(st.tuples(st.sampled_from(keys), st.booleans()), min_size=1, max_size=3)

    @settings(max_examples=examples, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
    @given(told=rows, some=st.lists(st.tuples(filters, orders), min_size=3, max_size=3), at_most=st.integers(1, 5))
    def check(told: list[dict[str, Any]], some: list[tuple[dict[str, Any], list[tuple[str, bool]]]], at_most: int) -> None:
        name = project()
        seen = make(database, alice, told, name, clock())
        for filter_, order in some:
            wanted = sorted((run for run in seen if holds(run, filter_)), key=cmp_to_key(compare_by(order)))
            text = ",".join(f"{'-' if down else '+'}{key}" for key, down in order)
            assert chosen(database, alice, name, filter_, text, clock(), at_most) == [run["name"] for run in wanted], (filter_, text)

    check()


# --- by hand ----------------------------------------------------------------------------------------------------------


def one_run(database: Database, alice: Person, clock: StillClock, name: str = "r", **changes: Any) -> None:
    with database.writing() as transaction:
        runs.upsert(transaction, alice.actor, None, "p", name, Changes(**changes), clock())


def finds(database: Database, alice: Person, clock: StillClock, **filter_: object) -> list[str]:
    return chosen(database, alice, "p", filter_, "+name", clock())


def test_fields_have_the_names_that_clients_use(database: Database, clock: StillClock, alice: Person) -> None:
    texts = {
        "display_name": "shown",
        "group_name": "g",
        "job_type": "train",
        "notes": "words",
        "description": "more",
        "host": "node1",
        "commit_hash": "abc",
        "program": "t.py",
        "repo": "git",
        "sweep_name": "s1",
    }
    one_run(database, alice, clock, "other")
    clock.advance(seconds=1)
    one_run(database, alice, clock, **texts)
    names = {
        ("displayName", "display_name"): "shown",
        ("group", "groupName", "group_name"): "g",
        ("jobType", "job_type"): "train",
        ("notes",): "words",
        ("description",): "more",
        ("host", "hostname"): "node1",
        ("commit",): "abc",
        ("program",): "t.py",
        ("sweep", "sweepName"): "s1",
        ("name",): "r",
    }
    for aliases, value in names.items():
        for alias in aliases:
            assert finds(database, alice, clock, **{alias: value}) == ["r"], alias
            assert finds(database, alice, clock, **{alias: {"$ne": value}}) == ["other"], alias
    for alias in ("user", "username", "user.username", "entity"):
        assert finds(database, alice, clock, **{alias: "alice"}) == ["other", "r"]
        assert finds(database, alice, clock, **{alias: "charlie"}) == []


def test_moments_and_seconds(database: Database, clock: StillClock, alice: Person) -> None:
    clock.advance(microseconds=1_234)
    one_run(database, alice, clock, "first")
    shown = "2026-03-01T12:00:00.001Z"
    clock.advance(minutes=1)
    one_run(database, alice, clock, "second")
    with database.writing() as transaction:
        run = runs.find_run(transaction, alice.actor, "alice", "p", "first")
        clock.advance(seconds=30)
        runs.report(transaction, run, Report(complete=True), clock())
    for field in ("createdAt", "created_at"):
        assert finds(database, alice, clock, **{field: shown}) == finds(database, alice, clock, **{field: {"$lte": shown}}) == ["first"]
        assert finds(database, alice, clock, **{field: {"$gt": shown}}) == finds(database, alice, clock, **{field: {"$ne": shown}})
        assert finds(database, alice, clock, **{field: {"$gte": "2026-03-01T13:01:00+01:00"}}) == ["second"]
        assert finds(database, alice, clock, **{field: {"$lt": shown}}) == []
        assert finds(database, alice, clock, **{field: {"$in": [shown, "1970-01-01"]}}) == ["first"]
        assert finds(database, alice, clock, **{field: {"$exists": False}}) == []
    assert finds(database, alice, clock, duration={"$gte": 90}) == finds(database, alice, clock, duration=90.0) == ["first"]
    assert finds(database, alice, clock, duration={"$lt": 0.5}) == ["second"]
    assert finds(database, alice, clock, duration={"$lt": math.inf}) == ["first", "second"]
    assert finds(database, alice, clock, heartbeat_at={"$gt": "2026-03-01T12:01:10Z"}) == ["first"]
    assert chosen(database, alice, "p", {}, "-heartbeat_at", clock()) == ["first", "second"]
    assert chosen(database, alice, "p", {}, "-created_at", clock(), 1) == ["second", "first"]
    assert chosen(database, alice, "p", {}, "+duration, -createdAt", clock(), 1) == ["second", "first"]


def test_config_by_its_several_names(database: Database, clock: StillClock, alice: Person) -> None:
    config = {
        "a": {"value": {"b": 3, "list": [1, {"c": 2}]}, "desc": None},
        "plain": 7,
        "dotted.name": {"value": 1},
        "none": {"value": None},
    }
    one_run(database, alice, clock, config=json.dumps(config), summary='{"media": {"_type": "image-file", "size": 4}, "odd": NaN}')
    for name in ("a.b", "a.value.b", "a.b.value"):
        assert finds(database, alice, clock, **{f"config.{name}": 3}) == ["r"], name
    assert finds(database, alice, clock, **{"config.a.list": [1, {"c": 2}]}) == ["r"]
    assert finds(database, alice, clock, **{"config.plain": 7, "config.plain.value": 7.0, "config.dotted.name": 1}) == ["r"]
    assert finds(database, alice, clock, **{"config.a": {"$exists": True}, "config.none": {"$exists": True}}) == ["r"]
    assert finds(database, alice, clock, **{"config.none": None, "config.absent": None, "config.plain": {"$ne": None}}) == ["r"]
    assert finds(database, alice, clock, **{"summary_metrics.media._type": "image-file", "summary.odd": math.nan}) == ["r"]
    assert finds(database, alice, clock, **{"summaryMetrics.odd": {"$lt": 5}}) == []


def test_what_changes_is_found_by_what_it_is_now(database: Database, clock: StillClock, alice: Person) -> None:
    one_run(database, alice, clock, config='{"a": {"value": 1}}', summary='{"x": 1}')
    one_run(database, alice, clock, config='{"a": {"value": 2}}')
    assert finds(database, alice, clock, **{"config.a": 2, "summary_metrics.x": 1}) == ["r"]
    with database.writing() as transaction:
        run = runs.find_run(transaction, alice.actor, "alice", "p", "r")
        runs.report(transaction, run, Report(summary='{"x": Infinity}'), clock())
        assert runs.delete_runs(transaction, run.project_id, [], clock()) == []
    assert finds(database, alice, clock, **{"config.a": 2, "summary_metrics.x": {"$gt": 1e308}}) == ["r"]
    with database.writing() as transaction:
        runs.purge(transaction, [run.id])
    assert finds(database, alice, clock) == []


PATTERNS = [
    "^foo.*",
    "o+$",
    "a|b|",
    "(?i)FOO",
    "(?:ab)+c?",
    "[^a-z ]",
    "[]x]",
    "[a\\-z]",
    "\\bfoo\\b",
    "\\Boo",
    "\\x41|\\x{1F600}",
    "a{2,3}?b",
    "^$",
    "[[:digit:]]",
    "\\.",
    "é",
    "(?s)a.b",
    "a.b",
    "(?m)^b$",
    "(?P<word>fo)o",
    "\\d\\D",
    "[\\d_]",
    "[^\\W]",
    ".{3}",
    "(a*)*",
    "\\$",
]
SUBJECTS = ["foo", "foobar", "a\nb", "", "Foo é", "A\U0001f600", "aab aaab", "abab", "12-x", "[x]", "a-z", "a.b", "x_1", "b", "$"]


def test_regular_expressions_mean_the_same_everywhere(database: Database, clock: StillClock, alice: Person) -> None:
    for number, subject in enumerate(SUBJECTS):
        one_run(database, alice, clock, f"r{number:02}", notes=subject, summary=json.dumps({"text": subject}))
    for pattern in PATTERNS:
        python = pattern.replace("\\x{1F600}", "\U0001f600").replace("[[:digit:]]", "[0-9]").replace("[]x]", "[\\]x]")
        flags = re.ASCII if "(?i)" not in python else re.ASCII | re.IGNORECASE
        wanted = [f"r{n:02}" for n, subject in enumerate(SUBJECTS) if re.search(re.sub(r"(?<!\\)\$$", r"\\Z", python), subject, flags)]
        if pattern == "(?m)^b$":
            wanted = ["r02", "r13"]
        for field in ("notes", "summary_metrics.text"):
            assert finds(database, alice, clock, **{field: {"$regex": pattern}}) == wanted, (field, pattern)
        assert finds(database, alice, clock, notes={"$not": {"$regex": pattern}}) == [
            f"r{n:02}" for n in range(15) if f"r{n:02}" not in wanted
        ]
    assert finds(database, alice, clock, notes={"$regex": "FOO", "$options": "i"}) == ["r00", "r01", "r04"]
    assert finds(database, alice, clock, name={"$not": "^r"}) == []


def test_a_pattern_that_others_try_for_ever_is_quick() -> None:
    for pattern in ("(a+)+$", "(a|aa)+$", "(a*)*b", "(?:a?){50}a{50}$", "(a|b|ab)*c"):
        assert not Pattern(pattern).is_in("a" * 900 + "!")


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[", "a**", "*", "\\", "(?=a)", "\\1", "\\pL", "a{2000}", "(?:a{200}){200}", "a" * 501, "\0", "(" * 60 + ")" * 60, "(?x)a"],
)
def test_a_pattern_that_cannot_be_used_is_named(pattern: str) -> None:
    with pytest.raises(Error, match=r"regular expression") as refusal:
        runs.read_filter(json.dumps({"name": {"$regex": pattern}}), datetime.now())
    assert refusal.value.code == "invalid"


def deep(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"state": "running"}
    for _ in range(depth):
        inner = {"$and": [inner]}
    return inner


@pytest.mark.parametrize(
    ("filter_", "named"),
    [
        ([], "JSON object"),
        ("x", "JSON object"),
        ({"color": 1}, '"color"'),
        ({"config.": 1}, '"config."'),
        ({"config": 1}, '"config"'),
        ({"state": {"$like": "x"}}, r'"\$like"'),
        ({"$where": "1"}, r"\$where"),
        ({"$and": {}}, r"\$and"),
        ({"$or": []}, r"\$or"),
        ({"$and": ["x"]}, '"x"'),
        ({"state": 1}, '"state"'),
        ({"name": {"$in": "x"}}, r"\$in"),
        ({"name": {"$in": [1]}}, '"name"'),
        ({"created_at": "yesterday"}, "yesterday"),
        ({"created_at": 5}, '"createdAt"'),
        ({"created_at": {"$gt": "0001-01-01T00:00:00+14:00"}}, '"createdAt"'),
        ({"duration": "x"}, '"duration"'),
        ({"duration": {"$gt": math.nan}}, '"duration"'),
        ({"tags": 1}, '"tags"'),
        ({"tags": {"$gt": "x"}}, r"\$gt"),
        ({"config.a": {"b": 1}}, "config.a.b"),
        ({"config.a": {}}, "config.a"),
        ({"config.a": {"$gt": [1]}}, "config.a"),
        ({"config.a": {"$in": [{"b": 1}]}}, "config.a"),
        ({"config.a": {"$exists": "x"}}, r"\$exists"),
        ({"config.a": {"$all": ["x"]}}, r"\$all"),
        ({"name": {"$regex": 1}}, r"\$regex"),
        ({"name": {"$options": "i"}}, r"\$options"),
        (deep(30), "nested"),
        ({"name": {"$in": ["x"] * 20_000}}, "at most"),
        ({"$or": [{"name": "x"}] * 500}, "at most"),
    ],
)
def test_a_filter_that_cannot_be_used_is_named(filter_: object, named: str) -> None:
    with pytest.raises(Error, match=named) as refusal:
        runs.read_filter(json.dumps(filter_), datetime.fromisoformat("2026-03-01T12:00:00Z"))
    assert refusal.value.code == "invalid"


def test_many_names_and_values_are_fine(database: Database, clock: StillClock, alice: Person) -> None:
    one_run(database, alice, clock, config=json.dumps({f"k{n}": {"value": n} for n in range(100)}))
    assert finds(database, alice, clock, name={"$in": [*(f"x{n}" for n in range(9_000)), "r"]}) == ["r"]
    assert finds(database, alice, clock, **{f"config.k{n}": {"$gte": n, "$lt": n + 1} for n in range(90)}) == ["r"]


def test_values_beyond_measure_are_kept_short() -> None:
    many = json.loads(comparables(json.dumps({str(n): n for n in range(20_000)})))
    assert len(many) == MAX_VALUES
    nested: Any = 1
    for _ in range(500):
        nested = {"a": nested}
    assert len(json.loads(comparables(json.dumps(nested)))) < 50
    assert len(comparables(json.dumps({"x" * 10_000: 1, "y": "z" * 1_000_000, "l": ["w" * 10_000]}))) < 3_000
    assert comparables("[" * 100_000) == comparables("[1]") == comparables("junk") == "{}"


RUNS = """
query Runs($filters: JSONString, $order: String, $after: String) {
  project(name: "p", entityName: "alice") {
    runCount(filters: $filters)
    runs(filters: $filters, order: $order, after: $after, first: 2) { edges { node { name } cursor } pageInfo { endCursor hasNextPage } }
  }
}
"""


def test_through_the_door(house: House) -> None:
    alice = house.person("alice")
    make(house.database, alice, [{**EMPTY, "summary": {"loss": n % 3}} for n in range(7)], "p", house.clock())
    asked = {"filters": '{"summary_metrics.loss": {"$lt": 2}}', "order": "-summary_metrics.loss"}
    first = house.graphql(alice.secret, RUNS, **asked).json()["data"]["project"]
    assert first["runCount"] == 5
    assert [edge["node"]["name"] for edge in first["runs"]["edges"]] == ["r4", "r1"]
    second = house.graphql(alice.secret, RUNS, **asked, after=first["runs"]["edges"][-1]["cursor"]).json()["data"]["project"]["runs"]
    assert [edge["node"]["name"] for edge in second["edges"]] == ["r6", "r3"]
    assert first["runs"]["pageInfo"]["hasNextPage"]
    bad = [
        {"filters": '{"color": 1}'},
        {"filters": "{"},
        {"filters": "[" * 100_000},
        {"filters": '{"name": {"$regex": "("}}'},
        {"order": "color"},
        {"order": "+tags"},
        {"order": "+name," * 10 + "+name"},
        {"after": "junk"},
        {"after": "W10="},
        {"after": "WyIxIiwxXQ=="},
        {"after": "WzEuNSwxXQ=="},
        {"order": "+name", "after": "WyJcdWQ4MDAiLDFd"},
        {"order": "+name", "after": "WyJhXHUwMDAwIiwxXQ=="},
        {"after": first["runs"]["edges"][-1]["cursor"]},
    ]
    for variables in bad:
        answer = house.graphql(alice.secret, RUNS, **variables)
        assert answer.status_code == 200, variables
        assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID", variables
    for nothing in (None, "", "{}", "null"):
        assert house.graphql(alice.secret, RUNS, filters=nothing).json()["data"]["project"]["runCount"] == 7


EMPTY: dict[str, Any] = {"config": {}, "summary": {}, "tags": [], "group": None, "silent": 0, "state": None}


def test_pages_hold_still_while_runs_come_and_change(database: Database, clock: StillClock, alice: Person) -> None:
    make(database, alice, [{**EMPTY, "summary": {"x": n}} for n in range(6)], "p", clock())
    with database.reading() as transaction:
        project = projects.find_project(transaction, alice.actor, None, "p")
        page = runs.list_page(transaction, project, clock(), order="-summary_metrics.x", at_most=3)
    assert [run.name for run in page.runs] == ["r5", "r4", "r3"]
    one_run(database, alice, clock, "new", summary='{"x": 100}')
    with database.writing() as transaction:
        runs.delete_runs(transaction, project.id, ["r5", "r3"], clock())
        rest = runs.list_page(transaction, project, clock(), order="-summary_metrics.x", after=page.cursors[-1], at_most=10)
    assert [run.name for run in rest.runs] == ["r2", "r1", "r0"]
    assert not rest.more

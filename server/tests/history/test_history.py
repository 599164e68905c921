"""Rows in at their line, rows and samples out: on SQLite and on PostgreSQL."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey_server import history
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.errors import Error
from runkey_server.history import Stream, sampling

RUN = 7


def lines(first: int, count: int, tag: str = "a") -> tuple[str, ...]:
    return tuple(json.dumps({"_step": first + i, "x": f"{tag}{first + i}"}) for i in range(count))


def put(database: Database, first: int, new: tuple[str, ...], stream: Stream = Stream.HISTORY) -> None:
    with database.writing() as transaction:
        history.append(transaction, RUN, stream, first, new)


def kept(database: Database, stream: Stream = Stream.HISTORY) -> list[str]:
    with database.reading() as transaction:
        return [json.dumps(row) for row in history.read_all(transaction, RUN, stream)]


def test_a_replay_changes_nothing(database: Database) -> None:
    put(database, 0, lines(0, 5))
    put(database, 0, lines(0, 5))
    put(database, 2, lines(2, 5))
    assert kept(database) == list(lines(0, 7))


def test_other_bytes_replace_and_drop_what_follows(database: Database) -> None:
    put(database, 0, lines(0, 10))
    put(database, 10, lines(0, 3), Stream.EVENTS)
    put(database, 3, lines(3, 2, "b"))
    assert kept(database) == [*lines(0, 3), *lines(3, 2, "b")]
    assert len(kept(database, Stream.EVENTS)) == 3


def test_lines_may_come_in_any_order(database: Database) -> None:
    put(database, 5, lines(5, 5))
    put(database, 0, lines(0, 5))
    assert kept(database) == list(lines(0, 10))
    with database.reading() as transaction:
        assert history.count_lines(transaction, RUN, Stream.HISTORY) == 10


@pytest.mark.parametrize("bad", ["", "x", "[1]", "1", "null", '{"a":', "{" * 100_000])
def test_a_line_that_is_no_object_is_refused_and_nothing_kept(database: Database, bad: str) -> None:
    with pytest.raises(Error) as refusal:
        put(database, 0, (*lines(0, 3), bad))
    assert refusal.value.code == "invalid"
    assert kept(database) == []


def test_half_a_surrogate_pair_becomes_a_question_mark(database: Database) -> None:
    put(database, 0, ('{"a": "\ud800"}',))
    assert kept(database) == ['{"a": "?"}']


def test_odd_values_survive(database: Database) -> None:
    line = '{"nan":NaN,"inf":-Infinity,"big":123456789012345678901234567890,"s":"\\u0000\\ud83d","n":{"a":[1,null,true]},"_step":0}'
    put(database, 0, (line,))
    with database.reading() as transaction:
        assert history.last_lines(transaction, RUN, Stream.HISTORY, 1) == [line]
        row = history.read_all(transaction, RUN, Stream.HISTORY)[0]
    assert math.isnan(row["nan"])
    assert row["big"] == 123456789012345678901234567890


@pytest.mark.parametrize("step", ["-1", "1e3", '"x"', "true", "99999999999999999999", "null"])
def test_a_step_that_is_no_number_of_ours_does_not_matter(database: Database, step: str) -> None:
    put(database, 0, (f'{{"_step":{step},"x":1}}',))
    with database.reading() as transaction:
        assert len(history.read_steps(transaction, RUN, Stream.HISTORY, 0, 10, 10)) == 1
        assert history.series(transaction, RUN, 10) is not None
        history.describe_keys(transaction, RUN)


def test_pages_of_steps_end_below_the_last(database: Database) -> None:
    put(database, 0, lines(0, 100))
    with database.reading() as transaction:
        page = history.read_steps(transaction, RUN, Stream.HISTORY, 10, 20, 1000)
    assert [json.loads(line)["_step"] for line in page] == list(range(10, 20))


@pytest.mark.parametrize("at_most", [0, 1, 2, 3, 10, 99, 100, 1000])
def test_samples_are_deterministic_and_keep_the_ends(database: Database, at_most: int) -> None:
    put(database, 0, lines(0, 100))
    with database.reading() as transaction:
        once = history.sample_lines(transaction, RUN, Stream.HISTORY, at_most)
        again = history.sample_lines(transaction, RUN, Stream.HISTORY, at_most)
    assert once == again
    assert len(once) == min(at_most, 100)
    if at_most >= 2:
        assert (once[0], once[-1]) == (lines(0, 1)[0], lines(99, 1)[0])


def test_sampled_rows_have_all_the_keys_that_were_asked_for(database: Database) -> None:
    put(database, 0, ('{"_step":0,"a":1}', '{"_step":1,"a":2,"n":{"b":3}}', '{"_step":2,"n":{"b":4}}'))
    with database.reading() as transaction:
        assert history.sample_rows(transaction, RUN, ["_step", "a", "n.b"], 10) == [{"_step": 1, "a": 2, "n.b": 3}]


def test_keys_are_described(database: Database) -> None:
    put(database, 0, ('{"_step":0,"loss":2.0,"n":{"x":1},"s":"a"}', '{"_step":1,"loss":1.0,"n":{"x":2},"img":{"_type":"image-file"}}'))
    with database.reading() as transaction:
        found = history.describe_keys(transaction, RUN)
    assert found["lastStep"] == 1
    assert found["keys"]["loss"] == {"typeCounts": [{"type": "number", "count": 2}], "monotonic": False, "previousValue": 1.0}
    assert found["keys"]["n.x"] == {"typeCounts": [{"type": "number", "count": 2}], "monotonic": True, "previousValue": 2}
    assert found["keys"]["img"]["typeCounts"] == [{"type": "image-file", "count": 1}]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=2_000), st.integers(1, 50))
def test_buckets_keep_the_extremes_and_are_few(values: list[float], buckets: int) -> None:
    points = [(float(step), value) for step, value in enumerate(values)]
    drawn = sampling._buckets(points, buckets)
    assert len(drawn) <= max(2 * buckets, 1)
    assert min(y for _, y in drawn) == min(values)
    assert max(y for _, y in drawn) == max(values)
    assert set(drawn) <= set(points)
    assert drawn == sorted(drawn)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 12), st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=6)), min_size=1, max_size=12))
def test_any_sequence_of_writes_equals_the_rule(tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, list[str]]]) -> None:
    """The rule, in three lines of Python, against the database: same bytes change nothing, other bytes replace and drop the rest."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('rule')}/h.db")
    migrate(database)
    expected: dict[int, str] = {}
    for first, tags in writes:
        new = {first + i: f'{{"x":"{tag}"}}' for i, tag in enumerate(tags)}
        changed = [line for line, body in new.items() if expected.get(line, body) != body]
        if changed:
            expected = {line: body for line, body in expected.items() if line < changed[0]}
        expected |= new
        put(database, first, tuple(new.values()))
        with database.reading() as transaction:
            assert history.read_steps(transaction, RUN, Stream.HISTORY, 0, 2**62, 1000) == [expected[line] for line in sorted(expected)]
    database.close()

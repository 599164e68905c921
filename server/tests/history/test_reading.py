"""Rows out, spread out, and what is told of keys."""

import json

import pytest
from house import BEGINNING

from runkey_server import history
from runkey_server.database import Database
from runkey_server.history import Batch, Stream, folding

RUN = 7


def lines(first: int, count: int, tag: str = "a") -> tuple[str, ...]:
    return tuple(json.dumps({"_step": first + i, "x": f"{tag}{first + i}"}, separators=(",", ":")) for i in range(count))


def put(database: Database, first: int, new: tuple[str, ...], stream: Stream = Stream.HISTORY) -> None:
    with database.writing() as transaction:
        history.append(transaction, RUN, stream, Batch.read(first, new), BEGINNING)


def fold(database: Database) -> None:
    with database.writing() as transaction:
        prepared = folding.prepare(transaction, (RUN, 0))
        assert prepared is not None
        folding.apply(transaction, prepared)


@pytest.mark.parametrize("step", ["-1", "1e3", '"x"', "true", "99999999999999999999", "null"])
def test_a_step_that_is_no_number_of_ours_does_not_matter(database: Database, step: str) -> None:
    put(database, 0, (f'{{"_step":{step},"x":1}}',))
    with database.reading() as transaction:
        assert len(history.read_steps(transaction, RUN, Stream.HISTORY, 0, 10, 10)) == 1
        assert history.chart(transaction, RUN, Stream.HISTORY, ["x"], buckets=10)["x"].x.tolist() == [0.0]
        history.describe_keys(transaction, RUN)


@pytest.mark.parametrize("folds", [False, True])
def test_pages_of_steps_end_below_the_last(database: Database, folds: bool) -> None:
    put(database, 0, lines(0, 2_000))
    if folds:
        fold(database)
    for first, end in ((10, 20), (500, 530), (1_990, 2_500), (0, 0)):
        with database.reading() as transaction:
            page = history.read_steps(transaction, RUN, Stream.HISTORY, first, end, 1000)
        assert page == list(lines(first, max(0, min(end, 2_000) - first)))


def test_steps_that_go_back_are_found(database: Database) -> None:
    steps = [0, 1, 2, 1, 2, 3, 900, 5]
    put(database, 0, tuple(json.dumps({"_step": step, "n": line}) for line, step in enumerate(steps)))
    for _ in range(2):
        with database.reading() as transaction:
            page = history.read_steps(transaction, RUN, Stream.HISTORY, 1, 3, 1000)
            assert history.chart(transaction, RUN, Stream.HISTORY, ["n"], buckets=100)["n"].x.tolist() == sorted(steps)
            assert history.describe_keys(transaction, RUN)["lastStep"] == 900
        assert [json.loads(line)["n"] for line in page] == [1, 2, 3, 4]
        fold(database) if _ == 0 else None


def test_a_page_of_steps_has_all_its_rows_however_often_steps_repeat(database: Database) -> None:
    put(database, 0, tuple(json.dumps({"_step": line // 3, "n": line}) for line in range(300)))
    for _ in range(2):
        with database.reading() as transaction:
            page = history.sample_rows(transaction, RUN, ["n"], 10, min_step=20, max_step=30)
            assert [row["n"] for row in page] == list(range(60, 90))
            wider = history.sample_rows(transaction, RUN, ["n"], 10, min_step=20, max_step=31)
            assert len(wider) == 10
        fold(database) if _ == 0 else None


def test_kinds_are_told_alike_however_rows_were_folded(database: Database) -> None:
    told = []
    put(database, 0, ('{"x":"a"}', '{"x":1}', '{"x":null}'))
    for _ in range(2):
        with database.reading() as transaction:
            told.append(json.dumps(history.describe_keys(transaction, RUN)))
        fold(database) if _ == 0 else None
    with database.writing() as transaction:
        history.purge(transaction, [RUN])
    for line, row in enumerate(('{"x":"a"}', '{"x":1}', '{"x":null}')):
        put(database, line, (row,))
        fold(database)
    with database.reading() as transaction:
        told.append(json.dumps(history.describe_keys(transaction, RUN)))
    assert len(set(told)) == 1


@pytest.mark.parametrize("at_most", [0, 1, 2, 3, 10, 99, 100, 1000])
def test_samples_are_deterministic_and_keep_the_ends(database: Database, at_most: int) -> None:
    put(database, 0, lines(0, 100))
    with database.reading() as transaction:
        once = history.sample_lines(transaction, RUN, Stream.HISTORY, at_most)
    fold(database)
    with database.reading() as transaction:
        again = history.sample_lines(transaction, RUN, Stream.HISTORY, at_most)
    assert once == again
    assert len(once) == min(at_most, 100)
    if at_most >= 2:
        assert (once[0], once[-1]) == (lines(0, 1)[0], lines(99, 1)[0])


def test_sampled_rows_have_all_the_keys_that_were_asked_for(database: Database) -> None:
    put(database, 0, ('{"_step":0,"a":1}', '{"_step":1,"a":2,"n":{"b":3}}', '{"_step":2,"n":{"b":4}}', '{"_step":3,"a":5,"n.b":6}'))
    for _ in range(2):
        with database.reading() as transaction:
            rows = history.sample_rows(transaction, RUN, ["_step", "a", "n.b"], 10)
            assert rows == [{"_step": 1, "a": 2, "n.b": 3}, {"_step": 3, "a": 5, "n.b": 6}]
            assert history.sample_rows(transaction, RUN, ["a"], 10, min_step=1, max_step=3) == [{"a": 2}]
            assert history.sample_rows(transaction, RUN, ["a", "nowhere"], 10) == []
        fold(database) if _ == 0 else None


def test_keys_are_described(database: Database) -> None:
    put(database, 0, ('{"_step":0,"loss":2.0,"n":{"x":1},"s":"a"}',))
    fold(database)
    put(database, 1, ('{"_step":1,"loss":1.0,"n":{"x":2},"img":{"_type":"image-file"}}',))
    with database.reading() as transaction:
        found = history.describe_keys(transaction, RUN)
        assert history.list_names(transaction, RUN, Stream.HISTORY) == ["loss", "n.x"]
    assert found["lastStep"] == 1
    assert found["keys"]["loss"] == {"typeCounts": [{"type": "number", "count": 2}], "monotonic": False, "previousValue": 1.0}
    assert found["keys"]["n.x"] == {"typeCounts": [{"type": "number", "count": 2}], "monotonic": True, "previousValue": 2}
    assert found["keys"]["img"]["typeCounts"] == [{"type": "image-file", "count": 1}]

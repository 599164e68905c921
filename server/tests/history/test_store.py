"""What every HistoryStore must do, on SQLite and on PostgreSQL: what goes in comes out, exactly once, folded or not."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from house import BEGINNING, StillClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle, text

from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.errors import Error
from runkey_server.history import Batch, PackedHistory, Stream, folding
from runkey_server.history.outlines import outline
from runkey_server.history.packing import STEPS, rows_of
from runkey_wire import limits

RUN = 7
STORE = PackedHistory()

# Everything that JSON can hold and Python can read, with what strict JSON has not.
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0, -0.0, 1, 1.0, 0.1, 1e-7, 123.4567, 2**53 + 1, 2**63, -(2**63)]),
    st.text(max_size=5),
)
KEYS = st.one_of(st.sampled_from(["loss", "a.b", "a", "", "_step", "_timestamp", "n"]), st.text(max_size=4))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)
ROWS = st.dictionaries(KEYS, VALUES, max_size=5)


def put(database: Database, first: int, rows: list, stream: Stream = Stream.HISTORY) -> None:
    batch = Batch.read(first, tuple(json.dumps(row) for row in rows))
    with database.writing() as transaction:
        STORE.append(transaction, RUN, stream, batch, BEGINNING)


def fold(database: Database, stream: Stream = Stream.HISTORY, *, closes_gaps: bool = False) -> bool:
    with database.reading() as transaction:
        prepared = folding.prepare(transaction, (RUN, int(stream)), closes_gaps=closes_gaps)
    if prepared is None:
        return False
    with database.writing() as transaction:
        return folding.apply(transaction, prepared)


def kept(database: Database, stream: Stream = Stream.HISTORY) -> dict[int, str]:
    with database.reading() as transaction:
        return {line: text(row) for line, row in rows_of(STORE.view(transaction, RUN, stream).read()).items()}


def simple(first: int, count: int, tag: object = 0) -> list:
    return [{"_step": first + index, "x": float(first + index), "tag": tag} for index in range(count)]


class Undone(Exception):
    """Ends an example."""


class Example:
    """One example in a transaction that is undone: nothing is synced, nothing has to be emptied. Stands in for a database."""

    def __init__(self, transaction: sa.Connection) -> None:
        self.transaction = transaction

    @contextmanager
    def _within(self) -> Iterator[sa.Connection]:
        yield self.transaction

    reading = writing = _within


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], AbstractContextManager[Example]]]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quick')}/h.db")
    migrate(database)

    @contextmanager
    def example() -> Iterator[Example]:
        with suppress(Undone), database.writing() as transaction:
            yield Example(transaction)
            raise Undone

    yield example
    database.close()


ACTS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 40), st.lists(ROWS, min_size=1, max_size=6)),
        st.tuples(st.integers(0, 40), st.lists(st.sampled_from([{"a": 1}, {"a": 2}, {"a": 1.0}]), min_size=1, max_size=50)),
        st.sampled_from(["fold", "fold over gaps", "again"]),
    ),
    max_size=14,
)


@settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTS)
def test_any_sequence_of_writes_and_folds_equals_the_rule(examples: Callable, acts: list) -> None:
    with examples() as quick:
        oracle, last = Oracle(), None
        for act in acts:
            if act == "fold":
                fold(quick)
            elif act == "fold over gaps":
                fold(quick, closes_gaps=True)
            else:
                act = last if act == "again" else act
                if act is None:
                    continue
                last = act
                rows = [json.loads(json.dumps(row)) for row in act[1]]
                put(quick, act[0], rows)
                oracle.append(act[0], rows)
            assert kept(quick) == oracle.texts()
            assert STORE.view(quick.transaction, RUN, Stream.HISTORY).next_line == max(oracle.rows, default=-1) + 1
            steps = STORE.view(quick.transaction, RUN, Stream.HISTORY).read(names=()).get(STEPS)
            assert (dict(zip(steps.lines.tolist(), steps.ints.tolist(), strict=True)) if steps else {}) == oracle.steps()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_outlines_and_facts_are_the_same_however_it_lies(examples: Callable, sizes: list[int], seed: int) -> None:
    with examples() as quick:
        random = np.random.default_rng(seed)
        total, told = sum(sizes), []
        values = random.standard_normal(total)
        values[random.random(total) < 0.01] = np.nan
        values[random.random(total) < 0.01] = np.inf
        rows = [{"_step": int(step), "x": float(value)} for step, value in enumerate(values)]
        at = 0
        for size in sizes:
            put(quick, at, rows[at : at + size])
            at += size
            if random.random() < 0.7:
                fold(quick)
        for _ in range(2):
            view = STORE.view(quick.transaction, RUN, Stream.HISTORY)
            whole = view.read(names=["x"])
            made = outline(whole[("x",)], whole[STEPS].ints, 0)
            found = view.outline(("x",))
            told.append((found["block"].tolist(), view.facts()[("x",)].counts))
            assert len(found) == len(made)
            for name in found.dtype.names:
                if name == "sum":
                    # Halves of a block are added in another order.
                    np.testing.assert_allclose(found[name], made[name], rtol=1e-12, atol=1e-9)
                else:
                    np.testing.assert_array_equal(found[name], made[name])
            while fold(quick):
                pass
        assert told[0] == told[1]


def test_a_replay_changes_nothing_folded_or_not(database: Database) -> None:
    put(database, 0, simple(0, 500))
    for _ in range(2):
        put(database, 0, simple(0, 500))
        put(database, 100, simple(100, 600))
        assert kept(database) == {line: text(row) for line, row in enumerate(simple(0, 700))}
        while fold(database):
            pass


def test_another_row_replaces_and_drops_what_follows_folded_or_not(database: Database) -> None:
    for folds in (False, True):
        put(database, 0, simple(0, 1_000))
        put(database, 0, simple(0, 3), Stream.EVENTS)
        if folds:
            fold(database)
        put(database, 300, simple(300, 5, "other"))
        expected = [*simple(0, 300), *simple(300, 5, "other")]
        assert kept(database) == {line: text(row) for line, row in enumerate(expected)}
        assert len(kept(database, Stream.EVENTS)) == 3
        with database.writing() as transaction:
            STORE.purge(transaction, RUN)


def test_a_line_that_comes_late_unfolds_what_follows_it(database: Database) -> None:
    put(database, 0, simple(0, 10))
    put(database, 20, simple(20, 10))
    fold(database)
    with database.reading() as transaction:
        assert STORE.view(transaction, RUN, Stream.HISTORY).next_line == 30
    fold(database, closes_gaps=True)
    put(database, 10, simple(10, 10))
    expected = {line: text(row) for line, row in enumerate(simple(0, 30))}
    assert kept(database) == expected
    fold(database)
    assert kept(database) == expected


def test_many_small_requests_become_few_chunks(database: Database) -> None:
    clock = StillClock()
    for first in range(0, 300, 3):
        put(database, first, simple(first, 3))
    clock.advance(seconds=21)
    folding.Folder(database, clock).fold_due()
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM history_segments").scalar_one() == 0
        assert transaction.exec_driver_sql("SELECT max(points) FROM history_chunks").scalar_one() == 300
    assert kept(database) == {line: text(row) for line, row in enumerate(simple(0, 300))}


def test_chunks_are_full_in_the_end_and_a_fold_that_was_overtaken_is_void(database: Database) -> None:
    for first in range(0, 20_000, 500):
        put(database, first, simple(first, 500))
        if first % 2_000 == 0:
            fold(database)
    with database.reading() as transaction:
        stale = folding.prepare(transaction, (RUN, 0))
    put(database, 19_000, simple(19_000, 10, "other"))
    with database.writing() as transaction:
        assert stale is not None
        assert not folding.apply(transaction, stale)
    while fold(database):
        pass
    with database.reading() as transaction:
        sizes = transaction.exec_driver_sql("SELECT points FROM history_chunks WHERE key_id = 1 ORDER BY first_index").scalars().all()
    assert sizes[0] == 8_192
    assert len(sizes) <= 6
    assert sum(sizes) == 19_010
    assert kept(database) == {line: text(row) for line, row in enumerate([*simple(0, 19_000), *simple(19_000, 10, "other")])}


def test_ten_thousand_keys_and_one(database: Database) -> None:
    wide = {f"layer/{number}": number / 7 for number in range(10_000)}
    put(database, 0, [wide, {"one": 1}, wide])
    while fold(database):
        pass
    put(database, 3, [wide])
    assert list(kept(database).values()) == [text(row) for row in (wide, {"one": 1}, wide, wide)]
    with database.reading() as transaction:
        assert len(STORE.view(transaction, RUN, Stream.HISTORY).facts()) == 10_001


@pytest.mark.parametrize("bad", ["", "x", "[1]", "1", "null", '{"a":', "{" * 100_000, '{"a":1}\n{"b":2}', '{"a":1} {"b":2}'])
def test_a_line_that_is_no_object_is_refused(bad: str) -> None:
    with pytest.raises(Error) as refusal:
        Batch.read(0, ('{"a":1}', bad))
    assert refusal.value.code == "invalid"


def test_a_line_that_is_too_long_is_refused() -> None:
    with pytest.raises(Error, match="Line 8 is longer"):
        Batch.read(7, ("{}", '{"a":"' + "x" * limits.MAX_LINE_BYTES + '"}'))


def test_odd_texts_survive(database: Database) -> None:
    line = '{"nan":NaN,"inf":-Infinity,"big":123456789012345678901234567890,"s":"\\u0000\\ud83d","n":{"a":[1,null,true]},"e":{}}'
    for stream, spaced in ((Stream.HISTORY, line), (Stream.EVENTS, line.replace(",", ",\n"))):
        with database.writing() as transaction:
            STORE.append(transaction, RUN, stream, Batch.read(0, (spaced, '{"half":"\ud800"}')), BEGINNING)
        for _ in range(2):
            rows = [json.loads(row) for row in kept(database, stream).values()]
            assert math.isnan(rows[0]["nan"])
            assert (rows[0]["big"], rows[0]["s"], rows[0]["e"]) == (123456789012345678901234567890, "\0\ud83d", {})
            assert rows[1] == {"half": "?"}
            fold(database, stream)


def test_purging_leaves_nothing(database: Database) -> None:
    put(database, 0, simple(0, 100))
    fold(database)
    put(database, 100, simple(100, 100))
    with database.writing() as transaction:
        STORE.purge(transaction, RUN)
    with database.reading() as transaction:
        for table in ("streams", "segments", "keys", "chunks", "bodies"):
            assert transaction.exec_driver_sql(f"SELECT count(*) FROM history_{table}").scalar_one() == 0


def test_gaps_are_closed_after_an_hour(database: Database) -> None:
    clock = StillClock()
    put(database, 0, simple(0, 10))
    put(database, 20, simple(20, 10))
    clock.now = BEGINNING + timedelta(minutes=59)
    folding.Folder(database, clock).fold_due()
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM history_segments").scalar_one() == 1
    clock.advance(minutes=1)
    folding.Folder(database, clock).fold_due()
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM history_segments").scalar_one() == 0


def test_a_line_that_waits_in_vain_does_not_keep_a_running_run_from_being_folded(database: Database) -> None:
    for number in range(folding.MOST_SEGMENTS):
        put(database, 20 + number, simple(20 + number, 1))
    folding.Folder(database, StillClock()).fold_due()
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM history_segments").scalar_one() == 0
    put(database, 0, simple(0, 20))
    assert kept(database) == {line: text(row) for line, row in enumerate(simple(0, 20 + folding.MOST_SEGMENTS))}


def test_a_stream_that_cannot_be_folded_keeps_no_other_from_its_turn(database: Database) -> None:
    clock = StillClock()
    put(database, 0, simple(0, 10))
    spoil_segment(database, 0)
    put(database, 0, simple(0, 10), Stream.EVENTS)
    clock.advance(seconds=21)
    with pytest.raises(Error):
        folding.Folder(database, clock).fold_due()
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT stream FROM history_segments").scalars().all() == [int(Stream.HISTORY)]


def test_a_retry_reads_nothing_but_its_own_lines(database: Database) -> None:
    for first in (0, 10, 20):
        put(database, first, simple(first, 10))
    spoil_segment(database, 0)
    put(database, 15, simple(15, 20))
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT next_line FROM history_streams").scalar_one() == 35


def test_lines_that_are_replaced_cost_nothing_of_what_was_long_before(database: Database) -> None:
    put(database, 0, simple(0, 20_000))
    while fold(database):
        pass
    with database.writing() as transaction:
        transaction.exec_driver_sql("UPDATE history_bodies SET body = substr(body, 1, 20) WHERE first_index = 0")
    put(database, 19_999, simple(19_999, 1, "other"))
    with database.reading() as transaction:
        found = STORE.view(transaction, RUN, Stream.HISTORY).read((19_998, 20_000))
    assert list(map(text, rows_of(found).values())) == [text(row) for row in (*simple(19_998, 1), *simple(19_999, 1, "other"))]


def spoil_segment(database: Database, first_line: int) -> None:
    with database.writing() as transaction:
        transaction.exec_driver_sql(f"UPDATE history_segments SET body = substr(body, 1, 5) WHERE first_line = {first_line} AND stream = 0")


@pytest.mark.parametrize("folds", [False, True])
def test_a_run_that_is_begun_again_has_the_keys_of_its_new_rows_alone(database: Database, folds: bool) -> None:
    put(database, 0, [{"_step": 0, "old": 1, "x": 1}])
    if folds:
        fold(database)
    put(database, 0, [{"x": 2, "new": "a"}])
    for _ in range(2):
        with database.reading() as transaction:
            view = STORE.view(transaction, RUN, Stream.HISTORY)
            assert {path: found.counts for path, found in view.facts().items()} == {("x",): {"number": 1}, ("new",): {"string": 1}}
            assert not view.facts(["old"])
        fold(database)


@pytest.mark.parametrize("depth", [90, 100, 101, 300, 600])
@pytest.mark.parametrize("form", [("[", "", "]"), ('{"_type":', "1", "}")])
def test_what_lies_deeper_than_a_reader_can_go_is_kept_as_text(database: Database, depth: int, form: tuple[str, str, str]) -> None:
    opening, inmost, closing = form
    levels = depth - 1
    line = f'{{"a":{opening * levels}{inmost}{closing * levels}}}'
    for _ in range(2):
        with database.writing() as transaction:
            STORE.append(transaction, RUN, Stream.HISTORY, Batch.read(0, (line, '{"b":1}')), BEGINNING)
        row = json.loads(kept(database)[0])
        for _ in range(min(levels, 99)):
            (row,) = row.values() if isinstance(row, dict) else row
        (inner,) = row.values() if isinstance(row, dict) else [row]
        if depth > 100:
            assert json.loads(inner if isinstance(inner, str) else inner[0]) == json.loads(
                opening * (depth - 100) + inmost + closing * (depth - 100)
            )
        else:
            assert text(json.loads(kept(database)[0])) == text(json.loads(line))
        fold(database)

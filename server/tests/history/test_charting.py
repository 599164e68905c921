"""Buckets: never more than asked for, no extreme lost, the same however the values lie."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from house import BEGINNING
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey_server import history
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.history import Batch, Series, Stream, folding
from runkey_server.history.columns import Column
from runkey_server.history.packing import pack_columns

RUN = 7


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quick')}/h.db")
    migrate(database)
    yield database
    database.close()


def emptied(database: Database) -> None:
    with database.writing() as transaction:
        history.purge(transaction, [RUN])


def put(database: Database, first: int, rows: list[dict]) -> None:
    with database.writing() as transaction:
        history.append(transaction, RUN, Stream.HISTORY, Batch.read(first, tuple(map(json.dumps, rows))), BEGINNING)


def fold(database: Database) -> None:
    while True:
        with database.writing() as transaction:
            prepared = folding.prepare(transaction, (RUN, 0))
            if prepared is None:
                return
            folding.apply(transaction, prepared)


def drawn(database: Database, buckets: int, name: str = "x", **options: object) -> Series | None:
    with database.reading() as transaction:
        return history.chart(transaction, RUN, Stream.HISTORY, [name], buckets=buckets, **options).get(name)


def as_lists(series: Series | None) -> dict[str, list]:
    return {} if series is None else {name: np.nan_to_num(column, nan=-999.25).round(9).tolist() for name, column in vars(series).items()}


NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([float("nan"), float("inf"), float("-inf")]), st.integers(-1000, 1000))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 60), NUMBERS), min_size=1, max_size=120),
    st.integers(1, 40),
    st.one_of(st.just((None, None)), st.tuples(st.integers(0, 60), st.integers(0, 60))),
)
def test_buckets_hold_what_was_logged(quick: Database, points: list, buckets: int, span: tuple) -> None:
    emptied(quick)
    put(quick, 0, [{"_step": step, "x": value} for step, value in points])
    first = drawn(quick, buckets, span=span)
    fold(quick)
    assert as_lists(drawn(quick, buckets, span=span)) == as_lists(first)
    inside = [
        (step, float(value)) for step, value in points if (span[0] is None or step >= span[0]) and (span[1] is None or step <= span[1])
    ]
    if first is None:
        assert inside == []
        return
    finite = [value for _, value in inside if np.isfinite(value)]
    assert len(first.x) <= buckets
    assert first.count.sum() == len(inside)
    assert first.nans.sum() == sum(np.isnan(value) for _, value in inside)
    assert first.infinities.sum() == sum(np.isinf(value) for _, value in inside)
    if finite:
        assert np.nanmin(first.smallest) == min(finite)
        assert np.nanmax(first.largest) == max(finite)
        weights = first.count - first.nans - first.infinities
        assert np.nansum(first.mean * weights) == pytest.approx(sum(finite), abs=1e-3)
    assert (first.x.min(), first.x_last.max()) == (min(step for step, _ in inside), max(step for step, _ in inside))
    assert np.all(first.x[1:] >= first.x_last[:-1])


def big(database: Database, count: int, *, every: int = 1) -> "np.ndarray":
    """Write a long series without going through JSON."""
    emptied(database)
    values = np.random.default_rng(5).standard_normal(count)
    lines = np.arange(count, dtype=np.int64)
    runtime = np.cumsum(np.full(count, 0.25))
    zeros, ones = np.zeros(count, np.uint8), np.ones(count, np.uint8)
    none = np.empty(0)
    columns = {
        (): Column(lines, ones, none, lines * every, []),
        ("x",): Column(lines, zeros, values, none.astype(np.int64), []),
        ("_runtime",): Column(lines, zeros, runtime, none.astype(np.int64), []),
    }
    with database.writing() as transaction:
        for start in range(0, count, 40_000):
            part = {path: column.between(start, start + 40_000) for path, column in columns.items()}
            batch = Batch(start, [{}] * len(part[()]), pack_columns(part))
            history.append(transaction, RUN, Stream.HISTORY, batch, BEGINNING)
    return values


def test_long_series_are_answered_from_outlines_alone(quick: Database) -> None:
    values = big(quick, 200_000, every=3)
    before: dict[str, list] = {}
    for folded in (False, True):
        series = drawn(quick, 50)
        assert series is not None
        assert len(series.x) <= 50
        assert series.count.sum() == 200_000
        assert (np.nanmin(series.smallest), np.nanmax(series.largest)) == (values.min(), values.max())
        edges = np.searchsorted(np.arange(200_000) * 3, series.x)
        np.testing.assert_allclose(series.mean, np.add.reduceat(values, edges) / series.count, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(series.first, values[edges])
        if folded:
            # Nothing but the outlines is read: without the values the answer is the same.
            with quick.writing() as transaction:
                transaction.exec_driver_sql("DELETE FROM history_bodies")
            assert as_lists(drawn(quick, 50)) == before
        before = as_lists(series)
        fold(quick)


def test_a_span_of_a_long_series_holds_what_lies_in_it_and_no_more(quick: Database) -> None:
    values = big(quick, 100_000)
    fold(quick)
    for low, high in ((700, 99_300), (12_345, 60_001), (511, 512), (512, 1_024), (99_999, 200_000)):
        series = drawn(quick, 20, span=(low, high))
        assert series is not None
        inside = values[low : high + 1]
        assert (series.count.sum(), series.x[0], series.x_last[-1]) == (len(inside), low, min(high, 99_999))
        assert (np.nanmin(series.smallest), np.nanmax(series.largest)) == (inside.min(), inside.max())
    assert drawn(quick, 20, span=(100_000, None)) is None


def test_other_axes(quick: Database) -> None:
    values = big(quick, 100_000)
    fold(quick)
    series = drawn(quick, 20, axis="_runtime")
    assert series is not None
    assert (series.x[0], series.x_last[-1]) == (0.25, 25_000.0)
    assert series.count.sum() == 100_000
    part = drawn(quick, 20, axis="_runtime", span=(100.0, 200.0))
    assert part is not None
    assert (part.x[0], part.x_last[-1], part.count.sum()) == (100.0, 200.0, 401)
    # By a key that goes up and down: sorted by it.
    by_value = drawn(quick, 10, name="_runtime", axis="x")
    assert by_value is not None
    assert by_value.x[0] == values.min()
    assert by_value.x_last[-1] == values.max()
    assert drawn(quick, 10, axis="nowhere") is None


def test_a_sparse_key_stands_at_its_own_steps(quick: Database) -> None:
    emptied(quick)
    put(quick, 0, [{"_step": step * 2, "loss": 1.0} | ({"x": step} if step % 100 == 7 else {}) for step in range(1_000)])
    for _ in range(2):
        series = drawn(quick, 1_000)
        assert series is not None
        assert series.x.tolist() == [step * 2 for step in range(7, 1_000, 100)]
        assert series.first.tolist() == [float(step) for step in range(7, 1_000, 100)]
        fold(quick)


def test_what_is_no_number_is_on_no_chart(quick: Database) -> None:
    emptied(quick)
    put(quick, 0, [{"x": "a"}, {"x": None}, {"x": True}, {"x": [1]}])
    assert drawn(quick, 10) is None
    put(quick, 4, [{"x": 2**70}, {"x": "b"}, {"x": 3}])
    series = drawn(quick, 10)
    assert series is not None
    assert (series.x.tolist(), series.first.tolist()) == ([4.0, 6.0], [float(2**70), 3.0])


def test_sums_beyond_what_a_float_holds_are_borne(quick: Database) -> None:
    emptied(quick)
    put(quick, 0, [{"_step": i, "x": 1.7e308 * (1 if i < 1_024 else -1)} for i in range(2_048)])
    fold(quick)
    for buckets in (2, 3_000):
        series = drawn(quick, buckets)
        assert (series.smallest.min(), series.largest.max(), int(series.count.sum())) == (-1.7e308, 1.7e308, 2_048)
    assert drawn(quick, 1).count.tolist() == [2_048]


def test_an_axis_that_is_no_number_here_and_there_leaves_points_out_however_many_buckets(quick: Database) -> None:
    emptied(quick)
    rows = [{"x": line, "epoch": float("nan") if line % 3 == 1 else line / 2} for line in range(5_000)]
    put(quick, 0, rows)
    for _ in range(2):
        counts = {buckets: int(drawn(quick, buckets, axis="epoch").count.sum()) for buckets in (1, 3, 1_000)}
        assert set(counts.values()) == {sum(line % 3 != 1 for line in range(5_000))}
        fold(quick)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("buckets", [1, 2, 10])
def test_an_axis_as_wide_as_floats_go_has_buckets_of_equal_width(quick: Database, buckets: int) -> None:
    emptied(quick)
    put(quick, 0, [{"x": line, "far": (line - 50) * 3.4e306, "huge": 1.7e308 * (-1) ** (line // 60)} for line in range(100)])
    found = drawn(quick, buckets, axis="far")
    assert found is not None
    assert [found.smallest.min(), found.largest.max(), found.count.sum()] == [0, 99, 100]
    assert len(found.x) == buckets
    assert len(drawn(quick, buckets, "huge").x) == buckets

"""Damage of every kind is found and named; what can be read is kept, and nothing that is whole is called damaged."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from house import BEGINNING
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey_server import history
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.history import Batch, PackedHistory, Stream, folding
from runkey_server.history.packing import rows_of
from runkey_server.history.tables import history_bodies, history_chunks, history_keys, history_segments, history_streams

RUN, OF = 7, Stream.HISTORY
STORE = PackedHistory()


def put(transaction: sa.Connection, first: int, rows: list) -> None:
    STORE.append(transaction, RUN, OF, Batch.read(first, tuple(json.dumps(row) for row in rows)), BEGINNING)


def fold(transaction: sa.Connection, *, closes_gaps: bool = False) -> None:
    prepared = folding.prepare(transaction, (RUN, int(OF)), closes_gaps=closes_gaps)
    if prepared is not None:
        assert folding.apply(transaction, prepared)


def kept(transaction: sa.Connection) -> dict[int, str]:
    return {line: json.dumps(row, sort_keys=True) for line, row in rows_of(STORE.view(transaction, RUN, OF).read()).items()}


def rows(first: int, count: int) -> list:
    """Rows with steps that are not their lines, a sparse key, a key of mixed kinds, and a nested one."""
    return [
        {"_step": n * 2, "loss": n / 7, "mixed": [n, n / 3, "x", None][n % 4], "deep": {"er": n}} | ({"sparse": n} if n % 3 == 0 else {})
        for n in range(first, first + count)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream in one full chunk, an open one, and two segments."""
    path = tmp_path_factory.mktemp("made") / "h.db"
    opened = Database(f"sqlite:///{path}")
    migrate(opened)
    with opened.writing() as transaction:
        for first, count in ((0, 8_500), (8_500, 300)):
            put(transaction, first, rows(first, count))
            fold(transaction)
        put(transaction, 8_800, rows(8_800, 3))
        put(transaction, 8_803, rows(8_803, 40))
    opened.close()
    return path


@pytest.fixture
def database(made: Path, tmp_path: Path) -> Iterator[Database]:
    """That stream, for one test to damage."""
    shutil.copy(made, tmp_path / "h.db")
    opened = Database(f"sqlite:///{tmp_path}/h.db")
    yield opened
    opened.close()


def damage(transaction: sa.Connection, table: sa.Table, *where: "sa.ColumnElement[bool]", **values: object) -> None:
    done = transaction.execute(sa.update(table).where(*where).values(**values))
    assert done.rowcount >= 1


KEYS = {"": 0, "_step": 1, "loss": 2, "mixed": 3, "deep.er": 4, "sparse": 5}
b, c, k, s, t = history_bodies.c, history_chunks.c, history_keys.c, history_segments.c, history_streams.c


def key_of(transaction: sa.Connection, name: str) -> int:
    return transaction.execute(sa.select(k.key_id).where(k.name == json.dumps(name))).scalar_one()


def scribble(transaction: sa.Connection, name: str, first_index: int) -> None:
    """Turn over one bit in the middle of a body, and cut its end."""
    where = (b.key_id == key_of(transaction, name), b.first_index == first_index)
    body = bytearray(transaction.execute(sa.select(b.body).where(*where)).scalar_one())
    body[len(body) // 2] ^= 16
    damage(transaction, history_bodies, *where, body=bytes(body[:-1]))


DERIVED = {
    "counts of segments": (lambda tx: damage(tx, history_streams, segments=9), "counts 9 segments"),
    "bytes of segments": (lambda tx: damage(tx, history_streams, segment_bytes=9), "segments of 9 bytes"),
    "next line": (lambda tx: damage(tx, history_streams, next_line=20_000), "says that line 20000 comes next"),
    "folded to": (lambda tx: damage(tx, history_streams, folded_to=100), "says that it is folded up to line 100"),
    "no counters": (lambda tx: tx.execute(sa.delete(history_streams)), "its counters are missing"),
    "facts of a key": (lambda tx: damage(tx, history_keys, k.key_id == key_of(tx, "loss"), facts="[]"), "'loss': what is told of the key"),
    "facts of a chunk": (
        lambda tx: damage(tx, history_chunks, c.key_id == key_of(tx, "mixed"), c.first_index == 8_192, facts='[{"number": 1}, true, 1, 1]'),
        "'mixed', lines 8192 to 8499: what is told of the values",
    ),
    "outline": (
        lambda tx: damage(tx, history_chunks, c.key_id == key_of(tx, "loss"), c.first_index == 0, outline=b"\0" * 89 * 16),
        "'loss', lines 0 to 8191: the outline",
    ),
    "half an outline": (lambda tx: damage(tx, history_chunks, c.key_id == key_of(tx, "deep.er"), outline=b"?"), "'deep.er', lines 0 to"),
    "head": (
        lambda tx: damage(tx, history_chunks, c.key_id == key_of(tx, "loss"), c.first_index == 8_192, last_line=8_498),
        "'loss', lines 8192 to 8498: holds 308 values, of lines 8192 to 8499",
    ),
    "place": (
        lambda tx: [damage(tx, table, table.c.first_index == 2_834, first_index=2_900) for table in (history_chunks, history_bodies)],
        "'sparse', lines 8502 to 8799: begins at place 2900 of its series instead of 2834",
    ),
    "name": (lambda tx: damage(tx, history_keys, k.key_id == key_of(tx, "loss"), name='"ssol"'), "'loss' is looked for under another name"),
    "steps": (lambda tx: scribble(tx, "", 8_192), "the steps, lines 8192 to 8499: the values cannot be read"),
    "all steps": (
        lambda tx: tx.execute(sa.delete(history_bodies).where(b.key_id == 0)),
        "the steps, lines 0 to 8191: the values are missing",
    ),
    "orphan body": (
        lambda tx: tx.execute(sa.insert(history_bodies), {"run_id": RUN, "stream": 0, "key_id": 2, "first_index": 99_999, "body": b"?"}),
        "from place 99999 on belong to no chunk",
    ),
    "head of a segment": (lambda tx: damage(tx, history_segments, s.first_line == 8_803, last_line=8_850), "holds lines 8803 to 8842"),
}


def test_what_is_whole_has_no_faults(database: Database) -> None:
    with database.reading() as transaction:
        assert history.list_streams(transaction) == [(RUN, OF)]
        assert history.find_faults(transaction, RUN, OF) == []
        assert transaction.execute(sa.select(sa.func.count()).select_from(history_chunks)).scalar_one() >= 12


@pytest.mark.parametrize("kind", DERIVED)
def test_what_is_derived_is_mended_without_a_loss(database: Database, kind: str) -> None:
    act, sentence = DERIVED[kind]
    with database.reading() as transaction:
        before = kept(transaction)
    with database.writing() as transaction:
        act(transaction)
    with database.writing() as transaction:
        assert any(sentence in fault for fault in history.find_faults(transaction, RUN, OF))
        mended = history.mend(transaction, RUN, OF, BEGINNING)
        assert mended.losses == []
        assert history.find_faults(transaction, RUN, OF) == []
        assert kept(transaction) == before
        put(transaction, 8_843, rows(8_843, 5))
        fold(transaction)
        assert history.find_faults(transaction, RUN, OF) == []
        assert kept(transaction) == {n: json.dumps(row, sort_keys=True) for n, row in enumerate(rows(0, 8_848))}


def test_a_lost_piece_is_named_and_set_aside_and_the_rest_is_kept(database: Database) -> None:
    with database.writing() as transaction:
        scribble(transaction, "loss", 8_192)
        damaged = transaction.execute(sa.select(b.body).where(b.key_id == key_of(transaction, "loss"), b.first_index == 8_192)).scalar_one()
        assert "'loss', lines 8192 to 8499: the values cannot be read" in history.find_faults(transaction, RUN, OF)
        mended = history.mend(transaction, RUN, OF, BEGINNING)
        assert mended.losses == ["'loss', lines 8192 to 8499"]
        assert list(mended.set_aside.values()) == [damaged]
        assert history.find_faults(transaction, RUN, OF) == []
        expected = rows(0, 8_843)
        for row in expected[8_192:8_500]:
            del row["loss"]
        assert kept(transaction) == {n: json.dumps(row, sort_keys=True) for n, row in enumerate(expected)}
        # Charts, and what is written later, go on.
        put(transaction, 8_843, rows(8_843, 9_000))
        fold(transaction)
        assert history.find_faults(transaction, RUN, OF) == []
        charted = history.chart(transaction, RUN, OF, ["loss"], buckets=10)["loss"]
        assert charted.count.sum() == 8_843 + 9_000 - 308


def test_a_lost_segment_is_named_and_set_aside(database: Database) -> None:
    with database.writing() as transaction:
        damage(transaction, history_segments, s.first_line == 8_800, body=b"\x01junk")
        assert "lines 8800 to 8802, all keys: cannot be read" in history.find_faults(transaction, RUN, OF)
        mended = history.mend(transaction, RUN, OF, BEGINNING)
        assert mended.losses == ["all keys, lines 8800 to 8802"]
        assert list(mended.set_aside.values()) == [b"\x01junk"]
        assert history.find_faults(transaction, RUN, OF) == []
        assert sorted(set(range(8_843)) - set(kept(transaction))) == [8_800, 8_801, 8_802]


def test_values_of_a_key_without_a_name_are_set_aside(database: Database) -> None:
    with database.writing() as transaction:
        lost = key_of(transaction, "deep.er")
        transaction.execute(sa.delete(history_keys).where(k.key_id == lost))
        assert any(f"there are values of key {lost}, and no name for it" in fault for fault in history.find_faults(transaction, RUN, OF))
        mended = history.mend(transaction, RUN, OF, BEGINNING)
        assert len(mended.losses) == len(mended.set_aside) >= 3
        assert history.find_faults(transaction, RUN, OF) == []


def test_lines_that_are_there_twice_become_one(database: Database) -> None:
    with database.writing() as transaction:
        body = transaction.execute(sa.select(s.body).where(s.first_line == 8_803)).scalar_one()
        moved = {"run_id": RUN, "stream": 0, "first_line": 8_820, "last_line": 8_842, "body": body}
        transaction.execute(sa.insert(history_segments), moved)
        before = kept(transaction)
        assert "40 lines are there twice" in history.find_faults(transaction, RUN, OF)
        assert history.mend(transaction, RUN, OF, BEGINNING).losses == []
        assert history.find_faults(transaction, RUN, OF) == []
        assert kept(transaction) == before


class Undone(Exception):
    """Ends an example."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], AbstractContextManager[sa.Connection]]]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quick')}/h.db")
    migrate(database)

    @contextmanager
    def example() -> Iterator[sa.Connection]:
        with suppress(Undone), database.writing() as transaction:
            yield transaction
            raise Undone

    yield example
    database.close()


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from([0, -0.0, 1, 1.0, 1e308, -1e308]),
    st.text(max_size=3),
)
ROWS = st.dictionaries(st.sampled_from(["a", "b", "_step", "a.b"]), LEAVES | st.dictionaries(st.sampled_from("xy"), LEAVES), max_size=4)
ACTS = st.lists(
    st.tuples(st.integers(0, 40), st.lists(ROWS, min_size=1, max_size=6)) | st.sampled_from(["fold", "fold over gaps"]), max_size=14
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTS)
def test_whatever_is_written_and_folded_has_no_faults(examples: Callable, acts: list) -> None:
    with examples() as transaction:
        for act in acts:
            if isinstance(act, str):
                fold(transaction, closes_gaps=act == "fold over gaps")
            else:
                put(transaction, *act)
        assert history.find_faults(transaction, RUN, OF) == []

"""What a run prints: taken apart, made harmless, found again."""

from datetime import UTC, datetime

import pytest
from house import Person, StillClock
from hypothesis import given
from hypothesis import strategies as st

from runkey_server import runs
from runkey_server.database import Database
from runkey_server.runs import Changes, ConsoleLine
from runkey_server.runs.console import MAX_SHOWN, as_shown

AT = datetime(2026, 11, 24, 23, 9, 30, 552806, tzinfo=UTC)


@pytest.fixture
def run_id(database: Database, alice: Person, clock: StillClock) -> int:
    with database.writing() as transaction:
        return runs.upsert(transaction, alice.actor, None, "p", "r", Changes(), clock())[0].id


def printed(database: Database, run_id: int, *lines: str, first: int = 0) -> None:
    with database.writing() as transaction:
        runs.write_console(transaction, run_id, first, lines)


def read(database: Database, run_id: int, **which: int) -> list[ConsoleLine]:
    with database.reading() as transaction:
        return runs.read_console(transaction, run_id, **which)


@pytest.mark.parametrize(
    ("body", "at", "stream", "text"),
    [
        ("2026-11-24T23:09:30.552806 hello  world", AT, "stdout", "hello  world"),
        ("ERROR 2026-11-24T23:09:30.552806 warn", AT, "stderr", "warn"),
        ("2026-11-24T23:09:30.552806Z z", AT, "stdout", "z"),
        ("2026-11-25T01:09:30.552806+02:00 further east", AT, "stdout", "further east"),
        ("2026-11-24T23:09:30 no fraction", AT.replace(microsecond=0), "stdout", "no fraction"),
        ("2026-11-24T23:09:30.552806", AT, "stdout", ""),
        ("2026-11-24T23:09:30.552806 ", AT, "stdout", ""),
        ("ERROR 2026-11-24T23:09:30.552806  indented", AT, "stderr", " indented"),
        ("ERROR no time", None, "stdout", "ERROR no time"),
        ("2026-13-45T99:99:99 no date", None, "stdout", "2026-13-45T99:99:99 no date"),
        ("0001-01-01T00:00:00+14:00 before all time", None, "stdout", "0001-01-01T00:00:00+14:00 before all time"),
        ("2026-11-24T23:09:30.552806and more", None, "stdout", "2026-11-24T23:09:30.552806and more"),
        ("plain", None, "stdout", "plain"),
        ("", None, "stdout", ""),
    ],
)
def test_a_line_is_taken_apart(database: Database, run_id: int, body: str, at: datetime | None, stream: str, text: str) -> None:
    printed(database, run_id, body)
    assert read(database, run_id) == [ConsoleLine(0, at, stream, text)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m and \x1b[38;2;1;2;3mtrue\x1b[m", "red and true"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\ \x1b]0;title\x07.", "link ."),
        ("\x9b31mone\x9bm byte", "one byte"),
        ("\x1bP1$r0m\x1b\\dcs \x1b(Bset \x1b7saved", "dcs set saved"),
        ("cut \x1b[", "cut "),
        ("cut \x1b", "cut "),
        ("cut \x1b]0;title", "cut "),
        ("a\tb\x07\x08c\x7f\x00", "a\tbc"),
        ("two\nlines", "two lines"),
        ("10%\r20%\r30%", "30%"),
        ("a longer one\rshort", "shortger one"),
        ("a longer one\r\x1b[Kshort", "short"),
        ("done\r", "done"),
        ("\u202eright to left", "\u202eright to left"),
        ("\x1b[2Jcleared", "cleared"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert as_shown(text) == shown


@given(st.text(alphabet=st.sampled_from("\x1b[]0;mK\x07\\\r\n\x9b\x9d?Pab \t\x00")))
def test_nothing_that_a_terminal_acts_on_is_shown(text: str) -> None:
    assert all(character == "\t" or character.isprintable() for character in as_shown(text))


def test_long_lines_are_cut_and_kept(database: Database, run_id: int) -> None:
    printed(database, run_id, "x" * 5_000, "y" * 100_000, "z" * MAX_SHOWN)
    assert [(len(line.text), line.left_out) for line in read(database, run_id)] == [(2_000, 3_000), (2_000, 98_000), (2_000, 0)]
    with database.reading() as transaction:
        number, texts = runs.read_printed(transaction, run_id, 0, at_most_bytes=6_000)
        assert (number, list(map(len, texts))) == (2, [5_000, 100_000])
        number, texts = runs.read_printed(transaction, run_id, number, at_most_bytes=6_000)
        assert (number, list(map(len, texts))) == (3, [2_000])
        assert runs.read_printed(transaction, run_id, number, at_most_bytes=6_000) == (3, [])


def test_lines_come_in_pages_both_ways(database: Database, run_id: int) -> None:
    printed(database, run_id, *[f"line {i}" for i in range(50)])
    printed(database, run_id, "far", first=90)

    def numbers(**which: int) -> list[int]:
        return [line.number for line in read(database, run_id, **which)]

    assert numbers(at_most=3) == [48, 49, 90]
    assert numbers(end=49, at_most=3) == [46, 47, 48]
    assert numbers(first=48, at_most=9) == [48, 49, 90]
    assert numbers(first=2, at_most=2) == [2, 3]
    assert (numbers(end=0), numbers(first=91)) == ([], [])


def test_lines_are_found_by_what_is_shown(database: Database, run_id: int) -> None:
    stamp = "2026-11-24T23:09:30.552806"
    printed(
        database,
        run_id,
        f"{stamp} Loss 100% done_",
        f"ERROR {stamp} nothing wrong",
        f"{stamp} an Error here",
        f"{stamp} 1000 done, \x1b[31mloss\x1b[0m",
        "x" * 3_000 + "needle",
        "back\\slash",
    )

    def found(sought: str, **which: int) -> tuple[int, list[int]]:
        with database.reading() as transaction:
            answer = runs.find_console(transaction, run_id, sought, **which)
        return answer.count, [line.number for line in answer.lines]

    assert found("loss") == (2, [0, 3])
    assert found("ERROR") == (1, [2]), "not what says that a line went to stderr"
    assert found("2026") == (0, []), "nor its time"
    assert found("100%") == (1, [0])
    assert found("done_") == (1, [0])
    assert found("k\\s") == (1, [5])
    assert found("needle") == (1, [4]), "also where a line is not shown"
    assert found("absent") == (0, [])
    assert found("o", at_most=1, end=3) == (4, [2])
    assert found("\x1b[31m") == (0, [])

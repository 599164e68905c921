"""What a terminal would show of what was printed, and the lines of it that go up."""

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runkey.console import lines as lines_module
from runkey.console.lines import Lines
from runkey.console.screen import MAX_LINE_CHARACTERS, Line, Screen
from runkey.scrubbing import Scrubber


def shown(*pieces: str) -> list[str]:
    """Give the lines that a terminal would show at last."""
    found: dict[int, Line] = {}
    screen = Screen(False, lambda: len(found) + 1, lambda line: found.__setitem__(line.number, line))
    for piece in pieces:
        screen.write(piece, 0.0)
    return [found[number].text.rstrip() for number in sorted(found)]


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("no end", ["no end"]),
        ("a\n\nb", ["a", "", "b"]),
        ("windows\r\nlines\r\n", ["windows", "lines"]),
        ("  0%\r 50%\r100%\n", ["100%"]),
        ("longer text\rshort\n", ["shorttext"[:5] + "r text"]),
        ("longer text\r\x1b[Kshort\n", ["short"]),
        ("12\b3\n", ["13"]),
        ("\x1b[32mgreen\x1b[0m\n", ["\x1b[32mgreen\x1b[0m"]),
        ("\x1b]0;a title\x07text\n", ["text"]),
        ("first\nsecond\n\x1b[2Achanged\n", ["changed", "second"]),
        ("a\nb\x1b[1A\rA\n\n", ["A", "b"]),
    ],
)
def test_lines_are_as_a_terminal_shows_them(printed: str, lines: list[str]) -> None:
    assert shown(printed) == lines


CONTROLS = st.sampled_from(
    ["\n", "\r", "\b", "\x1b[A", "\x1b[2B", "\x1b[K", "\x1b[1K", "\x1b[3C", "\x1b[2D", "\x1b[5G", "\x1b[1m", "\x1b]0;t\x07", "\x1b"]
)
PRINTED = st.lists(st.one_of(st.text(max_size=6), CONTROLS), max_size=20).map("".join)


@given(PRINTED, st.lists(st.integers(0, 80), max_size=5))
def test_it_makes_no_difference_in_how_many_pieces_it_is_printed(printed: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(printed)) for cut in cuts), len(printed)]
    assert shown(*(printed[start:end] for start, end in itertools.pairwise(places))) == shown(printed)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\b\x1b", exclude_categories=["Cs"]), max_size=20), max_size=10))
def test_plain_text_comes_out_as_it_went_in(texts: list[str]) -> None:
    assert shown("".join(f"{text}\n" for text in texts)) == [text.rstrip() for text in texts]


def quiet() -> Lines:
    return Lines(Scrubber(lambda _: None))


def test_a_line_says_when_and_by_which_stream() -> None:
    lines = quiet()
    lines.write(False, "out\n", 0.0)
    lines.write(True, "err\n", 1.5)
    assert lines.take_changed(2.0) == [(0, ["1970-01-01T00:00:00.000000 out", "ERROR 1970-01-01T00:00:01.500000 err"])]
    assert lines.take_changed(3.0) == []


def test_only_what_changed_is_given_again() -> None:
    lines = quiet()
    lines.write(False, "done\nbar 1", 0.0)
    assert [number for number, _ in lines.take_changed(0.0)] == [0]
    lines.write(False, "\rbar 2", 0.0)
    assert lines.take_changed(0.0) == [(1, ["1970-01-01T00:00:00.000000 bar 2"])]


def test_more_lines_than_anybody_reads_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MAX_PENDING_LINES", 10)
    lines = quiet()
    for number in range(50):
        lines.write(False, f"{number}\n", 0.0)
    ((_, block),) = lines.take_changed(0.0)
    assert len(block) == 11
    assert "40 lines stood here" in block[-1]


def test_a_line_that_never_ends_is_cut() -> None:
    lines = quiet()
    for _ in range(3):
        lines.write(False, "x" * MAX_LINE_CHARACTERS, 0.0)
    ((_, (line,)),) = lines.take_changed(0.0)
    assert len(line) < MAX_LINE_CHARACTERS + 40
    assert line.endswith("…")


def test_the_file_has_every_line_as_it_was_at_last(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as spool:
        lines = Lines(Scrubber(lambda _: None), spool)  # type: ignore[arg-type]
        assert lines.write_file(str(tmp_path / "none")) is False
        for text in ("a\n 0%", "\r50%", "\r100%\n", "é\n", "end"):
            lines.write(False, text, 0.0)
            lines.take_changed(0.0)
        lines.take_changed(0.0, is_last=True)
        assert lines.write_file(str(tmp_path / "output.log")) is True
    assert (tmp_path / "output.log").read_text() == "a\n100%\né\nend\n"

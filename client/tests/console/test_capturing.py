"""Listening at the streams stands in nobody's way."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from runkey.console import start
from runkey.runs import Settings
from runkey.scrubbing import Scrubber


class Heard:
    """A run, as far as the console knows one."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.scrubber = Scrubber(lambda _: None)
        self.hear_error: Any = None
        self.folder = str(folder)
        self.lines: dict[int, str] = {}
        self.log = b""
        self.failures: list[str] = []

    def log_console(self, offset: int, lines: list[str]) -> None:
        self.lines |= {offset + number: line for number, line in enumerate(lines)}

    def upload(self, name: str, path: str | None = None, *, data: bytes | None = None) -> None:
        assert name == "output.log"
        assert path is not None
        self.log = Path(path).read_bytes()

    def tell_failure(self, part: str, fault: Exception) -> None:
        self.failures.append(part)


def own_streams(monkeypatch: pytest.MonkeyPatch) -> tuple[io.StringIO, io.StringIO]:
    """Put two streams of our own in the place of the process's: in the test itself, for pytest sets its own before each."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    return out, err


def test_what_is_printed_is_printed_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    streams = own_streams(monkeypatch)
    run = Heard(tmp_path)
    stop = start(run)
    assert stop is not None
    print("to people")
    print("a fault", file=sys.stderr)
    run.hear_error("Traceback\n")
    stop(0)
    print("after")
    assert (streams[0].getvalue(), streams[1].getvalue()) == ("to people\nafter\n", "a fault\n")
    assert run.log == b"to people\na fault\nTraceback\n"
    assert [line.split(" ", 2)[0] == "ERROR" for line in run.lines.values()] == [False, True, True]
    assert "write" not in vars(streams[0])
    assert os.listdir(tmp_path) == []


def test_whoever_holds_the_stream_already_is_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_streams(monkeypatch)
    held, run = sys.stdout, Heard(tmp_path)
    stop = start(run)
    assert stop is not None
    held.write("by a logger\n")
    stop(0)
    assert run.log == b"by a logger\n"


def test_a_stream_that_somebody_looks_through_afterwards_keeps_working(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    streams = own_streams(monkeypatch)
    run = Heard(tmp_path)
    stop = start(run)
    assert stop is not None
    ours = sys.stdout.write
    sys.stdout.write = lambda text: ours(text.upper())  # type: ignore[method-assign]
    print("loud")
    stop(0)
    print("still")
    assert streams[0].getvalue() == "LOUD\nSTILL\n"
    assert run.log == b"LOUD\n"


def test_a_write_that_fails_is_the_programs_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    streams = own_streams(monkeypatch)
    stop = start(Heard(tmp_path))
    assert stop is not None
    with pytest.raises(TypeError):
        sys.stdout.write(7)  # type: ignore[arg-type]
    streams[0].close()
    with pytest.raises(ValueError, match="closed"):
        print("x")
    stop(0)


def test_nothing_is_listened_to_where_that_is_off_or_there_is_no_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert start(Heard(tmp_path, console="off")) is None
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    run = Heard(tmp_path)
    stop = start(run)
    assert stop is not None
    stop(0)
    assert (run.lines, run.log) == ({}, b"")


def test_a_log_that_cannot_be_written_as_a_file_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_streams(monkeypatch)
    run = Heard(tmp_path)
    stop = start(run)
    assert stop is not None
    print("a line")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    stop(0)
    assert (len(run.lines), run.log, run.failures) == (1, b"", ["The writing of output.log"])

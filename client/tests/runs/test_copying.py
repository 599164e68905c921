"""Files are copied beside the run's lock, and its end waits for nobody who waits for it."""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runkey import console
from runkey.runs import following
from runkey.runs.model import Standing
from runkey.runs.recording import Recorder
from runkey.runs.run import Run
from runkey.stream import Lock, Reader, framing
from runkey.terminal import Terminal


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run that only keeps its journal."""
    folder = tmp_path / "run"
    folder.mkdir()
    made = Run(Standing(id="r", project="p", entity="mira", started=time.time()), Terminal())
    lock = Lock(str(folder))
    assert lock.take()
    made.record_to(Recorder(str(folder), lock, made.state, made._warn, {}), None)
    yield made
    made.finish()


class Slow:
    """Lets copies of one content begin, and holds them up until they may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.copied = 0
        original = shutil.copyfile

        def copy(source: str, target: str) -> str:
            self.copied += 1
            is_slow = Path(source).read_text() == content
            done = original(source, target)
            if is_slow:
                self.begun.set()
                assert self.may_go_on.wait(20)
            return done

        monkeypatch.setattr(shutil, "copyfile", copy)


def in_thread(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def records(run: Run, kind: bytes) -> list[bytes]:
    assert run.folder is not None
    reader = Reader(run.folder)
    try:
        return [record.payload for record in reader.records() if record.kind == kind]
    finally:
        reader.close()


def test_a_large_file_does_not_hold_up_a_row(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, "large")
    (tmp_path / "a").write_text("large")
    saving = in_thread(lambda: run.upload("a", tmp_path / "a"))
    assert slow.begun.wait(20)
    logging = in_thread(lambda: run.log({"x": 1}))
    logging.join(20)
    assert not logging.is_alive()
    assert (len(records(run, framing.HISTORY)), records(run, framing.FILE)) == (1, [])
    slow.may_go_on.set()
    saving.join(20)
    assert [json.loads(each)["name"] for each in records(run, framing.FILE)] == ["a"]
    assert Path(run.dir, "a").read_text() == "large"


def test_of_two_copies_of_a_name_the_one_that_was_begun_later_stands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = Slow(monkeypatch, "old")
    (tmp_path / "old").write_text("old")
    (tmp_path / "new").write_text("new")
    saving = in_thread(lambda: run.upload("a", tmp_path / "old"))
    assert slow.begun.wait(20)
    assert run.upload("./a", tmp_path / "new") is True
    slow.may_go_on.set()
    saving.join(20)
    assert Path(run.dir, "a").read_text() == "new"
    assert len(records(run, framing.FILE)) == 1
    assert run.folder is not None
    assert os.listdir(Path(run.folder, "copies")) == []
    assert capsys.readouterr().err == ""


def test_the_end_waits_for_what_another_thread_copies(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, "large")
    (tmp_path / "a").write_text("large")
    saving = in_thread(lambda: run.upload("a", tmp_path / "a"))
    assert slow.begun.wait(20)
    ending = in_thread(run.finish)
    wait_for(lambda: run._finisher._is_ending)
    assert records(run, framing.END) == []
    slow.may_go_on.set()
    saving.join(20)
    ending.join(20)
    assert "a" in [json.loads(each)["name"] for each in records(run, framing.FILE)]
    assert len(records(run, framing.END)) == 1


def test_what_is_copied_below_a_signals_handler_that_ends_the_run_is_not_waited_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = shutil.copyfile

    def copy(source: str, target: str) -> str:
        run.finish()
        return original(source, target)

    monkeypatch.setattr(shutil, "copyfile", copy)
    (tmp_path / "a").write_text("x")
    assert run.upload("a", tmp_path / "a") is False
    assert len(records(run, framing.END)) == 1
    assert "The file a is left out: the run was finished while it was copied." in capsys.readouterr().err


def test_a_file_that_changes_while_it_is_copied_is_copied_again(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, path, copied = shutil.copyfile, tmp_path / "a", []
    path.write_text("half")

    def copy(source: str, target: str) -> str:
        done = original(source, target)
        copied.append(Path(target).read_text())
        if len(copied) == 1:
            path.write_text("half and the other half")
        return done

    monkeypatch.setattr(shutil, "copyfile", copy)
    assert run.upload("a", path) is True
    assert copied == ["half", "half and the other half"]
    assert Path(run.dir, "a").read_text() == copied[-1]


def test_a_file_that_is_never_at_rest_is_taken_and_followed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, path, written = shutil.copyfile, tmp_path / "a", []

    def copy(source: str, target: str) -> str:
        done = original(source, target)
        if len(written) < 5:
            written.append("x")
            path.write_text("".join(written))
        return done

    path.write_text("")
    monkeypatch.setattr(shutil, "copyfile", copy)
    run._finisher.stops = [following.start(run)]
    assert run.save(path, policy="live", base_path=tmp_path) == [os.path.join(run.dir, "a")]
    assert len(Path(run.dir, "a").read_text()) < len(path.read_text())
    run.finish()
    assert run.folder is not None
    assert Path(run.folder, "files", "a").read_text() == path.read_text() == "xxxxx"


def test_a_file_in_its_place_stays_the_one_that_is_written_to(run: Run) -> None:
    path = Path(run.dir, "log.txt")
    with path.open("w") as file:
        file.write("one")
        file.flush()
        assert run.upload("log.txt", path) is True
        file.write(" two")
    assert path.read_text() == "one two"


class Acting:
    """A value that does something while it is logged, as a signal's handler may."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act

    def tolist(self) -> int:
        self.act()
        return 1


def waits_for(name: str, function: str) -> bool:
    """Tell whether a thread of that name is in a function."""
    for thread in threading.enumerate():
        frame = sys._current_frames().get(thread.ident or 0) if thread.name == name else None
        while frame is not None:
            if frame.f_code.co_name == function:
                return True
            frame = frame.f_back
    return False


def test_an_end_in_the_middle_of_a_call_waits_for_nobody_who_waits_for_it_and_costs_no_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runkey.console.capturing.LOOK_SECONDS", 0.01)
    stop = console.start(run)
    assert stop is not None
    run._finisher.stops = [stop]

    def end() -> None:
        print("first line")
        wait_for(lambda: waits_for("runkey-console", "log_console"))
        print("last line")
        run.finish()

    caller = in_thread(lambda: run.log({"odd": Acting(end)}))
    caller.join(20)
    assert not caller.is_alive()
    told = [json.loads(each) for each in records(run, framing.LINES)]
    lines = {each["offset"] + number: line.split(" ", 1)[1] for each in told for number, line in enumerate(each["lines"])}
    assert [lines[number] for number in sorted(lines)] == ["first line", "last line"]
    assert len(records(run, framing.END)) == 1
    assert run.folder is not None
    assert Path(run.folder, "files", "output.log").read_text() == "first line\nlast line\n"


def test_what_is_logged_before_an_end_in_the_middle_of_a_call_is_kept(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def end() -> None:
        run.log({"last": 1})
        run.finish()

    run.log({"x": 1})
    run.log({"odd": Acting(end)})
    found = [json.loads(each.partition(b" ")[2]) for each in records(run, framing.HISTORY)]
    assert [(row["_step"], row.get("x"), row.get("last")) for row in found] == [(0, 1, None), (1, None, 1)]
    assert "Warning" not in capsys.readouterr().err


def test_an_end_in_the_middle_of_a_call_waits_for_a_file_that_is_followed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run._finisher.stops = [following.start(run)]
    assert run.follower is not None
    run.follower._seconds = 0.01
    path = tmp_path / "a"
    path.write_text("one")
    run.save(path, policy="live", base_path=tmp_path)

    def end() -> None:
        path.write_text("one two")
        wait_for(lambda: waits_for("runkey-files", "upload"))
        run.finish()

    caller = in_thread(lambda: run.log({"odd": Acting(end)}))
    caller.join(20)
    assert not caller.is_alive()
    assert run.folder is not None
    assert Path(run.folder, "files", "a").read_text() == "one two"
    assert [json.loads(each)["name"] for each in records(run, framing.FILE)].count("a") == 2

"""What is read back from a journal is what the run was, whatever it did and wherever its process ended."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey.runs.config import config_text
from runkey.runs.model import Standing
from runkey.runs.recording import Recorder
from runkey.runs.replaying import Replay
from runkey.runs.run import Run
from runkey.stream import Acknowledged, Journal, Lock, framing
from runkey.stream.gathering import Gatherer
from runkey.stream.reading import list_segments, segment_path
from runkey.terminal import Terminal

names = st.sampled_from(["a", "b", "c.d", "_step"])
numbers = st.integers(-5, 5) | st.floats(-5, 5, width=32) | st.just("text")
acts = st.one_of(
    st.tuples(
        st.just("log"),
        st.dictionaries(names, numbers | st.dictionaries(names, numbers, max_size=2), min_size=1, max_size=3),
        st.integers(0, 2),
    ),
    st.tuples(st.just("config"), names, numbers),
    st.tuples(st.just("unset"), names, st.none()),
    st.tuples(st.just("summary"), names, numbers),
    st.tuples(st.just("metric"), names, st.sampled_from(["min", "max,last", "mean", "first", "none"])),
    st.tuples(st.just("name"), st.text(max_size=3), st.none()),
    st.tuples(st.just("describe"), names, numbers),
)


def act(run: Run, what: str, one: object, two: object) -> None:
    if what == "log":
        assert isinstance(two, int)
        run.log(one, **({} if two == 0 else {"commit": False} if two == 1 else {"step": run.step + 1}))  # type: ignore[arg-type]
    elif what == "config":
        run.config.update({one: two}, allow_val_change=True)
    elif what == "unset" and one in run.config:
        del run.config[str(one)]
    elif what == "summary":
        run.summary[str(one)] = two
    elif what == "metric":
        run.define_metric(str(one), summary=str(two))
    elif what == "name":
        run.name = one  # type: ignore[assignment]
    elif what == "describe":
        run.describe(**{str(one).replace(".", "_"): two})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, max_size=25), st.sampled_from([1_200, 10**9]), st.booleans())
def test_a_run_is_read_back(tmp_path_factory: object, done: list[tuple[str, object, object]], segment_bytes: int, drops: bool) -> None:
    folder = str(tmp_path_factory.mktemp("run"))  # type: ignore[attr-defined]
    run = Run(Standing(id="r", project="p", started=time.time(), config={"a": 0}), Terminal(), is_silent=True)
    lock = Lock(folder)
    assert lock.take()
    recorder = Recorder(folder, lock, run.state, run._warn, {})
    recorder.journal._segment_bytes = segment_bytes
    run.record_to(recorder, None)
    for each in done:
        recorder.journal._look_at = 0
        act(run, *each)
    run.finish(exit_code=3)
    segments = list_segments(folder)
    if drops and len(segments) > 1:
        # As the sender does with what the server has. A row that is open keeps its part.
        for number in segments[:-1]:
            Path(segment_path(folder, number)).unlink()
    replay = Replay(folder)
    assert replay.standing is not None
    assert (replay.exit_code, replay.damaged, replay.torn_bytes) == (3, 0, 0)
    config, private, metrics = replay.config()
    assert json.loads(config_text(config, private, metrics, _as_it_is)) == json.loads(
        config_text(run.config.copy(), run._standing.private, run._metrics, _as_it_is)
    )
    assert replay.standing.name == run._standing.name
    if drops and len(segments) > 1:
        return
    assert json.loads(replay.summary_text()) == json.loads(run.take_summary() or replay.summary_text())
    assert replay.rows == recorder.rows
    assert replay.last_line == recorder.next_line


def _as_it_is(text: str, _: str) -> str:
    return text


BEGUN = json.dumps({"id": "r", "project": "p", "config": {"lr": 1}, "metrics": [{"name": "m", "summary": "mean"}]}).encode()


def journal(folder: Path, begin: Callable[[], bytes] = lambda: BEGUN) -> Journal:
    return Journal(str(folder), begin, lambda _: None, segment_bytes=1)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (framing.HISTORY, b"abc"),
        (framing.HISTORY, b"1 {"),
        (framing.HISTORY, b"1 [1]"),
        (framing.HISTORY, b"-4 {}"),
        (framing.HISTORY, b"99999999999999999999 {}"),
        (framing.HISTORY, b'1 {"a": "\xff"}'),
        (framing.OPEN_ROW, b"1 [1]"),
        (framing.LINES, b"{}"),
        (framing.LINES, b'{"file": "output.log", "offset": "x", "lines": ["a"]}'),
        (framing.LINES, b'{"file": "output.log", "offset": 0, "lines": [1]}'),
        (framing.FILE, b"[1]"),
        (framing.FILE, b'{"name": 1, "path": 2}'),
        (framing.END, b"[]"),
        (framing.END, b'{"exit_code": "x"}'),
        (framing.CONFIG, b"[]"),
        (framing.CONFIG, b'{"set": [1]}'),
        (framing.SUMMARY, b"{}"),
        (framing.METRIC, b'{"nome": 1}'),
        (framing.METRIC, b'{"name": "a", "summary": "bogus"}'),
        (framing.BEGIN, b"[1]"),
        (framing.BEGIN, b"[" * 100_000),
    ],
)
def test_a_record_that_is_whole_and_makes_no_sense_costs_only_itself(tmp_path: Path, kind: bytes, payload: bytes) -> None:
    written = journal(tmp_path)
    written._segment_bytes = 10**9
    written.append(framing.HISTORY, b'0 {"m": 1}')
    written.append(kind, payload)
    written.append(framing.HISTORY, b'1 {"m": 3}')
    written.append(framing.END, b'{"exit_code": 2}')
    written.close()
    replay = Replay(str(tmp_path))
    assert (len(replay.odd), replay.damaged, replay.rows, replay.last_line, replay.exit_code) == (1, 0, 2, 2, 2)
    assert json.loads(replay.summary_text())["m"] == {"mean": 2}
    gatherer = Gatherer(str(tmp_path), Acknowledged(str(tmp_path)), replay.odd)
    batch = gatherer.gather(None, 10**6)
    gatherer.reader.close()
    assert (batch.lines, batch.exit_code) == (['{"m": 1}', '{"m": 3}'], 2)


@pytest.mark.parametrize("begin", [b"[1]", b"5", b'{"id": 5}', b"{}", b'{"id": "r", "started": "x"}', b'{"id": "r", "metrics": [1]}'])
def test_a_beginning_that_makes_no_sense_is_none(tmp_path: Path, begin: bytes) -> None:
    journal(tmp_path, lambda: begin).close()
    assert Replay(str(tmp_path)).standing is None


def test_what_damage_costs_of_config_and_summary_the_next_file_has(tmp_path: Path) -> None:
    values = {"lr": 1}
    written = journal(tmp_path, lambda: json.dumps({"id": "r", "project": "p", "config": values, "summary": values}).encode())
    values["lr"] = 2
    written.append(framing.CONFIG, b'{"set": {"lr": 2}}')
    written._look_at = 0
    written.append(framing.SUMMARY, b'{"set": {"lr": 2}, "removed": []}')
    written.close()
    first = Path(segment_path(str(tmp_path), 1))
    assert len(list_segments(str(tmp_path))) == 2
    for place in (b"C{", b"U{"):
        first.write_bytes(first.read_bytes().replace(place, b"X{"))
    replay = Replay(str(tmp_path))
    assert replay.damaged == 1
    assert (replay.config()[0], json.loads(replay.summary_text())["lr"]) == ({"lr": 2}, 2)


def test_how_far_a_server_is_is_found_again(tmp_path: Path) -> None:
    written = journal(tmp_path)
    for number in range(3):
        written.append(framing.OPEN_ROW, b'%d {"_step": %d}' % (number, number))
        written.append(framing.OPEN_ROW, b'%d {"_timestamp": %d}' % (number, 10 * number))
        written.append(framing.LINES, b'{"file": "output.log", "offset": %d, "lines": ["a", "b"]}' % (2 * number))
    written.close()
    replay = Replay(str(tmp_path))
    for number in range(3):
        lines = replay.lines_up_to({"_step": number, "_timestamp": 10 * number})
        assert lines is not None
        assert (lines["wandb-history.jsonl"], lines["output.log"]) == (number + 1, 2 * min(number + 1, 2) + 2 * (number == 2)), number
    assert replay.lines_up_to({"_step": 1, "_timestamp": 11}) is None

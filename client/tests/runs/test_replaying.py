"""What is read back from a journal is what the run was, whatever it did and wherever its process ended."""

import json
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey.runs.config import config_text
from runkey.runs.model import Standing
from runkey.runs.recording import Recorder
from runkey.runs.replaying import Replay
from runkey.runs.run import Run
from runkey.stream import Lock
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

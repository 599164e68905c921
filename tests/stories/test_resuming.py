"""A run is gone on with: by another process, after a crash, offline, with what was counted."""

import json

import pytest
from outside import Machine, Server, eventually, log_in
from training import ask, journals, rows, start, sync

pytestmark = pytest.mark.story


def test_a_run_is_gone_on_with(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    script = """
import sys, runkey
run = runkey.init(project="p", id="goes-on", resume={resume!r}, config={{"{key}": 1, "both": "{key}"}})
print(run.resumed, run.step, dict(run.config), run.summary.get("best"))
for i in range(10):
    run.log({{"x": run.step}})
run.summary["best"] = 7
run.log_console(0, ["line of {key}"])
run.finish()
"""
    for resume, step, said in (("allow", 0, "False 0 {'a': 1, 'both': 'a'} None"), ("must", 10, "True 10 {'a': 1, 'both': 'b', 'b': 1} 7")):
        done = machine.python(script.format(resume=resume, key="a" if step == 0 else "b"))
        assert done.stdout.strip() == said, (done.stdout, done.stderr)
    assert [(row["x"], row["_step"]) for row in rows(server, key, "goes-on")] == [(i, i) for i in range(20)]
    assert ask(server, key, "goes-on", "logLineCount")["logLineCount"] == 2
    never = machine.python(
        "import runkey\ntry: runkey.init(project='p', id='goes-on', resume='never')\nexcept runkey.UsageError as e: print(e)\n"
    )
    assert "is there already" in never.stdout
    must = machine.python(
        "import runkey\ntry: runkey.init(project='p', id='nope', resume='must')\nexcept runkey.UsageError as e: print(e)\n"
    )
    assert "There is no run 'nope'" in must.stdout


def test_what_is_counted_goes_on_with_a_run(server: Server, machine: Machine) -> None:
    """A mean over a run that was gone on with, killed and sent later is one over all of its rows."""
    key = log_in(machine, server, "mira")
    script = """
import os, sys, runkey
first, end = sys.argv[1:]
run = runkey.init(project="p", id="mean", resume="allow", mode=os.environ.get("MODE"))
run.define_metric("m", summary="mean,min,max,first")
run.define_metric("own", summary="max")
for i in range(int(first), int(first) + 10):
    run.log({"m": i, "own": i})
    if i == 0:
        run.summary["own"] = "mine"
os._exit(9) if end == "kill" else run.finish()
"""
    for first, end in (("0", "finish"), ("10", "kill"), ("20", "finish")):
        done = machine.python(script, first, end)
        assert done.returncode == (9 if end == "kill" else 0), done.stderr
    summary = json.loads(str(ask(server, key, "mean", "summaryMetrics")["summaryMetrics"]))
    assert summary["m"] == {"mean": 14.5, "min": 0, "max": 29, "first": 0}
    assert summary["own"] == "mine"
    assert [row["m"] for row in rows(server, key, "mean")] == list(range(30))


def test_resume_auto_goes_on_after_a_crash_only(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    script = "import runkey\nrun = runkey.init(project='auto', resume=True)\nprint(run.id, run.step, flush=True)\nrun.log({'x': 1})\n%s\n"
    wait = "import sys; sys.stdin.readline()"
    process = start(machine, script % wait)
    assert process.stdout is not None
    run_id, _ = process.stdout.readline().split()
    eventually(lambda: len(rows(server, key, run_id, "auto")) == 1)
    process.kill()
    process.communicate()
    assert machine.python(script % "run.finish()").stdout.split() == [run_id, "1"]
    assert machine.python(script % "run.finish()").stdout.split()[0] != run_id
    assert [row["_step"] for row in rows(server, key, run_id, "auto")] == [0, 1]


def test_what_a_killed_process_left_is_sent_before_its_run_is_gone_on_with(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    script = "import os, sys, runkey\nrun = runkey.init(project='p', id='phoenix', resume='allow')\nprint(run.step, run.summary.get('x'))\n"
    first = machine.python(script + "for i in range(500): run.log({'x': i})\nos._exit(9)\n")
    assert first.returncode == 9
    assert len(journals(machine)) == 1
    second = machine.python(script + "for i in range(500, 600): run.log({'x': i})\n")
    assert second.stdout == "500 499\n", second.stderr
    assert "An earlier process left rows of this run" in second.stderr
    assert [(row["x"], row["_step"]) for row in rows(server, key, "phoenix")] == [(i, i) for i in range(600)]
    assert ask(server, key, "phoenix", "state")["state"] == "finished"
    assert journals(machine) == []


def test_an_offline_run_goes_on_with_one_that_is_there(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    script = "import runkey\nrun = runkey.init(project='p', id='both-ways', resume='allow', mode='%s')\n"
    script += "for i in range(5): run.log({'x': %d + i}, step=%d + i)\nrun.finish()\n"
    machine.python(script % ("online", 0, 0))
    machine.python(script % ("offline", 5, 5))
    assert sync(machine)[0]["outcome"] == "sent"
    assert [row["x"] for row in rows(server, key, "both-ways")] == list(range(10))

"""A run and its process: forks, threads, signals, ends of every kind, several runs in one."""

import pytest
from outside import Machine, Server, log_in
from training import ask, journals, rows, sync

pytestmark = pytest.mark.story


def test_forks_spawned_workers_and_threads(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    script = """
import multiprocessing, os, sys, threading, runkey

def work(number):
    run = runkey.init(project="p", id=f"spawned-{number}", settings=runkey.Settings(silent=True))
    for i in range(20):
        run.log({"x": i})
    run.finish()

if __name__ == "__main__":
    run = runkey.init(project="p", id="parent")
    for i in range(10):
        run.log({"x": i})
    child = os.fork()
    if child == 0:
        run.log({"x": 99})
        run.finish()
        sys.exit(3)
    os.waitpid(child, 0)
    context = multiprocessing.get_context("fork")
    forked = context.Process(target=work, args=("forked",))
    forked.start()
    forked.join()
    context = multiprocessing.get_context("spawn")
    spawned = [context.Process(target=work, args=(number,)) for number in range(2)]
    for each in spawned: each.start()
    for each in spawned: each.join()
    def many(number):
        for i in range(500):
            run.log({f"t{number}": i})
    threads = [threading.Thread(target=many, args=(number,)) for number in range(4)]
    for each in threads: each.start()
    for each in threads: each.join()
    print([each.exitcode for each in [forked, *spawned]])
"""
    done = machine.python(script)
    assert (done.returncode, done.stdout) == (0, "[0, 0, 0]\n"), done.stderr
    assert "was forked" in done.stderr
    for number in ("forked", 0, 1):
        assert [row["x"] for row in rows(server, key, f"spawned-{number}")] == list(range(20))
    found = rows(server, key, "parent")
    assert [row["x"] for row in found[:10]] == list(range(10))
    assert [row["_step"] for row in found] == list(range(2010))
    for number in range(4):
        assert [row[f"t{number}"] for row in found if f"t{number}" in row] == list(range(500))
    assert ask(server, key, "parent", "state exitCode") == {"state": "finished", "exitCode": 0}
    assert journals(machine) == []


def test_how_a_run_ends_is_known(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "ender")
    scripts = {
        "ok": "",
        "failed": "raise ValueError('training went wrong')",
        "left": "raise SystemExit(0)",
        "interrupted": "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
    }
    for name, last in scripts.items():
        machine.python(f"import runkey\nrun = runkey.init(project='p', id='{name}')\nrun.log({{'x': 1}})\n{last}\n")
    found = {name: ask(server, key, name, "state exitCode historyLineCount") for name in scripts}
    assert {name: (run["state"], run["exitCode"], run["historyLineCount"]) for name, run in found.items()} == {
        "ok": ("finished", 0, 1),
        "failed": ("failed", 1, 1),
        "left": ("finished", 0, 1),
        "interrupted": ("failed", 255, 1),
    }


def test_how_a_process_ends_is_how_its_run_ends(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "ender")
    scripts = {
        "code": ("import sys; sys.exit(3)", 3, ("failed", 3)),
        "thread": (
            "import threading; t = threading.Thread(target=lambda: __import__('sys').exit(5)); t.start(); t.join()",
            0,
            ("finished", 0),
        ),
        "term": ("import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", 143, ("failed", 143)),
        "with": ("with run:\n    raise SystemExit(4)", 4, ("failed", 4)),
        "handled": (
            "import os, signal; signal.signal(signal.SIGTERM, lambda *_: None); os.kill(os.getpid(), signal.SIGTERM)",
            0,
            ("finished", 0),
        ),
        "given": ("run.finish(exit_code=9)", 0, ("failed", 9)),
    }
    for name, (last, code, expected) in scripts.items():
        done = machine.python(f"import runkey\nrun = runkey.init(project='p', id='{name}')\nrun.log({{'x': 1}})\n{last}\n")
        assert done.returncode == code, (name, done.stderr)
        found = ask(server, key, name, "state exitCode historyLineCount")
        assert (found["state"], found["exitCode"], found["historyLineCount"]) == (*expected, 1), name
    assert journals(machine) == []
    machine.python("import os, runkey\nrun = runkey.init(project='p', id='gone')\nrun.log({'x': 1})\nos._exit(0)\n")
    assert sync(machine)[0]["rows"] == 1
    assert ask(server, key, "gone", "state")["state"] == "crashed"


def test_what_a_signal_does_in_the_middle_of_log_is_done(server: Server, machine: Machine) -> None:
    """A handler runs within the call that it interrupts. A value that is asked for its number stands in its place here."""
    key = log_in(machine, server, "mira")
    script = """
import runkey
run = runkey.init(project="p", id="interrupted", settings=runkey.Settings(console="off", x_disable_stats=True, x_disable_meta=True))
class Interrupting:
    def __init__(self, act): self.act = act
    def tolist(self):
        self.act()
        return 7
for i in range(50):
    run.log({"x": i})
    run.log({"odd": Interrupting(lambda: run.log({"inner": i}))})
run.log({"odd": Interrupting(run.finish)})
print(runkey.run is None)
"""
    done = machine.python(script)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    found = rows(server, key, "interrupted")
    assert [row["inner"] for row in found if "inner" in row] == [row["x"] for row in found if "x" in row] == list(range(50))
    assert [row["_step"] for row in found] == list(range(150))
    assert ask(server, key, "interrupted", "state")["state"] == "finished"
    assert "did not reach" not in done.stderr


def test_several_runs_in_a_process(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    script = """
import runkey
for i in range(3):
    with runkey.init(project="p", id=f"seq-{i}") as run:
        runkey.log({"x": i})
first = runkey.init(project="p", id="first")
assert runkey.init(project="p", id="other") is first
second = runkey.init(project="p", id="second", reinit="create_new")
assert runkey.run is first
runkey.log({"x": 1}); second.log({"x": 2})
third = runkey.init(project="p", id="third", reinit=True)
assert third is not first and runkey.run is third
runkey.log({"x": 3})
second.log({"x": "too late"})
runkey.finish()
runkey.init(project="p", id="fourth", reinit="create_new")
try:
    runkey.log({"x": 4})
except runkey.UsageError as error:
    assert "create_new" in str(error)
else:
    raise AssertionError("there is no current run")
"""
    done = machine.python(script)
    assert done.returncode == 0, done.stderr
    assert "The run is finished; what is logged now goes nowhere." in done.stderr
    found = {name: [row["x"] for row in rows(server, key, name)] for name in ("seq-0", "seq-1", "seq-2", "first", "second", "third")}
    assert found == {"seq-0": [0], "seq-1": [1], "seq-2": [2], "first": [1], "second": [2], "third": [3]}

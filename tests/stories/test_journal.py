"""What `log()` took is kept: in a process that is killed, with a server that is away, a key that is revoked, a folder that is gone."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from outside import Machine, Server, eventually, log_in, runkey, start_server
from training import KILLED, STATE, ask, journals, rows, start, sync

pytestmark = pytest.mark.story


@pytest.mark.parametrize("how", ["online", "offline", "with steps"])
def test_killed_at_any_moment_nothing_that_log_took_is_lost(server: Server, machine: Machine, how: str) -> None:
    user = "killed-" + how.split()[-1]
    key = log_in(machine, server, user)
    process = start(machine, KILLED, MODE="offline" if how == "offline" else "online", STEPS="yes" if how == "with steps" else "")
    assert process.stdout is not None
    told = 0
    for line in process.stdout:
        told = int(line)
        if told == 3_000 and how != "offline":
            # So that some rows were sent and some were not.
            eventually(lambda: ask(server, key, "killed", "historyLineCount")["historyLineCount"])
        if told == 5_000:
            process.send_signal(signal.SIGKILL)
            break
    told = max([told, *map(int, process.stdout.read().split())])
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (folder,) = journals(machine)
    (run,) = sync(machine)
    assert (run["outcome"], run["exit_code"]) == ("sent", None)
    found = rows(server, key, "killed")
    assert [row["x"] for row in found] == list(range(len(found)))
    assert len(found) in (told + 1, told + 2)
    assert [row["_step"] for row in found] == list(range(len(found)))
    state = ask(server, key, "killed", STATE)
    assert state["state"] == "crashed"
    assert state["historyLineCount"] == len(found)
    summary = json.loads(str(state["summaryMetrics"]))
    assert (summary["x"], summary["best"]) == ({"max": len(found) - 1}, 7)
    config = json.loads(str(state["config"]))
    assert (config["lr"]["value"], config["later"]["value"]) == (0.1, 2)
    assert not folder.exists()
    assert sync(machine) == []


def test_a_torn_record_is_dropped_and_said(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "torn")
    script = "import os, runkey\nrun = runkey.init(project='p', id='torn', mode='offline')\n"
    script += "for i in range(10): run.log({'x': i})\nos._exit(1)\n"
    machine.python(script)
    (folder,) = journals(machine)
    journal = folder / "journal.000001"
    journal.write_bytes(journal.read_bytes()[:-7])
    done = runkey(machine, "sync")
    assert done.returncode == 0, done.stderr
    assert "was dropped" in done.stderr
    assert [row["x"] for row in rows(server, key, "torn")] == list(range(9))


def test_no_key_is_in_a_journal(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    process = start(machine, KILLED, MODE="online")
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    (folder,) = journals(machine)
    for path in folder.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes(), path
    assert sync(machine)[0]["outcome"] == "sent"


def test_left_at_finish_it_is_sent_later(tmp_path: Path, machine: Machine) -> None:
    server = start_server(tmp_path / "data")
    port = server.url.rsplit(":", 1)[1]
    key = log_in(machine, server, "mira")
    script = """
import sys, runkey
run = runkey.init(project="p", id="left")
run.log({"x": 0})
print("READY", flush=True)
input()
for i in range(1, 1000):
    run.log({"x": i})
print("FINISHING", flush=True)
run.finish()
print("OVER", flush=True)
"""
    process = start(machine, script)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "READY\n"
    eventually(lambda: ask(server, key, "left", "historyLineCount")["historyLineCount"] == 1)
    server.stop()
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "FINISHING\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "OVER\n")
    (folder,) = journals(machine)
    left, _, how = errors.rpartition(" did not reach the server. ")
    # The files are what the run says of itself.
    assert "999 rows" in left.splitlines()[-1]
    assert f"To send: runkey sync {folder}" in how
    away = runkey(machine, "sync", "--json")
    assert away.returncode == 7
    again = start_server(tmp_path / "data", "--listen", f"127.0.0.1:{port}")
    try:
        assert sync(machine, str(folder))[0]["outcome"] == "sent"
        assert [row["x"] for row in rows(again, key, "left")] == list(range(1000))
        assert ask(again, key, "left", "state")["state"] == "finished"
    finally:
        again.stop()


def test_a_key_revoked_while_training_then_another_login_then_sync(server: Server, machine: Machine) -> None:
    log_in(machine, server, "revoked")
    key_id = str(json.loads(runkey(machine, "status", "--json", "--check").stdout)["key_id"])
    script = """
import runkey
run = runkey.init(project="p", id="held")
for i in range(50):
    run.log({"x": i})
print("READY", flush=True)
input()
for i in range(50, 100):
    run.log({"x": i})
run.finish()
"""
    process = start(machine, script)
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    server.operate("key", "revoke", key_id)
    time.sleep(1)  # within a second every worker knows
    _, errors = process.communicate("\n", timeout=60)
    assert process.returncode == 0
    assert "refused the key of this run" in errors
    assert "runkey sync" in errors
    assert sync(machine, status=4)[0]["outcome"] == "failed"
    key = log_in(machine, server, "revoked")
    assert sync(machine)[0]["outcome"] == "sent"
    assert [row["x"] for row in rows(server, key, "held")] == list(range(100))


def test_nobody_who_hears_costs_nothing_and_nothing_is_claimed_that_is_not_so(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    script = (
        "import runkey, shutil, sys\nrun = runkey.init(project='p', id='%s')\n%s\nfor i in range(30): run.log({'x': i})\nrun.finish()\n"
    )
    done = machine.python(script % ("unheard", "sys.stderr.close()"))
    assert done.returncode == 0
    assert len(rows(server, key, "unheard")) == 30
    assert journals(machine) == []
    done = machine.python(script % ("removed", "shutil.rmtree(run.folder)"))
    assert done.returncode == 0
    assert "Finished: 0 rows are on the server. 30 could not be read back from the journal" in done.stderr
    assert ask(server, key, "removed", "state historyLineCount") == {"state": "finished", "historyLineCount": 0}


def test_what_accompanies_the_journal_is_in_no_way_of_training(server: Server, machine: Machine) -> None:
    """A folder that cannot be written to, a config that changes: said, never raised into the training."""
    log_in(machine, server, "mira")
    script = """
import os, runkey
run = runkey.init(project="p", config={"lr": 1})
print(run.folder)
run.log({"x": 1})
try:
    run.config.lr = 2
except runkey.UsageError as error:
    print("REFUSED", error)
run.config.update({"lr": 2}, allow_val_change=True)
run.finish()
"""
    done = machine.python(script, RUNKEY_DIR="/proc/nowhere", TMPDIR=str(machine.home))
    assert done.returncode == 0, done.stderr
    folder, refused = done.stdout.splitlines()
    assert folder.startswith(os.path.join(str(machine.home), "runkey-"))
    assert "allow_val_change=True" in refused
    assert "cannot be written" in done.stderr

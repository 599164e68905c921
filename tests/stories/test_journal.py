"""What `log()` took is kept, exactly once: processes that are killed, servers that are away, keys that are revoked, runs begun offline."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from outside import BIN, Machine, Server, eventually, start_server
from terminals import Terminal

pytestmark = pytest.mark.story

STATE = "state exitCode historyLineCount config summaryMetrics displayName tags notes"


def runkey(machine: Machine, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return machine.run(str(BIN / "runkey"), *words, **more)


def log_in(machine: Machine, server: Server, user: str) -> str:
    key = server.key(user)
    done = runkey(machine, "login", "--host", server.url, "--relogin", "--key-stdin", stdin=key)
    assert done.returncode == 0, done.stderr
    return key


def sync(machine: Machine, *words: str, status: int = 0, **more: str) -> list[dict[str, object]]:
    done = runkey(machine, "sync", "--json", *words, **more)
    assert done.returncode == status, (done.stdout, done.stderr)
    answer = json.loads(done.stdout)
    assert answer["ok"] is (status == 0)
    return answer["runs"]


def start(machine: Machine, script: str, **extra: str) -> "subprocess.Popen[str]":
    path = machine.home / "train.py"
    path.write_text(script)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = machine.environment | extra
    return subprocess.Popen([sys.executable, str(path)], cwd=machine.home, env=environment, text=True, **pipes)  # type: ignore[call-overload]


def ask(server: Server, key: str, run: str, fields: str, project: str = "p") -> dict[str, object]:
    query = f"query Q($r: String!, $p: String!) {{ project(name: $p) {{ run(name: $r) {{ {fields} }} }} }}"
    answer = server.post("/graphql", {"query": query, "variables": {"r": run, "p": project}}, key)[1]
    return json.loads(answer)["data"]["project"]["run"]


def rows(server: Server, key: str, run: str, project: str = "p") -> list[dict[str, object]]:
    found = ask(server, key, run, "history(minStep: 0, maxStep: 1000000000, samples: 1000000)", project)
    return [json.loads(line) for line in found["history"]]  # type: ignore[attr-defined]


def journals(machine: Machine) -> list[Path]:
    return sorted((machine.home / "runkey").glob("run-*")) if (machine.home / "runkey").exists() else []


# --- killed ---------------------------------------------------------------------------------------------------------------

KILLED = """
import os, sys, runkey
run = runkey.init(project="p", id=sys.argv[1] if len(sys.argv) > 1 else "killed", mode=os.environ.get("MODE"), config={"lr": 0.1})
run.define_metric("x", summary="max")
run.config["later"] = 2
run.summary["best"] = 7
for i in range(10**9):
    run.log({"x": i}, **({"step": i} if os.environ.get("STEPS") else {}))
    os.write(1, b"%d\\n" % i)
"""


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


# --- offline --------------------------------------------------------------------------------------------------------------

OFFLINE = """
import runkey
run = runkey.init(project="p", id="{id}", name="by hand", tags=["a", "b"], notes="first", mode="offline", config={{"lr": 0.1}})
for i in range(100):
    run.log({{"x": i, "nested": {{"y": -i}}}})
run.name = "renamed"
run.notes = "second"
open("model.bin", "wb").write(bytes(1000))
run.save("model.bin")
run.finish(exit_code={code})
"""


def test_offline_needs_nobody_and_sync_sends_it_once(server: Server, machine: Machine) -> None:
    offline = machine.python(OFFLINE.format(id="off", code=0), RUNKEY_HOST="http://127.0.0.1:9")
    assert offline.returncode == 0, offline.stderr
    assert "runkey sync" in offline.stderr
    (folder,) = journals(machine)
    assert (folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    # Nobody is logged in.
    assert sync(machine, status=3)[0]["outcome"] == "failed"
    key = log_in(machine, server, "mira")
    (run,) = sync(machine)
    assert (run["outcome"], run["rows"], run["run"]) == ("sent", 100, "mira/p/off")
    state = ask(server, key, "off", STATE + " files(first: 50) { edges { node { name sizeBytes } } }")
    assert [state[name] for name in ("state", "exitCode", "displayName", "tags", "notes")] == [
        "finished",
        0,
        "renamed",
        ["a", "b"],
        "second",
    ]
    # Beside what the run says of itself.
    assert {"node": {"name": "model.bin", "sizeBytes": 1000}} in state["files"]["edges"]
    assert [row["x"] for row in rows(server, key, "off")] == list(range(100))
    assert journals(machine) == []
    assert sync(machine) == []


def test_sending_a_copy_again_changes_nothing(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    machine.python(OFFLINE.format(id="copied", code=1))
    (folder,) = journals(machine)
    shutil.copytree(folder, machine.home / "copy" / folder.name)
    before = [sync(machine)[0]["outcome"], rows(server, key, "copied"), ask(server, key, "copied", STATE)]
    after = [sync(machine, str(machine.home / "copy"))[0]["outcome"], rows(server, key, "copied"), ask(server, key, "copied", STATE)]
    assert before == after
    assert before[2]["state"] == "failed"  # type: ignore[index]


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


def test_what_names_no_run_is_refused(machine: Machine) -> None:
    (machine.home / "empty").mkdir()
    done = runkey(machine, "sync", "empty")
    assert (done.returncode, "holds no run" in done.stderr) == (2, True)
    assert "nothing to send" in runkey(machine, "sync").stderr


def test_offline_by_the_menu_and_when_time_is_over(server: Server, machine: Machine) -> None:
    script = """
import runkey
run = runkey.init(project="p", id="menu")
run.log({"x": 1})
"""
    (machine.home / "menu.py").write_text(script)
    chosen = Terminal(machine, sys.executable, "menu.py", RUNKEY_HOST=server.url)
    chosen.expect("Enter your choice")
    chosen.type(chosen.seen.split(") Keep it on this machine")[0][-1] + "\n")
    assert chosen.end() == 0, chosen.seen
    assert "is kept on this machine" in chosen.seen
    (machine.home / "time.py").write_text(script.replace("run =", "print(runkey.login(timeout=0.5))\nrun =").replace("menu", "over"))
    over = Terminal(machine, sys.executable, "time.py", RUNKEY_HOST=server.url)
    assert over.end() == 0, over.seen
    assert "goes on offline" in over.seen
    insisted = Terminal(machine, sys.executable, "-c", "import runkey; runkey.login(force=True)", RUNKEY_HOST=server.url)
    insisted.expect("Enter your choice")
    assert "Keep it on this machine" not in insisted.seen
    insisted.type("\x03")
    assert insisted.end() != 0
    key = log_in(machine, server, "mira")
    assert [run["outcome"] for run in sync(machine)] == ["sent", "sent"]
    assert [len(rows(server, key, run)) for run in ("menu", "over")] == [1, 1]


# --- whose it is ------------------------------------------------------------------------------------------------------------


def test_a_journal_goes_to_nobody_else(server: Server, machine: Machine, tmp_path: Path) -> None:
    first = log_in(machine, server, "anna")
    process = start(machine, KILLED)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    (folder,) = journals(machine)
    other = log_in(machine, server, "bert")
    refused = sync(machine, status=4)[0]
    assert "begun as anna, and you are bert" in str(refused["message"])
    assert folder.exists()
    elsewhere = start_server(tmp_path / "another")
    try:
        log_in(machine, elsewhere, "anna")
        assert "to-my-account" in str(sync(machine, status=4)[0]["message"])
    finally:
        elsewhere.stop()
    (run,) = sync(machine, "--to-my-account")
    assert run["run"] == "bert/p/killed"
    assert len(rows(server, other, "killed")) == run["rows"]
    assert ask(server, first, "killed", "historyLineCount")["historyLineCount"] in (0, run["rows"])


def test_what_was_gone_on_with_elsewhere_is_not_overwritten(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    machine.python(OFFLINE.format(id="twice", code=0))
    newer = "import runkey\nrun = runkey.init(project='p', id='twice')\nfor i in range(200): run.log({'x': -i})\nrun.finish()\n"
    assert machine.python(newer).returncode == 0
    refused = sync(machine, status=2)[0]
    assert "--overwrite" in str(refused["message"])
    assert [row["x"] for row in rows(server, key, "twice")] == [-i for i in range(200)]
    assert sync(machine, "--overwrite")[0]["outcome"] == "sent"
    assert [row["x"] for row in rows(server, key, "twice")] == list(range(100))


def test_a_journal_whose_process_lives_is_left_alone(server: Server, machine: Machine) -> None:
    log_in(machine, server, "mira")
    process = start(
        machine, "import runkey\nrun = runkey.init(project='p', id='alive')\nrun.log({'x': 1})\nprint('READY', flush=True)\ninput()\n"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    (run,) = sync(machine)
    assert run["outcome"] == "running"
    _, errors = process.communicate("\n", timeout=30)
    assert "1 row is on the server" in errors
    assert journals(machine) == []


# --- what became of a journal ----------------------------------------------------------------------------------------------

SEGMENTS = """
import runkey
settings = runkey.Settings(console="off", x_disable_stats=True, x_disable_meta=True)
run = runkey.init(project="p", id="{id}", mode="offline", resume={resume!r}, config={{"lr": 0.1}}, settings=settings)
run._recorder.journal._segment_bytes = {size}
run.define_metric("m", summary="mean")
for i in range({first}, {first} + 60):
    run._recorder.journal._look_at = 0
    run.log({{"x": i, "m": i}}, step=i, commit=True)
    if i == 30:
        run.config["later"] = 1
run.finish()
"""


def keep_offline(machine: Machine, run: str, size: int = 10**9, first: int = 0, resume: str | None = None) -> Path:
    before = journals(machine)
    done = machine.python(SEGMENTS.format(id=run, size=size, first=first, resume=resume))
    assert done.returncode == 0, done.stderr
    (folder,) = [folder for folder in journals(machine) if folder not in before]
    return folder


def test_what_is_damaged_is_named_and_the_rest_is_sent_to_its_lines(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    folder = keep_offline(machine, "damaged")
    journal = folder / "journal.000001"
    whole = journal.read_bytes()
    place = whole.index(b'"x":20')
    journal.write_bytes(whole[:place] + bytes(1_000) + whole[place + 1_000 :])
    (run,) = sync(machine, status=1)
    assert (run["outcome"], run["damaged"]) == ("sent", 1)
    assert "1 damaged place passed over. What there was of it stays in" in str(run["message"])
    found = rows(server, key, "damaged")
    kept = [row["x"] for row in found]
    assert 40 < len(kept) == run["rows"] < 60
    assert [row["_step"] for row in found] == kept
    # What is missing is missing, and nothing moved into its place.
    assert ask(server, key, "damaged", "historyLineCount state") == {"historyLineCount": 60, "state": "finished"}
    assert folder.exists()
    assert sync(machine)[0]["outcome"] == "already sent"
    # Mended by hand, or found again, it fills the gap.
    journal.write_bytes(whole)
    (folder / "sent.json").unlink()
    assert sync(machine)[0]["rows"] == 60
    assert [row["x"] for row in rows(server, key, "damaged")] == list(range(60))
    assert not folder.exists()


def test_files_that_are_gone_are_named_and_what_cannot_be_read_stays(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    folder = keep_offline(machine, "gone", 1_500)
    files = sorted(folder.glob("journal.*"))
    assert len(files) > 3
    kept = files[1].read_bytes()
    files[1].unlink()
    files[1].mkdir()
    (run,) = sync(machine, status=1)
    assert run["outcome"] == "unreadable"
    assert f"{files[1].name} cannot be read: Is a directory. Mend that, or move that file away" in str(run["message"])
    files[1].rmdir()
    (run,) = sync(machine, "runkey", str(folder), str(machine.home / "runkey"), status=1)
    assert (run["outcome"], run["damaged"]) == ("sent", 1)
    assert "1 file of its journal missing" in str(run["message"])
    # Config and summary stand at the beginning of each file.
    state = ask(server, key, "gone", STATE)
    assert json.loads(str(state["config"]))["later"] == {"value": 1}
    assert json.loads(str(state["summaryMetrics"]))["m"] == {"mean": 29.5}
    assert sum(line[18:19] == b"H" for line in kept.splitlines()) == 60 - len(rows(server, key, "gone"))
    shutil.rmtree(folder)
    empty = keep_offline(machine, "empty")
    (empty / "journal.000001").unlink()
    assert "Its journal is gone" in str(sync(machine, status=1)[0]["message"])


def test_what_is_gone_from_the_beginning_counts_as_lost_unless_the_server_has_it(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    folder = keep_offline(machine, "headless", 1_500)
    copy = machine.home / "copy" / folder.name
    shutil.copytree(folder, copy)
    for place in (folder, copy):
        (place / "journal.000001").unlink()
    (run,) = sync(machine, status=1)
    assert (run["outcome"], run["damaged"]) == ("sent", 1)
    assert 0 < len(rows(server, key, "headless")) == run["rows"] < 60
    # What a server has of a run is not lost with the beginning of its journal.
    whole = keep_offline(machine, "sent-before", 1_500)
    shutil.copytree(whole, machine.home / "again" / whole.name)
    shutil.rmtree(folder)
    assert sync(machine)[0]["outcome"] == "sent"
    (machine.home / "again" / whole.name / "journal.000001").unlink()
    (run,) = sync(machine, "again")
    assert run["outcome"] == "sent"
    assert "damaged" not in run
    assert len(rows(server, key, "sent-before")) == 60


def test_a_server_that_has_less_than_was_acknowledged_gets_all_of_it(tmp_path: Path, machine: Machine) -> None:
    """One that was put back from a copy, or another account's."""
    server = start_server(tmp_path / "data")
    try:
        log_in(machine, server, "mira")
        process = start(machine, KILLED)
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 2_000:
                break
        (folder,) = journals(machine)
        eventually(lambda: json.loads((folder / "sent.json").read_text())["rows"] > 0 if (folder / "sent.json").exists() else False)
        process.kill()
        process.communicate()
        noted = json.loads((folder / "sent.json").read_text())["rows"]
        other = log_in(machine, server, "bert")
        (run,) = sync(machine, "--to-my-account")
        assert run["run"] == "bert/p/killed"
        assert 0 < noted <= len(rows(server, other, "killed")) == run["rows"]
    finally:
        server.stop()


def test_a_copy_of_what_went_on_with_a_run_doubles_nothing(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    keep_offline(machine, "copied-on")
    assert sync(machine)[0]["outcome"] == "sent"
    folder = keep_offline(machine, "copied-on", first=60, resume="allow")
    shutil.copytree(folder, machine.home / "copy" / folder.name)
    assert sync(machine)[0]["outcome"] == "sent"
    assert sync(machine, "copy")[0]["outcome"] == "sent"
    assert [row["x"] for row in rows(server, key, "copied-on")] == list(range(120))


def test_a_run_that_was_deleted_is_said_and_its_journal_stays(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    machine.python(OFFLINE.format(id="deleted", code=0))
    (folder,) = journals(machine)
    shutil.copytree(folder, machine.home / "copy" / folder.name)
    assert sync(machine)[0]["outcome"] == "sent"
    identity = ask(server, key, "deleted", "id")["id"]
    document = "mutation D($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"
    answer = json.loads(server.post("/graphql", {"query": document, "variables": {"id": identity}}, key)[1])
    assert "errors" not in answer
    for _ in range(2):
        (run,) = sync(machine, "copy", status=4)
        assert run["outcome"] == "failed"
        assert "was deleted" in str(run["message"])
    assert (machine.home / "copy" / folder.name / "journal.000001").exists()


# --- the server, the key --------------------------------------------------------------------------------------------------


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


# --- processes, threads, signals -------------------------------------------------------------------------------------------


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


# --- going on with a run -----------------------------------------------------------------------------------------------------


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


# --- read by W&B's own client --------------------------------------------------------------------------------------------------


def test_metrics_and_summary_are_what_the_official_client_makes_of_them(server: Server, machine: Machine) -> None:
    """The same plain script, with each client: what arrives is the same."""
    key = log_in(machine, server, "both")
    script = """
import argparse, os, sys
if sys.argv[1] == "ours":
    import runkey as wandb
else:
    import wandb
settings = wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True, silent=True)
run = wandb.init(project="p", id=sys.argv[1], config=argparse.Namespace(lr=0.1, layers=[1, 2], none=None), settings=settings,
                 tags=["a"], notes="n", group="g", job_type="train")
wandb.define_metric("epoch")
wandb.define_metric("loss", summary="min,max")
wandb.define_metric("acc", summary="mean", step_metric="epoch")
wandb.define_metric("first", summary="first")
wandb.define_metric("last", summary="last")
wandb.define_metric("hid", hidden=True)
wandb.define_metric("none", summary="none")
wandb.define_metric("val/*", step_metric="epoch", summary="max")
for i in range(20):
    wandb.log({"epoch": i // 5, "loss": (i - 7) ** 2, "acc": i, "first": i, "last": i, "hid": i, "none": i, "val/x": -i, "flag": i % 2 == 0,
               "text": str(i), "n": {"deep": i}, "odd": float("nan") if i == 3 else float("inf") if i == 4 else 0.1 * i, "big": 2**60 + i})
wandb.log({"val/x": 5})
wandb.log({"a": 1}, commit=False)
wandb.log({"b": 2})
wandb.log({"late": 1}, step=40)
wandb.log({"same": 1}, step=40)
wandb.config.update({"lr": 0.2}, allow_val_change=True)
wandb.config["more"] = {"a.b": 1}
wandb.run.summary["best"] = 3
wandb.finish()
"""
    environment = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": key, "WANDB_SILENT": "true"}
    (machine.home / "plain.py").write_text(script)
    for client in ("ours", "theirs"):
        done = machine.run(sys.executable, "plain.py", client, **environment)
        assert done.returncode == 0, done.stderr
    found = {client: (ask(server, key, client, STATE + " group jobType"), rows(server, key, client)) for client in ("ours", "theirs")}
    for client, (state, _) in found.items():
        state.pop("displayName")
        config = json.loads(str(state["config"]))
        metrics = config.pop("_wandb")["value"]["m"]
        named = {number: metric.get("1") or metric.get("2") for number, metric in enumerate(metrics, 1)}
        state["metrics"] = sorted(
            [{**metric, "5": named[metric["5"]] if "5" in metric else None, "6": sorted(metric["6"])} for metric in metrics],
            key=lambda metric: str(metric.get("1") or metric.get("2")),
        )
        state["config"] = config
        state["summaryMetrics"] = {
            name: value
            for name, value in json.loads(str(state["summaryMetrics"])).items()
            if name not in ("_timestamp", "_runtime", "_wandb")
        }
        assert client
    assert found["ours"][0] == found["theirs"][0]

    def plain(lines: list[dict[str, object]]) -> list[dict[str, object]]:
        # Not a number equals nothing, so it is compared as text.
        return [
            {name: str(value) if value != value else value for name, value in row.items() if name not in ("_timestamp", "_runtime")}
            for row in lines
        ]

    assert plain(found["ours"][1]) == plain(found["theirs"][1])


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

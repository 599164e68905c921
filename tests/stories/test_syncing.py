"""Runs that are sent later, once: begun offline, left behind, copied, damaged, gone on with elsewhere, another account's."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from outside import Machine, Server, eventually, log_in, runkey, start_server
from terminals import Terminal
from training import KILLED, STATE, ask, journals, rows, start, sync

pytestmark = pytest.mark.story


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

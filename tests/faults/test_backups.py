"""A backup taken while eight writers write, and killed at any moment; what comes back from it, and what a doctor says of damage."""

import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pytest
from ledgers import Ledger, RunLedger, Writer
from outside import BIN, Server, eventually, start_server
from surfing import Surfer

pytestmark = [pytest.mark.story, pytest.mark.timeout(3_600)]

VIEWER = {"query": "{ viewer { username } }"}


def operate(*words: str, status: int = 0) -> str:
    done = subprocess.run([str(BIN / "runkey-server"), *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def start(data: Path, writers: int) -> tuple[Server, Ledger, list[Writer]]:
    server = start_server(data)
    ledger = Ledger("mira", "faults", server.key("mira"))
    return server, ledger, [Writer(ledger, number, 2, number) for number in range(writers)]


def make_folder(data: Path) -> Path:
    """A server's folder, with an account: in half the time that a server takes to start."""
    operate("user", "create", "mira", "--data", str(data))
    return data


def counts(ledger: Ledger) -> dict[str, tuple[int, set[str]]]:
    return {run.name: (len(run.rows), set(run.files)) for run in ledger.runs if run.is_open}


def assert_is_a_prefix(ledger: Ledger, server: Server, runs: list[RunLedger], before: dict[str, tuple[int, set[str]]]) -> None:
    """Every stream is what was acknowledged before the backup at least, and nothing that was not sent, in order, once."""
    for run in runs:
        if run.name not in before:
            continue
        rows, count, files = ledger.read(server, run.name)
        everything = run.rows + (run.pending or [])
        assert rows == everything[: len(rows)]
        assert before[run.name][0] <= len(rows) == count
        assert before[run.name][1] <= files.keys()
        assert all(run.files.get(name, md5) == md5 for name, md5 in files.items())


def test_what_comes_back_is_a_prefix_of_what_was_acknowledged(tmp_path: Path) -> None:
    server, ledger, writers = start(tmp_path / "data", 8)
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    try:
        revoked = server.key("nora")
        server.operate("key", "revoke", json.loads(server.operate("key", "list", "--user", "nora", "--json"))["keys"][0]["id"])
        server.operate("user", "create", "sam")
        browser = Surfer(server).sign_up("robin")
        for writer in writers:
            writer.begin(server)
        eventually(lambda: ledger.acknowledged_requests > 300, 120)
        before = counts(ledger)
        said = operate("backup", str(backup), "--data", str(server.data), "--with-secrets")
        after = ledger.acknowledged_requests
        eventually(lambda: ledger.acknowledged_requests > after + 50, 60)
        # Once more, into the same folder, and without the secrets.
        before_again = counts(ledger)
        second = tmp_path / "second"
        operate("backup", str(second), "--data", str(server.data))
        again = json.loads(operate("backup", str(second), "--data", str(server.data), "--json"))
        for writer in writers:
            writer.rest()
        assert ledger.compare(server) == (0, 0, [])
    finally:
        for writer in writers:
            writer.rest()
        server.stop()
    assert "secrets.json is in it" in said
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in backup.glob("secrets-*.json")} == {0o600}
    assert not list(second.glob("secrets-*"))
    # Writers went on meanwhile, and what they added is new.
    assert again["copied"] <= again["files"] / 2

    said = operate("restore", str(backup), "--data", str(restored))
    assert "no secrets.json" not in said
    server = start_server(restored)
    try:
        assert_is_a_prefix(ledger, server, ledger.runs, before)
        assert server.post("/graphql", VIEWER, revoked)[0] == 401
        browser.server = server
        assert browser.get("/settings/keys").status == 303
        browser.sign_in("robin")
        assert "All is well" in server.operate("doctor")
    finally:
        server.stop()

    apart = tmp_path / "apart"
    said = operate("restore", str(second), "--data", str(apart))
    assert "holds no secrets.json" in said
    assert "no API key works" in said
    server = start_server(apart)
    try:
        assert server.post("/graphql", VIEWER, ledger.key)[0] == 401
        ledger.key = server.key("mira")
        assert_is_a_prefix(ledger, server, ledger.runs, before_again)
    finally:
        server.stop()


def test_a_killed_backup_is_never_taken_for_a_whole_one(tmp_path: Path, rounds: int) -> None:
    server, ledger, writers = start(tmp_path / "data", 4)
    backup, chance = tmp_path / "backup", random.Random(7)
    command = [str(BIN / "runkey-server"), "backup", str(backup), "--data", str(server.data)]
    whole, killed = 0, 0
    # Each takes two or three programs' starts.
    times = max(1, rounds // 4)
    try:
        for writer in writers:
            writer.begin(server)
        eventually(lambda: ledger.acknowledged_requests > 100, 120)
        began = time.monotonic()
        operate(*command[1:])
        length = time.monotonic() - began
        for number in range(times):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.3, 1.1) * length)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            restored = tmp_path / f"restored-{number}"
            operate("restore", str(backup), "--data", str(restored))
            if number % 5 == 0:
                told = json.loads(operate("doctor", "--json", "--data", str(restored), status=1))
                assert [fault for fault in told["faults"] if "secrets.json is missing" not in fault] == []
            shutil.rmtree(restored)
            whole += 1
    finally:
        for writer in writers:
            writer.rest()
        server.stop()
    print(f"\n{killed} backups killed, {whole} of {times} times a whole one was there")
    assert whole == times
    assert killed > 0


def test_the_first_backup_that_is_killed_is_none(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data")
    backup = tmp_path / "backup"
    backup.mkdir()
    (backup / "backup.unfinished").touch()
    (backup / "database-0123.db").write_bytes(b"half")
    assert "holds no whole backup" in operate("restore", str(backup), "--data", str(tmp_path / "back"), status=2)
    operate("backup", str(backup), "--data", str(data))
    assert sorted(path.name.split("-")[0] for path in backup.iterdir()) == ["database", "manifest.json"]
    operate("restore", str(backup), "--data", str(tmp_path / "back"))
    assert "is not empty" in operate("restore", str(backup), "--data", str(tmp_path / "back"), status=2)


def test_a_restore_that_was_cut_off_is_not_served_and_can_be_done_again(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data")
    operate("backup", str(tmp_path / "backup"), "--data", str(data), "--with-secrets")
    back = tmp_path / "back"
    back.mkdir()
    (back / "restore.unfinished").touch()
    assert "was cut off" in operate("serve", "--data", str(back), "--listen", "127.0.0.1:0", status=2)
    assert "was cut off" in operate("key", "list", "--data", str(back), status=2)
    operate("restore", str(tmp_path / "backup"), "--data", str(back))
    operate("doctor", "--data", str(back))


@pytest.mark.parametrize("what", ["the server's own folder", "something else", "another server's backup"])
def test_a_backup_goes_nowhere_else(tmp_path: Path, what: str) -> None:
    data = make_folder(tmp_path / "data")
    target = tmp_path / "target"
    if what == "something else":
        target.mkdir()
        (target / "thesis.tex").touch()
        sentence = "is not empty, and holds no backup"
    elif what == "another server's backup":
        operate("backup", str(target), "--data", str(make_folder(tmp_path / "other")))
        sentence = "holds the backup of another server"
    else:
        target, sentence = data / "backup", "lies in the server's own folder"
    assert sentence in operate("backup", str(target), "--data", str(data), status=2)


def test_a_damaged_backup_is_not_passed_over(tmp_path: Path) -> None:
    server, ledger, writers = start(tmp_path / "data", 2)
    try:
        for writer in writers:
            writer.begin(server)
        eventually(lambda: sum(len(run.files) for run in ledger.runs) >= 3, 120)
        for writer in writers:
            writer.rest()
    finally:
        for writer in writers:
            writer.rest()
        server.stop()
    backup = tmp_path / "backup"
    operate("backup", str(backup), "--data", str(server.data), "--with-secrets")
    pieces = sorted((backup / "files").glob("??/*"))
    # Not through the name that the server's own bytes have.
    content = pieces[0].read_bytes()
    pieces[0].unlink()
    pieces[0].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    pieces[1].unlink()
    assert "2 files are missing or damaged" in operate("restore", str(backup), "--data", str(tmp_path / "back"), status=1)
    assert operate("doctor", "--data", str(tmp_path / "back"), status=1).count("is missing") == 2
    (database,) = backup.glob("database-*.db")
    with database.open("r+b") as file:
        file.seek(5_000)
        file.write(b"?")
    assert "The backup is damaged" in operate("restore", str(backup), "--data", str(tmp_path / "third"), status=2)
    assert "was cut off" in operate("serve", "--data", str(tmp_path / "third"), "--listen", "127.0.0.1:0", status=2)


def test_a_doctor_says_what_is_wrong_and_mends_it(tmp_path: Path) -> None:
    server, ledger, writers = start(tmp_path / "data", 2)
    data = server.data
    try:
        for writer in writers:
            writer.begin(server)
        eventually(lambda: sum(len(run.files) for run in ledger.runs) >= 2 and ledger.acknowledged_requests > 200, 120)
        for writer in writers:
            writer.rest()
        assert "All is well" in server.operate("doctor")
        assert "Another server is serving" in server.operate("doctor", "--mend", status=4)
        server.stop()
        assert "All is well" in operate("doctor", "--data", str(data))
        run = next(run for run in ledger.runs if run.files)
        with sqlite3.connect(data / "runkey.db") as raw:
            sha256, name = raw.execute(
                "SELECT sha256, files.name FROM files JOIN runs ON runs.id = run_id WHERE runs.name = ?", [run.name]
            ).fetchone()
            raw.execute("UPDATE history_streams SET segment_bytes = segment_bytes + 1")
            lost = raw.execute("SELECT run_id, first_line, last_line FROM history_segments ORDER BY run_id, first_line LIMIT 1").fetchone()
            raw.execute("UPDATE history_segments SET body = x'01ff' WHERE run_id = ? AND first_line = ?", lost[:2])
            (lost_run,) = raw.execute("SELECT name FROM runs WHERE id = ?", lost[:1]).fetchone()
        (data / "files" / sha256[:2] / sha256).write_bytes(b"other bytes")
        os.chmod(data / "secrets.json", 0o644)
        told = json.loads(operate("doctor", "--json", "--data", str(data), status=1))
        assert told["mended"] == told["lost"] == []
        mended = json.loads(operate("doctor", "--mend", "--json", "--data", str(data), status=1))
        assert mended["faults"] == told["faults"]
        assert mended["left"] == []
        assert sorted(mended["lost"]) == sorted(
            [
                f"mira/faults/{lost_run}, history: all keys, lines {lost[1]} to {lost[2]}.",
                f"mira/faults/{run.name}: the file {name!r}, which has 11 bytes instead of {told_size(mended['lost'])}.",
            ]
        )
        assert len(list(Path(mended["set_aside"]).iterdir())) == 2
        assert "All is well" in operate("doctor", "--data", str(data))
        server = start_server(data)
        there, count, _ = ledger.read(server, lost_run)
        (kept,) = [run.rows for run in ledger.runs if run.name == lost_run]
        assert there == kept[: lost[1]] + kept[lost[2] + 1 :]
        assert count == len(kept)
    finally:
        for writer in writers:
            writer.rest()
        server.stop()


def told_size(lost: list[str]) -> int:
    return next(int(sentence.split()[-1].rstrip(".")) for sentence in lost if "instead of" in sentence)

"""Somebody logs a machine in: with a terminal and without, with good keys and bad ones, on good days and bad ones."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from outside import BIN, Machine, Server, eventually, log_in, runkey, start_server, status, stored
from terminals import Terminal

pytestmark = pytest.mark.story


# --- the good day ---------------------------------------------------------------------------------------------------------


def test_login_status_logout(server: Server, machine: Machine) -> None:
    assert runkey(machine, "status").returncode == 3
    key = log_in(machine, server, "mira")
    assert stat.S_IMODE(stored(machine).stat().st_mode) == 0o600
    assert stat.S_IMODE(stored(machine).parent.stat().st_mode) == 0o700
    told = runkey(machine, "status")
    assert told.returncode == 0
    assert f"Logged in as mira on {server.url}" in told.stdout
    assert key not in told.stdout + told.stderr
    assert status(machine)["account"] == "mira"
    assert status(machine, "--check")["ok"] is True
    again = runkey(machine, "login", "--host", server.url)
    assert again.returncode == 0
    assert "Logged in as mira" in again.stderr
    done = runkey(machine, "logout")
    assert done.returncode == 0
    assert "revoked there and forgotten here" in done.stderr
    eventually(lambda: server.post("/graphql", {"query": "{ viewer { id } }"}, key)[0] == 401, 1.0)
    assert runkey(machine, "status").returncode == 3
    assert key not in stored(machine).read_text()
    assert runkey(machine, "logout").returncode == 3


def test_keys_by_file_by_argument_and_in_python(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    (machine.home / "key.txt").write_text(key + "\n")
    assert runkey(machine, "login", "--host", server.url, "--key-file", "key.txt").returncode == 0
    warned = runkey(machine, "login", "--host", server.url, key)
    assert warned.returncode == 0
    assert "shell's history" in warned.stderr
    script = "import runkey, sys; print('RESULT', runkey.login(key=sys.argv[1], host=sys.argv[2]), runkey.login())"
    assert "RESULT True True" in machine.python(script, key, server.url).stdout
    habit = machine.python("import runkey, sys; print('RESULT', runkey.login(sys.argv[1], host=sys.argv[2]))", key, server.url)
    assert "RESULT True" in habit.stdout
    assert "takes anonymous first" in habit.stderr


def test_json_is_one_object_on_success_and_failure(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    good = json.loads(runkey(machine, "login", "--json", "--host", server.url, "--key-stdin", stdin=key).stdout)
    assert (good["ok"], good["account"], good["host"]) == (True, "mira", server.url)
    bad = runkey(machine, "login", "--json", "--host", server.url, "--relogin", "--key-stdin", stdin=key[:-1])
    assert bad.returncode == 2
    failure = json.loads(bad.stdout)
    assert (failure["ok"], failure["error"]["type"]) == (False, "UsageError")
    assert key[:-1] not in bad.stdout + bad.stderr


# --- sources --------------------------------------------------------------------------------------------------------------


def test_sources_in_order_and_why_each_lost(server: Server, machine: Machine) -> None:
    keys = {name: server.key(name) for name in ("stored", "env", "file", "twin", "net")}
    host = server.url.removeprefix("http://")
    (machine.home / ".netrc").write_text(f"machine {host} login user password {keys['net']}\n")
    (machine.home / "file.txt").write_text(keys["file"])

    def who(**variables: str) -> object:
        return status(machine, "--host", server.url, "--check", **variables).get("account")

    assert who() == "net"
    runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=keys["stored"])
    assert who() == "stored"
    assert who(WANDB_API_KEY=keys["twin"]) == "stored"
    assert who(WANDB_API_KEY=keys["twin"], WANDB_BASE_URL="https://elsewhere.example") == "stored"
    assert who(WANDB_API_KEY=keys["twin"], WANDB_BASE_URL=server.url) == "twin"
    assert who(WANDB_API_KEY=keys["twin"], WANDB_BASE_URL=server.url, RUNKEY_API_KEY_FILE="file.txt") == "file"
    (machine.home / "same.txt").write_text(keys["env"])
    assert who(RUNKEY_API_KEY=keys["env"], RUNKEY_API_KEY_FILE="same.txt") == "env"
    explained = status(machine, "--host", server.url, "--explain", RUNKEY_API_KEY=keys["env"], WANDB_API_KEY=keys["twin"])["sources"]
    won = [source["name"] for source in explained if source["won"]]
    assert won == ["RUNKEY_API_KEY"]
    assert "goes only to the server it is for" in next(s["why"] for s in explained if s["name"] == "WANDB_API_KEY")
    assert (machine.home / ".netrc").read_text() == f"machine {host} login user password {keys['net']}\n"


def test_a_broken_explicit_source_is_named_and_nothing_falls_through(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    for variables, words in (
        ({"RUNKEY_API_KEY": key[:30]}, "RUNKEY_API_KEY is cut short"),
        ({"RUNKEY_API_KEY_FILE": "/absent/file"}, "RUNKEY_API_KEY_FILE names /absent/file"),
        ({"RUNKEY_PROFILE": "nobody"}, "There is no profile 'nobody'"),
        ({"RUNKEY_MODE": "sometimes"}, "none of online, offline, disabled"),
    ):
        done = runkey(machine, "login", **variables)
        assert done.returncode == 2, (variables, done.stderr)
        assert words in done.stderr
        assert key[:30] not in done.stderr
        assert "Traceback" not in done.stderr


def test_two_explicit_keys_that_differ_are_an_error(server: Server, machine: Machine) -> None:
    one, other = server.key("one"), server.key("other")
    done = runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=one, RUNKEY_API_KEY=other)
    assert done.returncode == 2
    assert "Two keys were given and they differ" in done.stderr
    assert not stored(machine).exists() or "key" not in stored(machine).read_text().replace("key_id", "")
    insisted = runkey(machine, "login", "--host", server.url, "--key-stdin", "--relogin", stdin=one, RUNKEY_API_KEY=other)
    assert insisted.returncode == 0
    assert "other processes still that" in insisted.stderr


def test_a_directorys_profile_chooses(server: Server, machine: Machine) -> None:
    for name in ("work", "play"):
        runkey(machine, "login", "--host", server.url, "--profile", name, "--key-stdin", stdin=server.key(name))
    project = machine.home / "project" / "deep"
    project.mkdir(parents=True)
    (machine.home / "project" / ".runkey").write_text("work\n")

    def who(folder: Path) -> dict[str, object]:
        done = subprocess.run(
            [str(BIN / "runkey"), "status", "--json"], cwd=folder, env=machine.environment, capture_output=True, text=True, timeout=30
        )
        return json.loads(done.stdout)

    assert who(machine.home)["account"] == "play"
    assert who(project)["account"] == "work"
    assert "project/.runkey" in str(who(project)["source"])
    if os.geteuid() == 0:
        os.chown(machine.home / "project" / ".runkey", 65534, 65534)
        assert who(project)["account"] == "play"
    (machine.home / "project" / ".runkey").unlink()
    (machine.home / "project" / ".runkey").write_text("absent")
    assert "does not exist here" in str(runkey_in(machine, project).stderr)


def runkey_in(machine: Machine, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(BIN / "runkey"), "status"], cwd=folder, env=machine.environment, capture_output=True, text=True, timeout=30)


# --- stores ---------------------------------------------------------------------------------------------------------------


def test_netrc_as_the_store_and_the_official_clients_entry(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    before = "machine other login a password b\n"
    (machine.home / ".netrc").write_text(before)
    assert runkey(machine, "login", "--host", server.url, "--store", "netrc", "--key-stdin", stdin=key).returncode == 0
    assert key not in stored(machine).read_text()
    assert status(machine)["account"] == "mira"
    assert runkey(machine, "logout").returncode == 0
    assert (machine.home / ".netrc").read_text() == before
    key = server.key("mira")
    done = runkey(machine, "login", "--host", server.url, "--wandb", "--key-stdin", stdin=key)
    assert done.returncode == 0
    assert f"machine {server.url.removeprefix('http://')}\n" in (machine.home / ".netrc").read_text()
    script = "import wandb; print('RESULT', wandb.login(verify=True), wandb.Api().viewer.username)"
    assert "RESULT True mira" in machine.python(script, WANDB_BASE_URL=server.url).stdout
    runkey(machine, "logout")
    assert (machine.home / ".netrc").read_text() == before


def test_session_is_kept_nowhere(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    assert runkey(machine, "login", "--host", server.url, "--store", "session", "--key-stdin", stdin=key).returncode == 2
    script = """
import runkey, sys
runkey.login(key=sys.argv[1], host=sys.argv[2], store="session")
run = runkey.init(project="p")
run.log({"a": 1})
run.finish()
"""
    done = machine.python(script, key, server.url)
    assert "1 row is on the server" in done.stderr, done.stderr
    assert not stored(machine).exists()


def test_a_home_that_cannot_be_written_to(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    (machine.home / ".config").write_text("a file where a folder is needed")
    done = runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=key)
    assert done.returncode == 5
    assert "Cannot write" in done.stderr
    assert "RUNKEY_API_KEY" in done.stderr
    assert "Logged in as mira" in runkey(machine, "login", "--host", server.url, RUNKEY_API_KEY=key).stderr
    # A folder below a file is one that nobody can make, root least of all.
    nowhere = str(machine.home / ".config" / "home")
    missing = runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=key, HOME=nowhere, RUNKEY_CONFIG_DIR="")
    assert missing.returncode == 5
    assert "Traceback" not in missing.stderr


# --- bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda key: "", "held no key"),
        (lambda key: key[:31], "is cut short: 31 of 40"),
        (lambda key: key + "x", "is too long: 41"),
        (lambda key: key[:10] + " " + key[11:], "has a space"),
        (lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"), "is damaged"),
        (lambda key: "hf_" + "a" * 20, "is cut short"),
    ],
)
def test_damaged_keys_are_refused_before_anything_is_sent(server: Server, machine: Machine, damage: object, words: str) -> None:
    done = runkey(machine, "login", "--host", "http://127.0.0.1:1", "--key-stdin", stdin=damage(server.key("mira")))
    assert done.returncode == 2
    assert words in done.stderr
    assert not stored(machine).exists()


def test_a_key_that_the_server_refuses_changes_nothing(server: Server, machine: Machine) -> None:
    log_in(machine, server, "mira")
    before = stored(machine).read_bytes()
    for wrong in ("f" * 40, "ghp_" + "a" * 36):
        done = runkey(machine, "login", "--host", server.url, "--relogin", "--key-stdin", stdin=wrong)
        assert done.returncode == 4
        assert "refused the key" in done.stderr
        assert stored(machine).read_bytes() == before


@pytest.mark.parametrize(
    ("host", "code", "words"),
    [
        ("http://127.0.0.1:1", 7, "connection refused"),
        ("https://no-such-name.invalid", 7, "does not resolve"),
        ("http://127.0.0.1:8080/path", 2, "has a path"),
        ("ftp://x.example", 2, "is not an http or https address"),
        ("https://user:pass@x.example", 2, "is not an address"),
    ],
)
def test_hosts_that_are_none_and_hosts_that_are_dead(server: Server, machine: Machine, host: str, code: int, words: str) -> None:
    done = runkey(machine, "login", "--host", host, "--key-stdin", stdin=server.key("mira"))
    assert done.returncode == code
    assert words in done.stderr
    assert "pass@" not in done.stderr
    if code == 7:
        assert "What was stored stays as it was." in done.stderr


def test_broken_files_are_named(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "mira")
    good = stored(machine).read_bytes()
    stored(machine).write_bytes(b'{"torn')
    damaged = runkey(machine, "status")
    assert (damaged.returncode, "is damaged" in damaged.stderr) == (2, True)
    stored(machine).write_bytes(good)
    stored(machine).chmod(0o644)
    readable = runkey(machine, "status")
    assert (readable.returncode, "chmod 600" in readable.stderr) == (2, True)
    stored(machine).chmod(0o600)
    stored(machine).rename(machine.home / "moved.json")
    stored(machine).symlink_to(machine.home / "moved.json")
    linked = runkey(machine, "login", "--host", server.url, "--relogin", "--key-stdin", stdin=key)
    assert (linked.returncode, "is a link" in linked.stderr) == (2, True)
    for done in (damaged, readable, linked):
        assert "Traceback" not in done.stderr
        assert key not in done.stderr


# --- nobody there, and somebody there -------------------------------------------------------------------------------------


def test_without_a_person_nothing_is_asked(server: Server, machine: Machine) -> None:
    done = runkey(machine, "login", "--host", server.url)
    assert done.returncode == 3
    assert "nobody to ask" in done.stderr
    nowhere = runkey(machine, "login")
    assert nowhere.returncode in (2, 3)
    script = """
import runkey, sys
try:
    runkey.login(host=sys.argv[1])
except runkey.UsageError as error:
    print("RAISED", type(error).__name__)
try:
    runkey.login(anonymous="sometimes", host=sys.argv[1])
except runkey.UsageError as error:
    print("WORD", error)
"""
    told = machine.python(script, server.url).stdout
    assert "RAISED NotLoggedIn" in told
    assert 'WORD anonymous is one of "must", "allow" and "never"' in told


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_other_modes_ask_send_and_store_nothing(machine: Machine, mode: str) -> None:
    script = "import runkey; print('RESULT', runkey.login(host='http://127.0.0.1:1'), runkey.login())"
    done = machine.python(script, RUNKEY_MODE=mode)
    assert "RESULT False False" in done.stdout
    assert done.stderr.count(f"The mode is {mode}") == 1
    assert not (machine.home / ".config").exists()
    silent = machine.python(script, RUNKEY_MODE=mode, RUNKEY_SILENT="true")
    assert silent.stderr == ""


def test_a_stored_key_that_was_revoked(server: Server, machine: Machine) -> None:
    log_in(machine, server, "revoked")
    key_id = str(status(machine)["key_id"])
    server.operate("key", "revoke", key_id)
    time.sleep(1)
    done = runkey(machine, "login")
    assert done.returncode == 4
    assert "refused the key" in done.stderr


def test_without_an_answer_a_stored_key_counts_and_is_said_to_be_unchecked(tmp_path: Path, machine: Machine) -> None:
    server = start_server(tmp_path / "data")
    log_in(machine, server, "mira")
    server.stop()
    done = runkey(machine, "login")
    assert done.returncode == 0
    assert "not checked: Cannot reach" in done.stderr
    assert runkey(machine, "status").returncode == 0
    assert runkey(machine, "status", "--check").returncode == 7
    out = runkey(machine, "logout")
    assert out.returncode == 0
    assert "not revoked" in out.stderr
    assert "runkey-server key revoke" in out.stderr
    assert runkey(machine, "status").returncode == 3


def choose_to_paste(terminal: Terminal) -> None:
    terminal.expect("Enter your choice")
    terminal.type("2\n")
    terminal.expect("Paste the API key")


def test_pasting_into_a_terminal(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    terminal = Terminal(machine, str(BIN / "runkey"), "login", "--host", server.url)
    choose_to_paste(terminal)
    terminal.type(key[:31] + "\n")
    terminal.expect("is cut short: 31 of 40")
    terminal.type("f" * 40 + "\n")
    terminal.expect("refused the key")
    terminal.type(key + "\n")
    terminal.expect(f"40 characters, rku_…{key[-2:]}")
    assert terminal.end() == 0
    assert "Logged in as mira" in terminal.seen
    assert key not in terminal.seen
    assert "f" * 40 not in terminal.seen


def test_control_c_leaves_at_once_and_writes_nothing(server: Server, machine: Machine) -> None:
    terminal = Terminal(machine, str(BIN / "runkey"), "login", "--host", server.url)
    choose_to_paste(terminal)
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    assert not stored(machine).exists()
    # The terminal shows again what is typed.
    assert subprocess.run(["true"], check=False).returncode == 0


def test_the_end_of_input_and_the_end_of_time(server: Server, machine: Machine) -> None:
    terminal = Terminal(machine, str(BIN / "runkey"), "login", "--host", server.url)
    choose_to_paste(terminal)
    terminal.type("\x04")
    assert terminal.end() == 3
    assert "input ended" in terminal.seen
    timed = Terminal(machine, str(BIN / "runkey"), "login", "--host", server.url, "--timeout", "1")
    assert timed.end() == 3
    assert "Nobody answered within 1 seconds" in timed.seen
    (machine.home / "s.py").write_text(f"import runkey\nprint('RESULT', runkey.login(host={server.url!r}, timeout=1), runkey.login())\n")
    soft = Terminal(machine, sys.executable, "s.py")
    assert soft.end() == 0
    assert "RESULT False False" in soft.seen
    assert "goes on offline" in soft.seen
    assert not stored(machine).exists()


def test_asking_for_the_server(server: Server, machine: Machine) -> None:
    terminal = Terminal(machine, str(BIN / "runkey"), "login")
    terminal.expect("Server")
    terminal.type("ftp://nonsense\n")
    terminal.expect("is not an http or https address")
    terminal.type(server.url + "\n")
    choose_to_paste(terminal)
    terminal.type(server.key("mira") + "\n")
    assert terminal.end() == 0
    assert status(machine)["host"] == server.url


def test_of_two_that_log_in_at_once_one_asks(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    first = Terminal(machine, str(BIN / "runkey"), "login", "--host", server.url)
    choose_to_paste(first)
    second = Terminal(machine, str(BIN / "runkey"), "login", "--host", server.url)
    time.sleep(1.0)
    first.type(key + "\n")
    assert first.end() == 0
    assert second.end() == 0
    assert "Paste" not in second.seen
    assert "Logged in as mira" in second.seen

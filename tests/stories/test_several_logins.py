"""Several accounts, servers and machines on one computer: profiles, switching, sending machines away, debts, the official client."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from outside import BIN, Machine, Server, eventually, start_server
from surfing import Surfer
from terminals import Terminal

pytestmark = pytest.mark.story

RUNKEY = str(BIN / "runkey")


@pytest.fixture(scope="module")
def mira(server: Server) -> Surfer:
    return Surfer(server).sign_up("mira")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server(tmp_path_factory.mktemp("elsewhere") / "data")
    yield started
    started.stop()


def runkey(machine: Machine, *words: str, stdin: str | None = "", **extra: str) -> "subprocess.CompletedProcess[str]":
    return machine.run(RUNKEY, *words, stdin=stdin, **extra)


def answer(machine: Machine, *words: str, **extra: str) -> dict:
    done = runkey(machine, *words, "--json", **extra)
    return json.loads(done.stdout)


def click(machine: Machine, server: Server, person: Surfer, *words: str) -> None:
    """Log in by a click."""
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url, *words)
    terminal.expect("Enter your choice")
    terminal.type("1\n")
    terminal.expect("Waiting for your click")
    person.approve(re.findall(r"code ([A-Z]{4}-[A-Z]{4})", terminal.seen)[-1])
    assert terminal.end() == 0, terminal.seen


def test_profiles_are_listed_switched_and_bound_to_a_folder(server: Server, elsewhere: Server, machine: Machine, mira: Surfer) -> None:
    ana = Surfer(server).sign_up("ana")
    click(machine, server, mira, "--profile", "home")
    click(machine, server, ana, "--profile", "work")
    assert runkey(machine, "login", "--host", elsewhere.url, "--profile", "lab", "--key-stdin", stdin=elsewhere.key("lin")).returncode == 0
    listed = runkey(machine, "profiles").stdout
    assert "* lab" in listed
    assert "(the default)" in listed
    assert runkey(machine, "switch", "home").returncode == 0
    assert answer(machine, "status")["account"] == "mira"
    assert runkey(machine, "switch", "nowhere").returncode == 2
    assert runkey(machine, "switch").returncode == 2
    assert runkey(machine, "switch", "--here", "work").returncode == 0
    assert (machine.home / ".runkey").read_text() == "work\n"
    assert answer(machine, "status")["account"] == "ana"
    assert "by ~/.runkey" in runkey(machine, "profiles").stdout
    still = runkey(machine, "switch", "lab")
    assert "the profile work still comes first" in still.stderr
    assert answer(machine, "status", RUNKEY_PROFILE="lab")["account"] == "lin"
    assert answer(machine, "status", RUNKEY_PROFILE="home")["account"] == "mira"
    terminal = Terminal(machine, RUNKEY, "switch")
    terminal.expect("(2) lab: lin on")
    terminal.type("2\n")
    assert terminal.end() == 0


def test_a_switch_never_changes_what_runs(server: Server, machine: Machine, mira: Surfer) -> None:
    bea = Surfer(server).sign_up("bea")
    click(machine, server, mira, "--profile", "one")
    click(machine, server, bea, "--profile", "two")
    runkey(machine, "switch", "one")
    script = """
import pathlib, time, runkey
run = runkey.init(project="kept", id="kept1")
run.log({"a": 1})
pathlib.Path("begun").write_text("")
while not pathlib.Path("switched").exists():
    time.sleep(0.05)
run.log({"a": 2})
run.finish()
print("RESULT", run.entity)
"""
    (machine.home / "train.py").write_text(script)
    training = subprocess.Popen(
        [sys.executable, "train.py"], cwd=machine.home, env=machine.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    eventually((machine.home / "begun").exists, 20)
    runkey(machine, "switch", "two")
    (machine.home / "switched").write_text("")
    out, errors = training.communicate(timeout=60)
    assert "RESULT mira" in out, errors
    assert "2 rows are on the server" in errors


def test_machines_are_seen_renamed_and_sent_away(server: Server, machine: Machine, tmp_path: Path) -> None:
    kim = Surfer(server).sign_up("kim")
    click(machine, server, kim)
    other_home = tmp_path / "other"
    other_home.mkdir()
    other = Machine(other_home)
    assert runkey(other, "login", "--host", server.url, "--key-stdin", stdin=server.key("kim")).returncode == 0
    own = answer(machine, "machines", "list")["machines"]
    assert len(own) == 1
    assert own[0]["isThis"]
    assert "sees that machine alone" in runkey(machine, "machines", "list").stderr
    refused = runkey(machine, "machines", "rename", own[0]["id"], "better")
    assert refused.returncode == 4
    assert "/settings/machines" in refused.stderr
    assert runkey(other, "machines", "rename", own[0]["id"], "gpu07").returncode == 0
    assert "gpu07" in kim.get("/settings/machines").text
    assert runkey(other, "machines", "rename", own[0]["id"], "\x1b[31mred").returncode == 4
    assert runkey(other, "machines", "revoke", "mac_nobody").returncode == 4
    assert runkey(other, "machines", "revoke", own[0]["id"]).returncode == 0
    eventually(lambda: runkey(machine, "status", "--check").returncode == 4)
    assert runkey(other, "status", "--check").returncode == 0


def test_a_debt_is_paid_at_the_next_contact(tmp_path: Path, machine: Machine) -> None:
    data = tmp_path / "data"
    server = start_server(data)
    mira = Surfer(server).sign_up("mira")
    click(machine, server, mira)
    port = server.url.rpartition(":")[2]
    server.stop()
    done = runkey(machine, "logout")
    assert done.returncode == 0
    assert "not revoked" in done.stderr
    assert "when this machine next reaches it" in done.stderr
    kept = json.loads((machine.home / ".config/runkey/credentials.json").read_text())
    assert not kept["entries"]
    assert len(kept["debts"]) == 1
    key = kept["debts"][0]["key"]
    server = start_server(data, "--listen", f"127.0.0.1:{port}")
    assert server.post("/graphql", {"query": "{ viewer { username } }"}, key)[0] == 200
    done = runkey(machine, "login", "--key-stdin", "--host", server.url, stdin=server.key("mira"))
    assert done.returncode == 0, done.stderr
    kept = json.loads((machine.home / ".config/runkey/credentials.json").read_text())
    assert "debts" not in kept
    eventually(lambda: server.post("/graphql", {"query": "{ viewer { username } }"}, key)[0] == 401)
    server.stop()


def test_the_official_client_is_logged_in_too_and_out_again(server: Server, machine: Machine) -> None:
    settings = machine.home / ".config/wandb/settings"
    settings.parent.mkdir(parents=True)
    before = "# mine\n[default]\nentity = me\nbase_url = https://api.example.org\n\n[other]\nbase_url = x\n"
    settings.write_text(before)
    assert runkey(machine, "login", "--host", server.url, "--wandb", "--key-stdin", stdin=server.key("wanda")).returncode == 0
    assert settings.read_text() == before.replace("https://api.example.org", server.url)
    settings.write_text(settings.read_text().replace("entity = me\n", ""))
    done = machine.python(
        "import wandb\nrun = wandb.init(project='p', settings=wandb.Settings(console='off'))\n"
        "run.log({'a': 1})\nprint('RESULT', run.entity)\nrun.finish()"
    )
    assert "RESULT wanda" in done.stdout, done.stderr
    assert runkey(machine, "logout").returncode == 0
    assert settings.read_text() == before.replace("entity = me\n", "")


def test_a_settings_file_that_was_not_there_is_gone_again(server: Server, machine: Machine) -> None:
    settings = machine.home / ".config/wandb/settings"
    assert runkey(machine, "login", "--host", server.url, "--wandb", "--key-stdin", stdin=server.key("wanda")).returncode == 0
    assert settings.read_text() == f"[default]\nbase_url = {server.url}\n"
    assert runkey(machine, "logout").returncode == 0
    assert not settings.exists()
    assert not (machine.home / ".netrc").exists() or (machine.home / ".netrc").read_text() == ""


def test_an_address_that_now_belongs_to_another_server_gets_nothing(tmp_path: Path, machine: Machine) -> None:
    first = start_server(tmp_path / "one")
    mira = Surfer(first).sign_up("mira")
    click(machine, first, mira)
    port = first.url.rpartition(":")[2]
    first.stop()
    second = start_server(tmp_path / "two", "--listen", f"127.0.0.1:{port}")
    done = runkey(machine, "login")
    assert done.returncode == 6
    assert "another server" in done.stderr
    done = runkey(machine, "machines", "list")
    assert done.returncode == 6
    time.sleep(0.1)
    second.stop()

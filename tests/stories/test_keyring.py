"""Somebody wants the key in the system's keyring: one that works, none at all, one that never answers.

The keyring is a stand-in with the package's own functions, because no secret service runs where tests do.
"""

import json
from pathlib import Path

import pytest
from outside import Machine, Server

pytestmark = pytest.mark.story

WORKS = """
import json, os
_FILE = os.path.expanduser("~/keyring.json")

def _all():
    return json.load(open(_FILE)) if os.path.exists(_FILE) else {}

def get_keyring():
    return object()

def get_password(service, name):
    return _all().get(service + "/" + name)

def set_password(service, name, secret):
    held = _all()
    held[service + "/" + name] = secret
    json.dump(held, open(_FILE, "w"))

def delete_password(service, name):
    held = _all()
    del held[service + "/" + name]
    json.dump(held, open(_FILE, "w"))
"""
HANGS = "import time\ntime.sleep(600)\n"


def with_keyring(machine: Machine, source: str) -> None:
    package = machine.home / "packages" / "keyring"
    (package / "backends").mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    (package / "backends" / "__init__.py").write_text("")
    (package / "backends" / "fail.py").write_text("class Keyring: pass\n")
    machine.extra["PYTHONPATH"] = str(package.parent)


def credentials(machine: Machine) -> Path:
    return machine.home / ".config/runkey/credentials.json"


def test_a_key_lives_in_the_keyring_and_nowhere_else(server: Server, machine: Machine) -> None:
    with_keyring(machine, WORKS)
    key = server.key("mira")
    done = machine.run("runkey", "login", "--host", server.url, "--key-stdin", "--store", "keyring", stdin=key)
    assert done.returncode == 0, done.stderr
    assert "keyring" in done.stderr
    assert key not in credentials(machine).read_text()
    assert list(json.loads((machine.home / "keyring.json").read_text()).values()) == [key]
    assert "RESULT True" in machine.python("import runkey; print('RESULT', runkey.login())").stdout
    assert machine.run("runkey", "logout").returncode == 0
    assert json.loads((machine.home / "keyring.json").read_text()) == {}
    assert machine.run("runkey", "status").returncode == 3


@pytest.mark.parametrize("source", [None, HANGS], ids=["none", "hangs"])
def test_a_keyring_that_does_not_answer_is_said_and_the_file_used(server: Server, machine: Machine, source: str | None) -> None:
    if source:
        with_keyring(machine, source)
    key = server.key("mira")
    done = machine.run("runkey", "login", "--host", server.url, "--key-stdin", "--store", "keyring", stdin=key, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "No keyring answers" in done.stderr
    assert key in credentials(machine).read_text()
    assert machine.run("runkey", "status", "--check").returncode == 0


def test_code_of_the_current_folder_is_not_run_beside_the_secret(server: Server, machine: Machine) -> None:
    with_keyring(machine, WORKS)
    taken = machine.home / "taken"
    for name in ("json", "keyring", "subprocess"):
        (machine.home / f"{name}.py").write_text(f"open({str(taken)!r}, 'a').write({name!r})\nraise SystemExit(3)\n")
    key = server.key("mira")
    done = machine.run("runkey", "login", "--host", server.url, "--key-stdin", "--store", "keyring", stdin=key)
    assert done.returncode == 0, done.stderr
    assert not taken.exists(), taken.read_text()
    assert json.loads((machine.home / "keyring.json").read_text()), "the keyring of the environment is still found"

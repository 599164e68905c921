"""Keys by the command line: made, listed, rotated, revoked; and what asking costs to load."""

import json

import pytest
from outside import Machine, Server, eventually, log_in, runkey, status, stored

pytestmark = pytest.mark.story


def test_keys_are_made_listed_rotated_and_revoked(server: Server, machine: Machine) -> None:
    old = log_in(machine, server, "keeper")
    made = runkey(machine, "keys", "create", "--description", "jobs", "--days", "30")
    assert made.returncode == 0
    secret = made.stdout.strip()
    assert len(secret) == 40
    listed = json.loads(runkey(machine, "keys", "list", "--json").stdout)["keys"]
    assert {key["description"] for key in listed} == {None, "jobs"}
    assert secret not in json.dumps(listed)
    job = next(key["id"] for key in listed if key["description"] == "jobs")
    assert runkey(machine, "keys", "revoke", job).returncode == 0
    eventually(lambda: server.post("/graphql", {"query": "{ viewer { id } }"}, secret)[0] == 401, 1.0)
    rotated = runkey(machine, "keys", "rotate")
    assert rotated.returncode == 0, rotated.stderr
    assert status(machine, "--check")["account"] == "keeper"
    assert old not in stored(machine).read_text()
    eventually(lambda: server.post("/graphql", {"query": "{ viewer { id } }"}, old)[0] == 401, 2.0)
    absent = runkey(machine, "keys", "revoke", "key_absent")
    assert (absent.returncode, "There is no key" in absent.stderr) == (4, True)


def test_importing_runkey_imports_no_http(machine: Machine) -> None:
    heavy = "('http.client', 'ssl', 'urllib3', 'socket', 'asyncio', 'email')"
    script = f"import sys, runkey; print([name for name in {heavy} if name in sys.modules])"
    assert machine.python(script).stdout.strip() == "[]"
    status_script = f"import sys; sys.argv = ['runkey', 'status']; import runkey.cli; runkey.cli.main(); {script.split(';', 1)[1]}"
    assert machine.python("import sys\n" + status_script).stdout.strip().endswith("[]")

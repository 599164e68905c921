"""`./dev spy`: what a client asks goes through unharmed, is told and recorded without a secret, and summed up."""

import json
import sys
from pathlib import Path

import pytest
from outside import Machine, Server

pytestmark = pytest.mark.story

SPY = Path(__file__).parent.parent.parent / "spying"

# A run of the official client's, and what an old client might ask.
SCRIPT = """
import json, os, sys, urllib.request, wandb
run = wandb.init(project="spied", id="r1", config={"lr": 0.1})
for i in range(5):
    run.log({"x": i})
run.finish()
print([row["x"] for row in wandb.Api().run("spied-on/spied/r1").history(samples=10, pandas=False)])
def ask(document, **variables):
    body = json.dumps({"query": document, "variables": variables}).encode()
    headers = {"Authorization": "Bearer " + os.environ["WANDB_API_KEY"], "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["WANDB_BASE_URL"] + "/graphql", data=body, headers=headers)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
print(ask("query Old($n: String) { viewer { id shoeSize(of: 1) } model(name: $n, colour: 1) { id } nothing { id } }", n="spied"))
print(ask('query Look { __type(name: "Hovercraft") { name } }'))
print(ask("mutation Delete { deleteRun(input: {id: \\"junk\\"}) { clientMutationId } }"))
print(ask("mutation Make { createApiKey(input: {}) { secret } }"))
sys.exit(3)
"""


def spy(machine: Machine, *words: str) -> "tuple[int, str, str]":
    done = machine.run(sys.executable, str(SPY), *words)
    return done.returncode, done.stdout, done.stderr


def test_a_script_runs_through_it_and_is_summed_up(machine: Machine) -> None:
    (machine.home / "train.py").write_text(SCRIPT)
    code, out, told = spy(machine, "--record", "seen.jsonl", "--", sys.executable, "train.py")
    assert code == 3, told
    assert [line for line in out.splitlines() if not line.startswith("wandb")] == ["[0, 1, 2, 3, 4]", "400", "200", "200", "200"]
    assert "mutation UpsertBucket" in told
    assert "wandb-history.jsonl 5 from 0" in told
    assert "\033" not in told.partition("requests, ")[2]
    seen = [json.loads(line) for line in (machine.home / "seen.jsonl").read_text().splitlines()]
    named = {note["name"]: note for note in seen}
    assert named["query Old"]["missing"] == ["User.shoeSize", "Query.model(colour:)", "Query.nothing"]
    assert named["query Look"]["missing"] == ["type Hovercraft"]
    assert (named["mutation Delete"]["status"], named["mutation Delete"]["errors"]) == (200, ["There is no such run."])
    assert named["mutation Make"]["answer"] == {"createApiKey": {"secret": "…"}}
    lines = {name: sum(note.get("files", {}).get(name, {}).get("lines", 0) for note in seen) for name in ("wandb-history.jsonl",)}
    assert lines == {"wandb-history.jsonl": 5}
    assert any(note["name"] == "PUT /storage/…" and note["sent"] > 0 and note["status"] == 200 for note in seen)
    summary = told[told.index(" requests, ") :]
    assert " requests, 2 of them answered with errors." in summary
    assert "query Old   1 with errors" in summary
    assert "! There is no such run." in summary
    assert "  User.shoeSize   (query Old)" in summary
    everything = told + (machine.home / "seen.jsonl").read_text()
    assert "rku_" not in everything
    assert "Bearer" not in everything


def test_a_server_that_is_there_is_spied_on_and_a_silent_one_is_told(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    machine.extra = {"RUNKEY_API_KEY": key}
    script = 'import runkey; run = runkey.init(project="p", id="ours"); run.log({"x": 1}); run.finish()'
    code, _, told = spy(machine, "--quiet", "--to", server.url, "--", sys.executable, "-c", script)
    assert code == 0, told
    assert "file_stream" in told
    assert json.loads(server.post("/graphql", {"query": '{ project(name: "p") { run(name: "ours") { historyLineCount } } }'}, key)[1]) == {
        "data": {"project": {"run": {"historyLineCount": 1}}}
    }
    ask = "import os, urllib.request as u\ntry: u.urlopen(os.environ['RUNKEY_HOST'] + '/x')\nexcept u.HTTPError as e: print(e.code)"
    code, out, told = spy(machine, "--to", "http://127.0.0.1:9", "--", sys.executable, "-c", ask)
    assert out.strip() == "502"
    assert "the server did not answer: ConnectionRefusedError" in told

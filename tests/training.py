"""Training scripts that log with our client, seen from outside: begun, sent later, and what the server has of them."""

import json
import subprocess
import sys
from pathlib import Path

from outside import Machine, Server, runkey

STATE = "state exitCode historyLineCount config summaryMetrics displayName tags notes"

# It logs until it is killed, and tells every row that log() took.
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
    return (json.loads(answer)["data"]["project"] or {"run": None})["run"]


def rows(server: Server, key: str, run: str, project: str = "p") -> list[dict[str, object]]:
    """The rows of a run that the server has; none of one that it does not know yet."""
    found = ask(server, key, run, "history(minStep: 0, maxStep: 1000000000, samples: 1000000)", project)
    return [json.loads(line) for line in (found or {"history": []})["history"]]  # type: ignore[attr-defined]


def journals(machine: Machine) -> list[Path]:
    return sorted((machine.home / "runkey").glob("run-*")) if (machine.home / "runkey").exists() else []

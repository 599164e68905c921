"""A run of ours from a script: read back, healed by a login, with a server that is away."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from outside import Machine, Server, eventually, log_in, runkey, start_server, status
from training import rows

pytestmark = pytest.mark.story


def test_a_run_of_ours_is_read_back_by_the_official_client(server: Server, machine: Machine) -> None:
    key = log_in(machine, server, "both")
    script = """
import runkey as wandb
with wandb.init(project="p", id="ours", config={"lr": 0.1, "n": {"a": [1]}}, tags=["t"]) as run:
    for i in range(500):
        wandb.log({"loss": 1 / (i + 1), "n": {"deep": i}})
    wandb.config.later = 2
    wandb.summary["best"] = 7
"""
    done = machine.python(script)
    assert done.returncode == 0, done.stderr
    assert "500 rows are on the server" in done.stderr
    read = """
import json, wandb
run = wandb.Api().run("both/p/ours")
print("JSON" + json.dumps([run.state, run.config, run.tags, run.summary["best"], run.summary["loss"], len(list(run.scan_history())),
                          run.history(pandas=False, samples=1000)[499]["loss"]]))
"""
    told = machine.python(read, WANDB_BASE_URL=server.url, WANDB_API_KEY=key).stdout
    assert json.loads(told.split("JSON")[1]) == ["finished", {"lr": 0.1, "n": {"a": [1]}, "later": 2}, ["t"], 7, 1 / 500, 500, 1 / 500]


@pytest.mark.parametrize("cure", ["in the process", "in another terminal"])
def test_logging_in_during_a_run_heals_it(server: Server, machine: Machine, cure: str) -> None:
    user = "healer-" + cure.split()[-1]
    log_in(machine, server, user)
    key_id = str(status(machine)["key_id"])
    fresh = server.key(user)
    script = """
import sys, runkey
run = runkey.init(project="p", id="healed")
for i in range(20):
    run.log({"x": i})
sys.stdin.readline()
for i in range(20, 40):
    run.log({"x": i})
line = sys.stdin.readline().strip()
if line:
    runkey.login(key=line, relogin=True)
sys.stdin.readline()
run.finish()
"""
    (machine.home / "train.py").write_text(script)
    errors = machine.home / "errors.txt"
    with errors.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "train.py"], cwd=machine.home, env=machine.environment, stdin=subprocess.PIPE, stderr=said, text=True
        )

    def go_on(line: str = "") -> None:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def xs() -> list[object]:
        return [row["x"] for row in rows(server, fresh, "healed")]

    eventually(lambda: xs() == list(range(20)), 30)
    server.operate("key", "revoke", key_id)
    time.sleep(1)  # within a second every worker knows
    go_on()
    eventually(lambda: "refused the key of this run" in errors.read_text(), 30)
    if cure == "in another terminal":
        done = runkey(machine, "login", "--host", server.url, "--relogin", "--key-stdin", stdin=fresh)
        assert done.returncode == 0, done.stderr
    go_on(fresh if cure == "in the process" else "")
    eventually(lambda: xs() == list(range(40)), 30)
    process.communicate("\n", timeout=60)
    assert process.returncode == 0, errors.read_text()
    assert "40 rows are on the server" in errors.read_text()
    assert xs() == list(range(40))


def test_a_server_that_is_away_does_not_disturb_training(tmp_path: Path, machine: Machine) -> None:
    server = start_server(tmp_path / "data")
    port = server.url.rsplit(":", 1)[1]
    key = log_in(machine, server, "mira")
    script = """
import sys, time, runkey
run = runkey.init(project="p", id="away")
run.log({"x": 0})
sys.stdin.readline()
slowest = 0.0
for i in range(1, 2000):
    began = time.perf_counter()
    run.log({"x": i})
    slowest = max(slowest, time.perf_counter() - began)
print("LOGGED", slowest < 1.0, flush=True)
sys.stdin.readline()
run.finish()
"""
    (machine.home / "train.py").write_text(script)
    process = subprocess.Popen(
        [sys.executable, "train.py"], cwd=machine.home, env=machine.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    eventually(lambda: [row["x"] for row in rows(server, key, "away")] == [0], 30)
    server.stop()
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "LOGGED True\n"
    again = start_server(tmp_path / "data", "--listen", f"127.0.0.1:{port}")
    process.communicate("\n", timeout=90)
    assert process.returncode == 0
    assert [row["x"] for row in rows(again, key, "away")] == list(range(2000))
    again.stop()


def test_what_is_missing_says_so(server: Server, machine: Machine) -> None:
    log_in(machine, server, "mira")
    for call, words in (
        ("runkey.init(resume='perhaps')", "resume is one of"),
        ("runkey.init(resume='must')", "needs the id"),
        ("runkey.init(resume_from='x?_step=1')", "cannot be had yet"),
        ("runkey.init(mode='sometimes')", "mode is one of"),
        ("runkey.init(project='a/b')", "is no project name"),
        ("runkey.init(entity='somebody')", "There is no entity 'somebody'"),
        ("runkey.log({'a': 1})", "There is no run yet"),
    ):
        done = machine.python(f"import runkey\ntry:\n    {call}\nexcept runkey.Error as error:\n    print('SAID', error)\n")
        assert words in done.stdout, (call, done.stdout, done.stderr)
    disabled = machine.python(
        "import runkey\nrun = runkey.init(mode='disabled')\nrun.log({'a': 1})\nrun.finish()\n", RUNKEY_HOST="http://127.0.0.1:1"
    )
    assert (disabled.returncode, disabled.stderr) == (0, "")

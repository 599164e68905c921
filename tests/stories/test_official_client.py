"""The unmodified official client against our server: it logs in, logs, and reads back what it logged."""

import json
import math
import re
from pathlib import Path

import pytest
from graphql import parse, validate
from outside import Machine, Server, start_server

from runkey_server.graphql import executing

pytestmark = pytest.mark.story

LOGIN = """
import sys, wandb
try:
    print("RESULT", wandb.login(key=sys.argv[1] if len(sys.argv) > 1 else None, verify=True))
except Exception as error:
    print("REFUSED", type(error).__name__, error)
"""

TRAIN = """
import math, wandb
config = {"lr": 0.1, "layers": [1, 2], "nested": {"a": {"b": "c"}}, "none": None}
run = wandb.init(project="first", id="r1", name="a run", config=config, tags=["x", "y"], notes="words")
for i in range(1000):
    run.log({"loss": 1 / (i + 1), "acc": i / 1000, "odd": float("nan") if i % 7 == 0 else 1.5, "sin": math.sin(i), "n": i})
    if i % 100 == 0:
        print("printed", i)
run.summary["best"] = 0.5
run.config.update({"later": 1})
with open("saved.txt", "w") as file:
    file.write("kept")
run.save("saved.txt", policy="end")
run.finish(exit_code=3)
"""

READ = """
import json, wandb
api = wandb.Api()
run = api.run("mira/first/r1")
run.file("saved.txt").download(root="dl", replace=True)
run.file("output.log").download(root="dl", replace=True)
out = {
    "state": run.state, "name": run.name, "config": run.config, "tags": sorted(run.tags), "notes": run.notes,
    "summary": {k: run.summary[k] for k in ("best", "n")},
    "history": run.history(samples=5000, pandas=False),
    "scan": len(list(run.scan_history())), "scan_keys": len(list(run.scan_history(keys=["loss"], page_size=100))),
    "sampled": len(run.history(keys=["loss"], samples=10, pandas=False)),
    "files": sorted(f.name for f in run.files()),
    "saved": open("dl/saved.txt").read(), "output": open("dl/output.log").read(),
    "runs": [r.id for r in api.runs("mira/first")], "projects": [p.name for p in api.projects("mira")],
    "viewer": api.viewer.username, "last": run.lastHistoryStep,
}
print("JSON" + json.dumps(out))
"""


def official(machine: Machine, server: Server, key: str | None) -> Machine:
    machine.extra = {"WANDB_BASE_URL": server.url, "WANDB_DIR": str(machine.home)} | ({"WANDB_API_KEY": key} if key else {})
    return machine


def read_back(machine: Machine) -> dict[str, object]:
    done = machine.python(READ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("JSON", 1)[1])


def test_login_with_a_good_and_a_bad_key(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    official(machine, server, None)
    assert "RESULT True" in machine.python(LOGIN, key).stdout
    assert key in (machine.home / ".netrc").read_text()
    bad = machine.python(LOGIN, key[:-2] + "zz")
    assert "REFUSED AuthenticationError" in bad.stdout
    assert "user is not logged in" in bad.stdout
    assert key in (machine.home / ".netrc").read_text()


def test_login_command(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    done = machine.run("wandb", "login", "--host", server.url, key)
    assert done.returncode == 0, done.stderr
    assert "Currently logged in as: mira" in done.stderr
    refused = machine.run("wandb", "login", "--host", server.url, "--relogin", "f" * 40)
    assert refused.returncode == 1
    assert "user is not logged in" in refused.stderr


def test_a_plain_run_arrives_whole_and_reads_back_equal(server: Server, machine: Machine) -> None:
    official(machine, server, server.key("mira"))
    done = machine.python(TRAIN)
    assert done.returncode == 0, done.stderr
    assert f"{server.url}/mira/first/runs/r1" in done.stderr
    found = read_back(machine)
    assert (found["state"], found["name"], found["tags"], found["notes"]) == ("failed", "a run", ["x", "y"], "words")
    assert found["config"] == {"lr": 0.1, "layers": [1, 2], "nested": {"a": {"b": "c"}}, "none": None, "later": 1}
    history = found["history"]
    assert len(history) == found["scan"] == found["scan_keys"] == 1000
    assert found["sampled"] == 10
    assert found["last"] == 999
    for i, row in enumerate(history):
        assert (row["_step"], row["n"], row["loss"], row["acc"], row["sin"]) == (i, i, 1 / (i + 1), i / 1000, math.sin(i))
        assert math.isnan(row["odd"]) if i % 7 == 0 else row["odd"] == 1.5
    assert (found["summary"]["best"], found["summary"]["n"]) == (0.5, 999)
    assert {"config.yaml", "output.log", "requirements.txt", "saved.txt", "wandb-metadata.json", "wandb-summary.json"} <= set(
        found["files"]
    )
    assert found["saved"] == "kept"
    assert [line for line in found["output"].splitlines() if line.startswith("printed")] == [f"printed {i}" for i in range(0, 1000, 100)]
    assert (found["runs"], found["projects"], found["viewer"]) == (["r1"], ["first"], "mira")


def test_a_run_begun_again_under_its_id_overwrites(server: Server, machine: Machine) -> None:
    official(machine, server, server.key("again"))
    script = """
import sys, wandb
run = wandb.init(project="p", id="same")
for i in range(int(sys.argv[1])):
    run.log({"x": i + float(sys.argv[2])})
run.finish()
"""
    read = 'import wandb; print([r["x"] for r in wandb.Api().run("again/p/same").history(samples=100, pandas=False)])'
    assert machine.python(script, "8", "0").returncode == 0
    assert machine.python(script, "3", "100").returncode == 0
    assert machine.python(read).stdout.strip() == "[100, 101, 102]"


def test_a_config_change_in_the_middle_moves_nothing(server: Server, machine: Machine) -> None:
    official(machine, server, server.key("changer"))
    script = """
import time, wandb
run = wandb.init(project="p", id="c", settings=wandb.Settings(x_file_stream_transmit_interval=0.2))
for i in range(3):
    for j in range(5):
        run.log({"x": 5 * i + j})
    run.config.update({f"k{i}": i})
    time.sleep(1.5)
run.finish()
"""
    assert machine.python(script).returncode == 0
    read = 'import wandb; print([r["x"] for r in wandb.Api().run("changer/p/c").history(samples=100, pandas=False)])'
    assert machine.python(read).stdout.strip() == str(list(range(15)))


def test_resume_goes_on_where_the_run_stopped(server: Server, machine: Machine) -> None:
    official(machine, server, server.key("resumer"))
    script = """
import wandb
run = wandb.init(project="p", id="resumed", resume="allow", config={"a": 1})
print("START", run.step)
for i in range(5):
    run.log({"x": i})
run.finish()
"""
    assert "Resuming run" not in machine.python(script).stderr
    assert "Resuming run" in machine.python(script).stderr
    read = 'import wandb; print([r["_step"] for r in wandb.Api().run("resumer/p/resumed").history(samples=100, pandas=False)])'
    assert machine.python(read).stdout.strip() == str(list(range(10)))


def test_a_transient_fault_loses_nothing(tmp_path: Path, machine: Machine) -> None:
    """The server goes away in the middle of a run and comes back: every row is there, once."""
    import threading

    server = start_server(tmp_path / "data")
    key = server.key("mira")
    port = server.url.rsplit(":", 1)[1]
    official(machine, server, key)
    script = """
import time, wandb
run = wandb.init(project="p", id="cut", settings=wandb.Settings(x_file_stream_transmit_interval=0.2))
for i in range(60):
    run.log({"x": i})
    time.sleep(0.05)
run.finish()
"""
    restarted: list[Server] = []

    def restart() -> None:
        server.stop()
        restarted.append(start_server(tmp_path / "data", "--listen", f"127.0.0.1:{port}"))

    timer = threading.Timer(6.0, restart)
    timer.start()
    done = machine.python(script)
    timer.join()
    assert done.returncode == 0, done.stderr
    read = 'import wandb; print([r["x"] for r in wandb.Api().run("mira/p/cut").history(samples=100, pandas=False)])'
    assert machine.python(read).stdout.strip() == str(list(range(60)))
    assert restarted[0].stop() == 0


def test_exec_gives_a_script_that_only_knows_wandb_what_it_needs(server: Server, machine: Machine) -> None:
    key = server.key("execer")
    login = machine.run("runkey", "login", "--host", server.url, "--key-stdin", stdin=key)
    assert login.returncode == 0, login.stderr
    (machine.home / "train.py").write_text(
        'import wandb\nrun = wandb.init(project="only-wandb", id="e1")\nrun.log({"x": 1})\nrun.finish()\nraise SystemExit(7)\n'
    )
    import sys

    done = machine.run("runkey", "exec", "--", sys.executable, "train.py")
    assert done.returncode == 7, done.stderr
    assert f"{server.url}/execer/only-wandb/runs/e1" in done.stderr
    assert not (machine.home / ".netrc").exists()


# What the client asks for login, a run, and reading it back. Its documents are read out of the installed client itself.
SERVED = [
    "ServerFeaturesQuery",
    "Viewer",
    "OrganizationCoreWeaveOrganizationID",
    "RunState",
    "QueryRunInfo",
    "SampledHistoryPage",
    "HistoryPage",
    "RunParquetHistory",
    "CreateRunFiles",
    "RunResumeStatus",
    "UpsertBucket",
    "RewindRun",
    "StopRun",
    "RunConsoleLogPage",
    "RunConsoleLogTail",
]


@pytest.mark.parametrize("name", SERVED)
def test_the_schema_has_what_the_installed_client_asks(name: str) -> None:
    import wandb

    core = (Path(wandb.__file__).parent / "bin" / "wandb-core").read_bytes()
    found = re.search(rb"\n((?:query|mutation) " + name.encode() + rb"\b[^\0]*?\n\})\n", core)
    assert found is not None
    document = parse(found.group(1).decode())
    assert validate(executing.build(), document) == []


@pytest.mark.parametrize(
    "name",
    [
        "GET_PROJECTS_GQL",
        "GET_PROJECT_GQL",
        "GET_VIEWER_GQL",
        "GET_DEFAULT_ENTITY_GQL",
        "CREATE_PROJECT_GQL",
        "IS_PROJECT_READ_ONLY_GQL",
        "SEARCH_USERS_GQL",
        "GET_TEAM_ENTITY_GQL",
        "GET_SWEEPS_GQL",
        "GENERATE_API_KEY_GQL",
        "DELETE_API_KEY_GQL",
    ],
)
def test_the_schema_has_what_the_python_half_asks(name: str) -> None:
    from wandb.apis import _generated

    assert validate(executing.build(), parse(getattr(_generated, name))) == []

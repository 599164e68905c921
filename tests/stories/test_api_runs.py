"""The unmodified official client over a project's life: runs that resume, fork, are taken back, preempted and stopped; runs that were
logged offline; and all of it asked for, changed and exported through its Api."""

import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from outside import Machine, Server
from training import start

pytestmark = pytest.mark.story

LOG = """
import json, math, os, sys, wandb
logged = {}

def log(run, rows):
    for row in rows:
        run.log(row)
        logged.setdefault(run.id, {})[row["n"]] = row

for number in range(4):
    config = {"lr": 10.0 ** -number, "net": {"layers": [number, 2], "kind": "a" if number % 2 else "b"}, "seed": number}
    about = {"group": "even" if number % 2 == 0 else "odd", "job_type": "train", "tags": ["all", f"t{number}"], "notes": f"note {number}"}
    run = wandb.init(project="life", id=f"r{number}", name=f"run {number}", config=config, **about)
    run.define_metric("val/best", summary="max")
    odd = [math.nan, math.inf, -math.inf, 1e-300]
    deep = [{"x": i, "s": f"é{i}"} for i in range(20)]
    log(run, [{"n": i, "loss": number + 1 / (i + 1), "val/best": i % 5, "deep": deep[i], "odd": odd[i % 4]} for i in range(20)])
    print("printed by", number)
    run.summary["final"] = number * 1.5 if number else math.inf
    run.finish()

def refused(**more):
    try:
        wandb.init(project="life", **more).finish()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

answers = {}
run = wandb.init(project="life", id="r0", resume="must")
answers["resumed"] = [run.starting_step, run.config["seed"], run.name]
log(run, [{"n": i, "loss": 0.5} for i in range(20, 23)])
run.finish()
run = wandb.init(project="life", id="fork", fork_from="r1?_step=9")
answers["forked"] = run.starting_step
logged["fork"] = dict(list(logged["r1"].items())[:10])
log(run, [{"n": i, "loss": 100 + i} for i in range(10, 13)])
run.finish()
run = wandb.init(project="life", id="r2", resume_from="r2?_step=4")
answers["rewound"] = run.starting_step
logged["r2"] = dict(list(logged["r2"].items())[:5])
log(run, [{"n": 5, "loss": -1.0}])
run.finish()
for _ in range(2):
    run = wandb.init(project="life", id="auto", resume="allow")
    log(run, [{"n": run.starting_step, "loss": 0.1}])
    run.finish()
run = wandb.init(project="life", id="preempted")
run.mark_preempting()
log(run, [{"n": 0, "loss": 0.1}])
run.finish(exit_code=1)
answers["must"] = refused(id="nobody", resume="must")
answers["never"] = refused(id="r1", resume="never")
answers["fork"] = refused(id="f0", fork_from="nobody?_step=3")
print("JSON" + json.dumps({"answers": answers, "logged": logged}))
"""

EXPORT = """
import json, math, wandb
api = wandb.Api()
told = {}
for run in api.runs("mira/life", order="+created_at", per_page=3, lazy=False):
    told[run.id] = {
        "state": run.state, "name": run.name, "config": run.config, "tags": run.tags, "group": run.group, "notes": run.notes,
        "job_type": run.job_type, "user": run.user.username, "scan": list(run.scan_history()), "last": run.lastHistoryStep,
        "history": run.history(samples=1000, pandas=False), "summary": {k: v for k, v in run.summary_metrics.items() if k[0] != "_"},
        "printed": [line.content for line in run.console_logs()], "lines": run._attrs["historyLineCount"],
    }
def ids(order="+name", **filters):
    return [run.id for run in wandb.Api().runs("mira/life", filters=filters, order=order, per_page=2)]
def fails(ask):
    try:
        return repr(ask())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
answers = {
    "config": ids(**{"config.lr": 0.01}), "nested": ids(**{"config.net.kind": "a"}), "value": ids(**{"config.net.value.kind": "b"}),
    "summary": ids("-summary_metrics.final", **{"summary_metrics.final": {"$gt": 0}}), "tags": ids(tags={"$in": ["t1", "t3"]}),
    "and": ids(**{"$and": [{"group": "even"}, {"$or": [{"config.seed": 0}, {"display_name": {"$regex": "2$"}}]}]}),
    "state": ids(state={"$ne": "finished"}), "jobType": ids(jobType="train", username="mira"), "not": ids(**{"config.seed": None}),
    "order": ids("-config.seed,+name"), "created": ids(created_at={"$gt": "2000-01-01", "$lt": "2000-01-02"}),
    "len": len(wandb.Api().runs("mira/life", filters={"tags": "all"})),
    "field": fails(lambda: ids(color=1)), "operator": fails(lambda: ids(state={"$like": 1})), "by": fails(lambda: ids("-color")),
}
run = api.run("mira/life/r3")
answers["steps"] = [row["n"] for row in run.scan_history(keys=["n", "loss"], min_step=3, max_step=7)]
answers["pages"] = len(list(run.scan_history(page_size=3)))
answers["beta"] = len(list(run.beta_scan_history()))
answers["keys"] = run.history_keys["keys"]["deep.x"]
answers["x"] = run.history(keys=["loss"], x_axis="n", samples=3, pandas=False)
answers["system"] = all(row["_runtime"] >= 0 for row in run.history(stream="system", pandas=False))
answers["metadata"] = run.metadata["host"] != "" and run.metadata["program"][-9:]
answers["html"] = run.to_html()
answers["exports"] = fails(lambda: run.download_history_exports("exports"))
answers["paths"] = [str(api.from_path("mira/life")), api.from_path("mira/life/runs/r3").id]
run.wait_until_finished()
run.name, run.notes, run.group, run.description = "renamed", "other", "third", "words"
run.tags.append("late")
run.config["lr"] = 7
run.config["added"] = {"a": [1]}
run.update()
run.summary.update({"best": {"q": 1}, "final": "text"})
again = wandb.Api().run("mira/life/r3")
answers["updated"] = [again.name, again.notes, again.group, again.description, again.tags, again.config["lr"], again.config["added"]]
answers["kept"] = [again.config["seed"], "_wandb" in again.rawconfig, again.state, again.summary["best"]["q"], again.summary["final"]]
now = {"config.lr": 7, "config.added.a": [1], "summary_metrics.best.q": 1, "summary_metrics.final": "text", "tags": "late"}
answers["found"] = ids(**now)
made = api.create_run(run_id="made", project="life", entity="mira")
pending = wandb.apis.public.Run.create(api, run_id="pending", project="life", entity="mira", state="pending")
answers["made"] = [made.state, pending.state, pending.update_state("failed"), wandb.Api().run("mira/life/pending").state]
made.delete()
pending.delete(delete_artifacts=True)
answers["deleted"] = [fails(lambda: wandb.Api().run("mira/life/made")), ids(name={"$in": ["made", "pending"]})]
api.create_project("empty", "mira")
answers["projects"] = [project.name for project in api.projects("mira", per_page=1)]
answers["empty"] = [len(api.runs("mira/empty")), list(api.runs("mira/empty")), fails(lambda: len(api.runs("mira/nobody")))]
project = api.project("life", "mira")
answers["project"] = [project.owner.username, bool(project.id), project.to_html()[:7]]
answers["people"] = [api.viewer.username, api.default_entity, str(api.user("mira")), api.user("nobody"), len(api.users("mi"))]
running = api.run("mira/other/long")
answers["stopping"] = [running.state, running.stop(), running.stop()]
answers["team"] = [api.team("mira").members, api.viewer.teams]
print("JSON" + json.dumps({"runs": told, "answers": answers}))
"""


def official(machine: Machine, server: Server, key: str) -> Machine:
    machine.extra = {"WANDB_BASE_URL": server.url, "WANDB_DIR": str(machine.home), "WANDB_API_KEY": key}
    return machine


def told_by(machine: Machine, script: str) -> dict[str, dict]:
    done = machine.python(script)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("JSON", 1)[1].splitlines()[0])


def alike(one: object, other: object) -> bool:
    """Equal, where NaN is NaN and a number may come back as whole."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other


STOPPED = """
import time, wandb
run = wandb.init(project="other", id="long", settings=wandb.Settings(x_file_stream_transmit_interval=0.2))
print("begun", flush=True)
try:
    for i in range(10**9):
        run.log({"i": i})
        time.sleep(0.05)
except KeyboardInterrupt:
    print("stopped", flush=True)
    run.finish(exit_code=255)
"""


@pytest.fixture(scope="module")
def long_run(server: Server, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[subprocess.Popen[str]]":
    """A run that goes on while others are tried: the client asks itself every 15 seconds whether it was told to stop."""
    process = start(official(Machine(tmp_path_factory.mktemp("long")), server, server.key("mira")), STOPPED)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def test_a_project_is_what_was_logged(server: Server, machine: Machine, long_run: object) -> None:
    official(machine, server, server.key("mira"))
    done = told_by(machine, LOG)
    answers, logged = done["answers"], done["logged"]
    assert "UsageError" in answers["must"] and "nobody" in answers["must"]
    assert "UsageError" in answers["never"] and "r1" in answers["never"]
    assert "There is no run 'nobody' in the project 'life' to fork from." in answers["fork"]
    assert (answers["resumed"], answers["forked"], answers["rewound"]) == ([20, 0, "run 0"], 10, 5)

    exported = told_by(machine, EXPORT)
    runs, answers = exported["runs"], exported["answers"]
    assert list(runs) == ["r0", "r1", "r2", "r3", "fork", "auto", "preempted"]
    for name, run in runs.items():
        wanted = list(logged[name].values())
        for rows in (run["scan"], run["history"]):
            assert [row["_step"] for row in rows] == list(range(len(wanted))), name
            for row, given in zip(rows, wanted, strict=True):
                assert alike({key: value for key, value in row.items() if key[0] != "_"}, given), (name, row, given)
        assert run["lines"] == len(wanted) == run["last"] + 1
        assert run["user"] == "mira"
        assert run["state"] == ("preempted" if name == "preempted" else "finished")
    for number in range(4):
        run = runs[f"r{number}"]
        config = {"lr": 10.0**-number, "net": {"layers": [number, 2], "kind": "a" if number % 2 else "b"}, "seed": number}
        assert run["config"] == config
        assert (run["name"], run["notes"], run["job_type"], run["tags"]) == (
            f"run {number}",
            f"note {number}",
            "train",
            ["all", f"t{number}"],
        )
        if number != 2:
            assert run["summary"]["val/best"] == {"max": 4} or run["summary"]["val/best"] == 4
            assert run["summary"]["final"] == (number * 1.5 if number else math.inf)
            assert f"printed by {number}" in run["printed"]
    assert (runs["r2"]["summary"]["loss"], runs["r2"]["summary"]["n"]) == (-1.0, 5)
    assert "final" not in runs["r2"]["summary"], "what came after the step is gone"
    _check_answers(answers)


def _check_answers(answers: dict) -> None:
    assert (answers["config"], answers["nested"], answers["value"]) == (["r2"], ["r1", "r3"], ["r0", "r2"])
    assert answers["summary"] == ["r0", "r3", "r1"]
    assert (answers["tags"], answers["and"], answers["state"]) == (["r1", "r3"], ["r0", "r2"], ["preempted"])
    assert (answers["jobType"], answers["not"]) == (["r0", "r1", "r2", "r3"], ["auto", "fork", "preempted"])
    assert answers["order"] == ["r3", "r2", "r1", "r0", "auto", "fork", "preempted"]
    assert (answers["created"], answers["len"]) == ([], 4)
    assert 'Runs cannot be filtered by "color"' in answers["field"]
    assert 'The operator "$like" cannot be used' in answers["operator"]
    assert "Runs cannot be ordered by 'color'" in answers["by"]
    assert (answers["steps"], answers["pages"], answers["beta"]) == ([3, 4, 5, 6], 20, 20)
    assert answers["keys"] == {"typeCounts": [{"type": "number", "count": 20}], "monotonic": True, "previousValue": 19}
    assert [row["n"] for row in answers["x"]] == [0, 9, 19]
    assert (answers["system"], answers["metadata"]) == (True, "script.py")
    assert "/mira/life/runs/r3?jupyter=true" in answers["html"]
    assert answers["exports"].startswith("IncompleteRunHistoryError")
    assert answers["paths"] == ["<Project mira/life>", "r3"]
    assert answers["updated"] == ["renamed", "other", "third", "words", ["all", "t3", "late"], 7, {"a": [1]}]
    assert answers["kept"] == [3, True, "finished", 1, "text"]
    assert answers["found"] == ["r3"]
    assert answers["made"] == ["running", "pending", True, "failed"]
    assert "Could not find run" in answers["deleted"][0]
    assert answers["deleted"][1] == []
    assert sorted(answers["projects"]) == ["empty", "life", "other"]
    assert answers["empty"][:2] == [0, []]
    assert "nobody" in answers["empty"][2]
    assert answers["project"] == ["mira", True, "<iframe"]
    assert answers["people"] == ["mira", "mira", "<User mira>", None, 1]
    assert answers["team"] == [[], []]
    assert answers["stopping"] == ["running", None, None]


OFFLINE = """
import wandb
for name in ("o1", "o2", "half"):
    run = wandb.init(project="off", id=name, config={"name": name}, mode="offline")
    for i in range(300):
        run.log({"x": i, "name": name})
    print("printed", name)
    run.finish()
"""
COUNTS = "name state config summaryMetrics historyLineCount eventsLineCount logLineCount fileCount"


def test_runs_that_were_logged_offline_are_sent_once(server: Server, machine: Machine) -> None:
    key = server.key("walker")
    official(machine, server, key)
    assert machine.python(OFFLINE).returncode == 0
    folders = {path.name.rpartition("-")[2]: path for path in (machine.home / "wandb").glob("offline-run-*")}
    assert set(folders) == {"o1", "o2", "half"}

    def sync(*words: str) -> "subprocess.CompletedProcess[str]":
        done = machine.run("wandb", "sync", *words, timeout=90)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def found() -> dict[str, dict]:
        query = f'{{ project(name: "off") {{ runs(order: "+name") {{ edges {{ node {{ {COUNTS} history(samples: 1000) }} }} }} }} }}'
        told = json.loads(server.post("/graphql", {"query": query}, key)[1])["data"]["project"]
        runs = {edge["node"]["name"]: edge["node"] for edge in told["runs"]["edges"]}
        for run in runs.values():
            # In which order the client writes keys differs from one sync to the next.
            run["history"] = [json.loads(line) for line in run["history"]]
            run["config"] = {key: value["value"] for key, value in json.loads(run["config"]).items() if key != "_wandb"}
            run["summaryMetrics"] = json.loads(run["summaryMetrics"])
        return runs

    def check(run: dict, rows: int) -> None:
        assert [(row["_step"], row["x"], row["name"]) for row in run["history"]] == [(i, i, run["name"]) for i in range(rows)]
        assert run["config"] == {"name": run["name"]}

    both = [str(folders[name]) for name in ("o1", "o2")]
    assert sync(*both).returncode == 0
    first = found()
    assert list(first) == ["o1", "o2"]
    for run in first.values():
        check(run, 300)
        assert (run["state"], run["logLineCount"], run["summaryMetrics"]["x"]) == ("finished", 1, 299)
    # Once more, also from a copy that does not know that it was sent: nothing changes.
    assert "No runs to sync" in sync(*both).stderr
    for mark in Path(both[0]).glob("*.sync*"):
        mark.unlink()
    assert sync("--no-skip-synced", *both).returncode == 0
    assert found() == first
    # A file that was cut off in the middle, and then all of it.
    journal = folders["half"] / "run-half.wandb"
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) // 2])
    assert "incomplete" in sync(str(folders["half"])).stderr
    half = found()["half"]
    assert 50 < half["historyLineCount"] < 250
    check(half, half["historyLineCount"])
    journal.write_bytes(whole)
    assert sync("--no-skip-synced", str(folders["half"])).returncode == 0
    all_of_it = found()["half"]
    check(all_of_it, 300)
    assert (all_of_it["state"], all_of_it["logLineCount"]) == ("finished", 1)


def test_a_run_that_was_asked_to_stop_ends(server: Server, long_run: "subprocess.Popen[str]") -> None:
    # The test of the project asked it to.
    out, _ = long_run.communicate(timeout=60)
    assert out == "stopped\n"
    query = {"query": '{ project(name: "other") { run(name: "long") { state stopped exitCode } } }'}
    found = json.loads(server.post("/graphql", query, server.key("mira"))[1])["data"]["project"]["run"]
    assert found == {"state": "failed", "stopped": False, "exitCode": 255}

"""Artifacts by the unmodified official client: logged, used, taken down, named, linked, described, deleted, read back."""

import json

import pytest
from outside import Machine, Server

pytestmark = pytest.mark.story

LOG = """
import json, os, pathlib, wandb
told = {}
folder = pathlib.Path("data"); folder.mkdir()
(folder / "a b.txt").write_text("hello"); (folder / "bytes.bin").write_bytes(bytes(range(256)) * 40)
elsewhere = pathlib.Path("elsewhere.csv"); elsewhere.write_text("1,2")

def data(**more):
    made = wandb.Artifact("data", type="dataset", description="words", metadata={"n": 1}, **more)
    made.add_dir("data")
    made.add_reference(elsewhere.absolute().as_uri())
    return made

run = wandb.init(project="arts", id="r1")
first = run.log_artifact(data(), aliases=["best"]).wait()
told["first"] = [first.version, sorted(first.aliases), first.state]
same = run.log_artifact(data()).wait()
told["same"] = [same.version, same.id == first.id]
(folder / "new.txt").write_text("more")
told["second"] = run.log_artifact(data()).wait().version
run.log({"table": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])})
run.finish()

run = wandb.init(project="arts", id="r2")
used = run.use_artifact("data:best")
down = used.download("down")
told["down"] = {path: (pathlib.Path(down) / path).stat().st_size for path in sorted(os.listdir(down))}
used.verify("down")
run.link_artifact(run.use_artifact("data:latest"), "arts/shown", aliases=["prod"])
more = wandb.Artifact("data", type="dataset", incremental=True)
pathlib.Path("inc.txt").write_text("inc")
more.add_file("inc.txt")
told["incremental"] = sorted(run.log_artifact(more).wait().manifest.entries)
for part in "xyz":
    whole = wandb.Artifact("parts", type="dataset")
    pathlib.Path(part).write_text(part)
    whole.add_file(part)
    (run.finish_artifact if part == "z" else run.upsert_artifact)(whole, distributed_id="shared")
whole.wait()
told["parts"] = [whole.version, sorted(whole.manifest.entries)]
run.finish()
print("JSON" + json.dumps(told))
"""

READ = """
import json, wandb
from datetime import timedelta
api, told, place = wandb.Api(), {}, "mira/arts/"
told["types"] = sorted(each.name for each in api.artifact_types("mira/arts"))
told["collections"] = sorted(each.name for each in api.artifact_collections("mira/arts", "dataset"))
versions = api.artifacts("dataset", place + "data")
told["versions"] = [[each.version, sorted(each.aliases)] for each in versions]
some = api.project("arts", "mira").collections(filters={"name": {"$regex": "^[ps]"}}, order="-name")
told["some"] = [each.name for each in some]
told["exist"] = [api.artifact_exists(place + "data:best"), api.artifact_exists(place + "none:best")]
best = api.artifact(place + "data:best")
told["lineage"] = [best.logged_by().id, [each.id for each in best.used_by()]]
told["files"] = [[each.name, each.size] for each in best.files()]
told["of runs"] = [
    [each.name for each in api.run(place + "r1").logged_artifacts()],
    [each.name for each in api.run(place + "r2").used_artifacts()],
]
best.description, best.tags, best.ttl = "new words", ["one", "two"], timedelta(days=3)
best.metadata["k"] = 2
best.aliases.append("also")
best.save()
again = wandb.Api().artifact(place + "data:also")
told["saved"] = [again.description, again.metadata, sorted(again.aliases), sorted(again.tags), again.ttl.days]
told["tagged"] = [each.version for each in api.artifacts("dataset", place + "data", tags=["one"])]
linked = api.artifact(place + "shown:prod")
links = [each.qualified_name for each in api.artifact(place + "data:v1").linked_artifacts]
told["link"] = [linked.is_link, linked.source_qualified_name, links]
best.link(place + "second")
api.artifact(place + "second:latest").unlink()
try:
    best.link("wandb-registry-model/best")
except Exception as problem:
    told["no registry"] = str(problem)
collection = api.artifact_collection("dataset", place + "data")
collection.name, collection.description, collection.tags = "renamed", "of them", ["t"]
collection.save()
collection = api.artifact_collection("dataset", place + "renamed")
told["collection"] = [collection.name, collection.description, collection.tags]
draft = api.artifact(place + "renamed:latest").new_draft()
draft.remove("inc.txt")
draft.add_file("elsewhere.csv", name="z.csv")
draft.save(project="arts")
draft.wait()
told["draft"] = [draft.version, sorted(draft.manifest.entries)]
table = next(each for each in api.run(place + "r1").logged_artifacts() if each.type == "run_table")
told["table"] = table.get("table").data
second = api.artifact(place + "renamed:v1")
try:
    second.delete()
except Exception as problem:
    told["refused"] = str(problem)
second.delete(delete_aliases=True)
told["left"] = [each.version for each in api.artifacts("dataset", place + "renamed")]
api.artifact_collection("dataset", place + "parts").delete()
told["collections left"] = sorted(each.name for each in api.artifact_collections("mira/arts", "dataset"))
print("JSON" + json.dumps(told))
"""


def _told(machine: Machine, script: str) -> dict[str, object]:
    done = machine.python(script)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("JSON", 1)[1])


def test_the_life_of_artifacts(server: Server, machine: Machine) -> None:
    machine.extra = {
        "WANDB_BASE_URL": server.url,
        "WANDB_API_KEY": server.key("mira"),
        "WANDB_DIR": str(machine.home),
        "WANDB_CACHE_DIR": str(machine.home / "cache"),
        "WANDB_DATA_DIR": str(machine.home / "staging"),
    }
    logged = _told(machine, LOG)
    assert logged == {
        "first": ["v0", ["best", "latest"], "COMMITTED"],
        "same": ["v0", True],
        "second": "v1",
        "down": {"a b.txt": 5, "bytes.bin": 10_240, "elsewhere.csv": 3},
        "incremental": ["a b.txt", "bytes.bin", "elsewhere.csv", "inc.txt", "new.txt"],
        "parts": ["v0", ["x", "y", "z"]],
    }
    # Equal bytes of all versions are kept once.
    assert sum(path.stat().st_size == 10_240 for path in (server.data / "files").glob("??/*")) == 1
    read = _told(machine, READ)
    assert "aliases (latest, prod)" in str(read.pop("refused"))
    assert "organization" in str(read.pop("no registry"))
    assert read == {
        "types": ["dataset", "run_table"],
        "collections": ["data", "parts", "shown"],
        "versions": [["v2", ["latest"]], ["v1", []], ["v0", ["best"]]],
        "some": ["shown", "parts"],
        "exist": [True, False],
        "lineage": ["r1", ["r2"]],
        "files": [["a b.txt", 5], ["bytes.bin", 10_240], ["elsewhere.csv", 3]],
        "of runs": [["data:v0", "data:v1", "run-r1-table:v0"], ["data:v0", "data:v1"]],
        "saved": ["new words", {"n": 1, "k": 2}, ["also", "best"], ["one", "two"], 3],
        "tagged": ["v0"],
        "link": [True, "mira/arts/data:v1", ["mira/arts/shown:v0"]],
        "collection": ["renamed", "of them", ["t"]],
        "draft": ["v3", ["a b.txt", "bytes.bin", "elsewhere.csv", "new.txt", "z.csv"]],
        "table": [[1, "x"], [2, "y"]],
        "left": ["v3", "v2", "v0"],
        "collections left": ["renamed", "second", "shown"],
    }

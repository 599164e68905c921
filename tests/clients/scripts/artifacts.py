"""Artifacts: made by one run, used by another, found again by name."""

import os

import wandb
from steps import ENTITY, PROJECT, VERSION, elsewhere, equal, path, step

ONE_FILE = """
import os, wandb
version = wandb.Api().artifact("{0}/{1}/data:best".format(os.environ["MATRIX_ENTITY"], os.environ["MATRIX_PROJECT"]))
entry = version.get_entry if hasattr(version, "get_entry") else version.get_path
with open(entry("deep/b.txt").download("alone")) as file:
    print("RESULT", file.read())
"""

IN_PARTS = """
import os, wandb
from wandb.sdk.artifacts.storage_policies import wandb_storage_policy as policy
policy.S3_MIN_MULTI_UPLOAD_SIZE = 1_000
policy.WandbStoragePolicy.calc_chunk_size = lambda self, size: 400_000
sent, send = [], policy.WandbStoragePolicy.s3_multipart_file_upload

def note(*given):
    sent.extend(send(*given))
    return list(sent)

policy.WandbStoragePolicy.s3_multipart_file_upload = note
with open("large.bin", "wb") as file:
    file.write(bytes(range(256)) * 4_000)
run = wandb.init(project=os.environ["MATRIX_PROJECT"])
made = wandb.Artifact("large", type="model")
made.add_file("large.bin")
run.log_artifact(made)
run.finish()
print("RESULT", len(sent))
"""


def name(of):
    """Give the whole name of an artifact."""
    return path(of)


def main():
    os.makedirs("things/deep", exist_ok=True)
    for place, words in (("things/a.txt", "first"), ("things/deep/b.txt", "second"), ("elsewhere.txt", "third")):
        with open(place, "w") as file:
            file.write(words)
    api = wandb.Api()
    run = wandb.init(project=PROJECT, id="maker")
    with step("artifacts: log"):
        made = wandb.Artifact("data", type="dataset", description="three files", metadata={"rows": 3})
        made.add_dir("things")
        with made.new_file("c.txt") as file:
            file.write("made")
        run.log_artifact(made, aliases=["best"])
        made.wait()
        found = api.artifact(name("data:v0"))
        equal((found.type, found.description, found.metadata, found.state), ("dataset", "three files", {"rows": 3}, "COMMITTED"))
        equal(sorted(found.manifest.entries), ["a.txt", "c.txt", "deep/b.txt"])
    with step("artifacts: versions"):
        with open("things/a.txt", "w") as file:
            file.write("changed")
        other = wandb.Artifact("data", type="dataset")
        other.add_dir("things")
        run.log_artifact(other)
        other.wait()
        equal((api.artifact(name("data:latest")).version, api.artifact(name("data:best")).version), ("v1", "v0"))
    with step("artifacts: the same again"):
        same = wandb.Artifact("data", type="dataset")
        same.add_dir("things")
        run.log_artifact(same)
        same.wait()
        equal(api.artifact(name("data:latest")).version, "v1")
    with step("artifacts: references"):
        pointing = wandb.Artifact("pointing", type="dataset")
        pointing.add_reference("file://" + os.path.abspath("elsewhere.txt"))
        run.log_artifact(pointing)
        pointing.wait()
        found = api.artifact(name("pointing:latest"))
        equal(found.manifest.entries["elsewhere.txt"].ref, "file://" + os.path.abspath("elsewhere.txt"))
        with open(os.path.join(found.download("fetched"), "elsewhere.txt")) as file:
            equal(file.read(), "third")
    with step("artifacts: tables"):
        holding = wandb.Artifact("holding", type="dataset")
        holding.add(wandb.Table(columns=["n"], data=[[1], [2]]), "numbers")
        run.log_artifact(holding)
        holding.wait()
        equal(api.artifact(name("holding:latest")).get("numbers").data, [[1], [2]])
    with step("artifacts: log_code"):
        os.makedirs("code", exist_ok=True)
        for place in ("code/train.py", "code/notes.txt"):
            with open(place, "w") as file:
                file.write("words")
        run.log_code("code", name="training").wait()
        found = api.artifact(name("training:latest"))
        equal((found.type, sorted(found.manifest.entries)), ("code", ["train.py"]))
    with step("artifacts: list versions"):
        listed = getattr(api, "artifacts", None) or api.artifact_versions
        aliases = {each.version: list(each.aliases) for each in listed("dataset", name("data"))}
        # Where the same again is a version of its own, there is one more.
        equal((aliases["v0"], aliases[max(aliases)], len(aliases) > 1), (["best"], ["latest"], True))
    run.log({"answers": wandb.Table(columns=["n"], data=[[1], [2]])})
    run.finish()
    with step("artifacts: of a logged table"):
        found = api.artifact(name("run-maker-answers:latest"))
        equal((found.type, found.logged_by().id, found.get("answers").data), ("run_table", "maker", [[1], [2]]))
    user = wandb.init(project=PROJECT, id="user", reinit=True)
    with step("artifacts: use and download", "use"):
        used = user.use_artifact("data:best")
        equal(used.version, "v0")
    with step("artifacts: use and download", "download"):
        folder = api.artifact(name("data:best")).download("downloaded")
        for place, words in (("a.txt", "first"), ("deep/b.txt", "second"), ("c.txt", "made")):
            with open(os.path.join(folder, place)) as file:
                equal(file.read(), words)
        api.artifact(name("data:best")).verify("downloaded")
    with step("artifacts: use and download", "one file"):
        # Of what this machine logged itself a copy is in its cache.
        equal(elsewhere(ONE_FILE, WANDB_CACHE_DIR=os.path.abspath("fresh")), "second")
    with step("artifacts: link"):
        user.link_artifact(api.artifact(name("data:best")), "shelf", aliases=["shown"])
        # Old clients link while the run ends.
        user.finish()
        equal(api.artifact(name("shelf:shown")).digest, api.artifact(name("data:best")).digest)
    user.finish()
    with step("artifacts: of another project"):
        visitor = wandb.init(project=PROJECT + "-other", id="visitor", reinit=True)
        used = visitor.use_artifact(name("data:best"))
        with open(os.path.join(used.download("visited"), "deep", "b.txt")) as file:
            equal((used.version, file.read()), ("v0", "second"))
        visitor.finish()
        equal([each.name for each in api.run(f"{ENTITY}/{PROJECT}-other/visitor").used_artifacts()], ["data:v0"])
    with step("artifacts: lineage"):
        found = api.artifact(name("data:best"))
        equal((found.logged_by().id, sorted(each.id for each in found.used_by())), ("maker", ["user", "visitor"]))
        assert "data:v0" in [each.name for each in api.run(path("maker")).logged_artifacts()]
        equal([each.name for each in api.run(path("user")).used_artifacts()], ["data:v0"])
    with step("artifacts: aliases"):
        found = api.artifact(name("data:best"))
        found.aliases.append("prod")
        found.save()
        equal(api.artifact(name("data:prod")).version, "v0")
    if (0, 15) <= VERSION < (0, 18):
        with step("artifacts: in parts"):
            # In one process, where what is large was said.
            equal(elsewhere(IN_PARTS, WANDB_DISABLE_SERVICE="true", WANDB_START_METHOD="thread"), "3")
            with open(os.path.join(api.artifact(name("large:latest")).download("large"), "large.bin"), "rb") as file:
                equal(file.read(), bytes(range(256)) * 4_000)
    with step("artifacts: delete"):
        api.artifact(name("data:v1")).delete(delete_aliases=True)
        try:
            wandb.Api().artifact(name("data:v1"))
            gone = False
        except Exception:
            gone = True
        equal(gone, True)


if __name__ == "__main__":
    main()

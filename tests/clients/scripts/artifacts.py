"""Artifacts: made by one run, used by another, found again by name."""

import os

import wandb
from steps import PROJECT, equal, path, step


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
    run.finish()
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
    with step("artifacts: link"):
        user.link_artifact(api.artifact(name("data:best")), "shelf", aliases=["shown"])
        # Old clients link while the run ends.
        user.finish()
        equal(api.artifact(name("shelf:shown")).digest, api.artifact(name("data:best")).digest)
    user.finish()
    with step("artifacts: lineage"):
        found = api.artifact(name("data:best"))
        equal((found.logged_by().id, [each.id for each in found.used_by()]), ("maker", ["user"]))
        assert "data:v0" in [each.name for each in api.run(path("maker")).logged_artifacts()]
        equal([each.name for each in api.run(path("user")).used_artifacts()], ["data:v0"])
    with step("artifacts: aliases"):
        found = api.artifact(name("data:best"))
        found.aliases.append("prod")
        found.save()
        equal(api.artifact(name("data:prod")).version, "v0")
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

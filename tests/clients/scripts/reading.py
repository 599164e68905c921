"""Reads back, with the client's own Api, what writing.py logged."""

import hashlib
import json
import math
import os

import wandb
from steps import ENTITY, PROJECT, equal, path, step


def digest(name):
    with open(name, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def check_media(run, rows, key, kind):
    """Find a file that was logged under a key, and hold its bytes against the digest in the row."""
    found = [row[key] for row in rows if row.get(key) is not None]
    equal(len(found), 1)
    equal(found[0]["_type"], kind)
    run.file(found[0]["path"]).download(root="media", replace=True)
    if "sha256" in found[0]:
        equal(digest(os.path.join("media", found[0]["path"])), found[0]["sha256"])
    return os.path.join("media", found[0]["path"])


def main():
    api = wandb.Api()
    run = api.run(path("whole"))
    rows = []
    with step("init and finish", "read back"):
        equal((run.state, run.name, run.id, run.entity, run.project), ("finished", "a whole run", "whole", ENTITY, PROJECT))
    with step("Api: history"):
        rows = run.history(samples=1000, pandas=False)
        equal([row["_step"] for row in rows][:20], list(range(20)))
    with step("metrics"):
        equal([(row["n"], row["loss"]) for row in rows[:20]], [(i, 1 / (i + 1)) for i in range(20)])
    with step("NaN and infinities"):
        odd = [float(row["odd"]) for row in rows[:4]]
        assert math.isnan(odd[0]), odd
        equal(odd[1:], [float("inf"), -float("inf"), 1.5])
    with step("config"):
        expected = {"lr": 0.1, "layers": [1, 2], "nested": {"a": {"b": "c"}}, "later": 1}
        equal({key: run.config.get(key) for key in expected}, expected)
    with step("summary"):
        equal((run.summary["best"], run.summary["n"], run.summary["loss"]), (0.5, 19, 1 / 20))
    with step("define_metric"):
        equal(run.summary["lowest"]["min"], 0)
    with step("tags, notes, group"):
        equal((sorted(run.tags), run.notes), (["one", "two"], "some words"))
        equal((run._attrs["group"], run._attrs["jobType"]), ("pair", "train"))
    with step("console"):
        run.file("output.log").download(root="read", replace=True)
        with open("read/output.log") as file:
            equal([line for line in file.read().splitlines() if line.startswith("printed")], [f"printed {i}" for i in range(20)])
    with step("system metrics"):
        events = run.history(stream="events", samples=100, pandas=False)
        assert any(key.startswith("system.") for row in events for key in row), events
    with step("files", "download"):
        run.file("saved file.txt").download(root="read", replace=True)
        with open("read/saved file.txt") as file:
            equal(file.read(), "kept")
        run.file("er/now.txt").download(root="read", replace=True)
        with open("read/er/now.txt") as file:
            equal(file.read(), "deep")
    names = []
    with step("Api: files", "list"):
        names = [file.name for file in run.files()]
        assert {"config.yaml", "output.log", "requirements.txt", "wandb-metadata.json", "wandb-summary.json"} <= set(names), names
    with step("code saving"):
        assert any(name.startswith("code/") and name.endswith("writing.py") for name in names), names
    with step("image", "read back"):
        check_media(run, rows, "picture", "image-file")
    with step("table", "read back"), open(check_media(run, rows, "table", "table-file")) as file:
        equal(json.load(file)["data"], [[1, "one"], [2, "zwei ü"]])
    with step("html", "read back"), open(check_media(run, rows, "page", "html-file")) as file:
        assert "<p>hello</p>" in file.read()
    with step("audio", "read back"):
        check_media(run, rows, "sound", "audio-file")
    with step("video", "read back"):
        check_media(run, rows, "film", "video-file")
    with step("histogram", "read back"):
        spread = next(row["spread"] for row in rows if row.get("spread"))
        equal((spread["_type"], sum(spread["values"])), ("histogram", 7))
    with step("custom chart", "read back"):
        key = next(key for row in rows for key in row if key.startswith("chart") and row[key])
        check_media(run, rows, key, "table-file")
    with step("Api: scan_history"):
        equal(len(list(run.scan_history())), len(rows))
        equal([row["n"] for row in run.scan_history(keys=["n", "loss"], page_size=7)], list(range(20)))
    with step("Api: runs"):
        assert "whole" in [each.id for each in api.runs(f"{ENTITY}/{PROJECT}")]
        assert PROJECT in [each.name for each in api.projects(ENTITY)]
    with step("Api: update"):
        run.tags.append("three")
        run.config["after"] = 5
        run.update()
        run.summary.update({"judged": 0.25})
        again = wandb.Api().run(path("whole"))
        equal((sorted(again.tags), again.config["after"], again.config["lr"]), (["one", "three", "two"], 5, 0.1))
        equal((again.summary["judged"], again.summary["best"]), (0.25, 0.5))
    with step("Api: files", "upload"):
        with open("sent later.txt", "w") as file:
            file.write("later")
        run.upload_file("sent later.txt")
        run.file("sent later.txt").download(root="read", replace=True)
        with open("read/sent later.txt") as file:
            equal(file.read(), "later")
    with step("Api: filters"):
        equal([each.id for each in api.runs(f"{ENTITY}/{PROJECT}", filters={"config.lr": 0.1})], ["whole"])
        equal([each.id for each in api.runs(f"{ENTITY}/{PROJECT}", filters={"config.lr": 0.2})], [])


if __name__ == "__main__":
    main()

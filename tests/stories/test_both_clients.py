"""Plain scripts that say `import wandb`, run unchanged with the official client and with ours: what arrives at the server is the same.

What may differ is taken out by `without_what_may_differ`, and by the tests themselves, each with its reason.
"""

import hashlib
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from outside import Machine, Server
from PIL import Image

pytestmark = pytest.mark.story

SCRIPTS = Path(__file__).parent.parent / "scripts"
# The whole difference between the two clients, as a script sees it.
SHIM = "import sys\n\nimport runkey\n\nsys.modules['wandb'] = runkey\n"

LABELS = ("mask/class_labels", "bounding_box/class_labels")

Both = Callable[[str], tuple[dict[str, Any], dict[str, Any]]]

FIELDS = """
    state displayName notes tags group jobType exitCode historyLineCount config summaryMetrics
    history(minStep: 0, maxStep: 1000000000, samples: 100000) events(samples: 10)
    files(first: 1000) { edges { node { name sizeBytes directUrl } } }
"""


def what_arrived(server: Server, key: str, run: str, home: Path) -> dict[str, Any]:
    query = f'query Q {{ project(name: "scripts") {{ run(name: "{run}") {{ {FIELDS} }} }} }}'
    answer = json.loads(server.post("/graphql", {"query": query}, key)[1])
    found: dict[str, Any] = answer["data"]["project"]["run"]
    found["config"], found["summary"] = json.loads(found["config"]), json.loads(found.pop("summaryMetrics"))
    found["history"] = [json.loads(line) for line in found["history"]]
    found["events"] = [json.loads(line) for line in found["events"]]
    nodes = [edge["node"] for edge in found["files"]["edges"]]
    found["files"] = {node["name"]: read(server, key, node["directUrl"]) for node in nodes}
    # A traceback names the folder that the script lies in.
    found["files"] = {name: data.replace(str(home).encode(), b"HOME") for name, data in found["files"].items()}
    return found


def read(server: Server, key: str, address: str) -> bytes:
    status, data = server.get(address.removeprefix(server.url), key)
    assert status == 200, address
    return data


@pytest.fixture(scope="module")
def keys(server: Server) -> dict[str, str]:
    """Each client has an account of its own, so that ids and names can be the same."""
    return {client: server.key(client) for client in ("theirs", "ours")}


@pytest.fixture
def both(server: Server, keys: dict[str, str], tmp_path: Path) -> Callable[[str], tuple[dict[str, Any], dict[str, Any]]]:
    """Runs a script with the official client and with ours; gives what arrived by each."""

    def run(script: str) -> tuple[dict[str, Any], dict[str, Any]]:
        arrived = {}
        for client, key in keys.items():
            home = tmp_path / client
            (home / "shim").mkdir(parents=True)
            (home / "shim" / "wandb.py").write_text(SHIM)
            (home / "script.py").write_bytes((SCRIPTS / f"{script}.py").read_bytes())
            environment = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": key, "PYTHONPATH": "shim" if client == "ours" else ""}
            done = Machine(home).run(sys.executable, "script.py", **environment)
            assert done.returncode == 0, done.stderr
            assert ("runkey: Finished" in done.stderr) is (client == "ours"), done.stderr
            arrived[client] = what_arrived(server, key, script, home)
        return arrived["theirs"], arrived["ours"]

    return run


def without_what_may_differ(found: dict[str, Any]) -> dict[str, Any]:
    """Take out of what arrived what each client may have its own way."""
    found = dict(found)
    # What a client says of itself and of the machine; the layers' labels and the metrics in it are compared.
    private = found["config"].pop("_wandb")["value"]
    found["labels"] = {name: private.get(name) for name in LABELS}
    found["metrics"] = metrics_by_name(private.get("m", ()))
    # When it was.
    for row in found["history"]:
        del row["_timestamp"], row["_runtime"]
    for name in ("_timestamp", "_runtime", "_wandb"):
        del found["summary"][name]
    # How busy the machine was. Which figures there are is compared; the CPU's needs two readings, and a short run has one.
    found["events"] = sorted({name for row in found["events"] for name in row} - {"system.cpu"})
    found["files"] = files = dict(found["files"])
    # The same facts as in config and summary, in another order; the packages, of which each client sees what it can import.
    for name in ("config.yaml", "wandb-metadata.json", "wandb-summary.json", "requirements.txt"):
        assert files.pop(name), name
    # Ours sends code when it is asked to, by save_code=True; the official client does unless it is asked not to.
    if "code/script.py" in files and not found["config"].get("learning_rate"):
        del files["code/script.py"]
    # What a client says itself on the terminal while the run goes on.
    printed = files.pop("output.log", b"").decode().splitlines()
    found["printed"] = [line for line in printed if not line.startswith(("wandb:", "runkey:"))]
    return same_files(found)


def metrics_by_name(metrics: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give definitions by name: the official client lists them in any order, and counts a step metric by its place in the list."""
    names = [metric.get("1") or metric.get("2") for metric in metrics]
    return {
        str(name): {**metric, "5": names[metric["5"] - 1] if "5" in metric else None, "6": sorted(metric["6"])}
        for name, metric in zip(names, metrics, strict=True)
    }


def same_files(found: dict[str, Any]) -> dict[str, Any]:
    """Let files that say the same be the same: pictures by their pixels, JSON by its values, in names too, which hold digests of bytes.

    The official client has its pictures compressed by Pillow, ours by the standard library; JSON it writes with other spaces.
    """
    digests = {}
    files = {}
    for name, data in found["files"].items():
        if name.endswith(".png"):
            with Image.open(io.BytesIO(data)) as picture:
                content = f"{picture.mode} {picture.size} ".encode() + picture.tobytes()
        elif name.endswith(".json"):
            content = json.dumps(json.loads(data), sort_keys=True).encode()
        else:
            content = data
        digest = hashlib.sha256(content).hexdigest()
        digests[hashlib.sha256(data).hexdigest()] = digest
        old = re.search(r"_([0-9a-f]{20})\.", name)
        files[name.replace(old[1], digest[:20]) if old else name] = content
    # Of a file whose bytes may differ its length may too, and it is in the dict that names it.
    found = dict(found, files=files)
    for member in ("history", "summary"):
        text = json.dumps(found[member])
        for old_digest, digest in digests.items():
            text = text.replace(old_digest, digest).replace(old_digest[:20], digest[:20])
        found[member] = json.loads(text, object_hook=_without_place)
    return found


def _without_place(value: dict[str, Any]) -> dict[str, Any]:
    if "_type" in value:
        # The official client keeps a table as an artifact too, which the server does not have.
        for name in ("artifact_path", "_latest_artifact_path"):
            value.pop(name, None)
        if value["_type"] in ("image-file", "mask", "boxes2D", "table-file"):
            value.pop("size")
    return value


def plain(value: Any) -> str:
    """Give it as text, sorted: not a number equals nothing, and 1.0 is 1."""
    return json.dumps(_whole(value), sort_keys=True, indent=1, default=repr)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def assert_same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    theirs, ours = without_what_may_differ(theirs), without_what_may_differ(ours)
    assert list(ours) == list(theirs)
    for name in theirs:
        assert plain(ours[name]) == plain(theirs[name]), name


def test_a_quickstart_arrives_the_same(both: Both) -> None:
    theirs, ours = both("quickstart")
    assert (ours["state"], ours["displayName"], ours["tags"]) == ("finished", "a first run", ["baseline", "paper"])
    assert len(ours["history"]) == 10
    assert_same(theirs, ours)


def test_metrics_steps_and_summary_arrive_the_same(both: Both) -> None:
    theirs, ours = both("metrics")
    assert ours["tags"] == ["measured"]
    assert (ours["summary"]["best"], ours["summary"]["lr"]) == (0.95, 0.001)
    # A mean of what is no number: the official client says it is none, and its greatest 0. Ours counts true and false as 1 and 0, and
    # keeps the last text.
    assert [each["summary"].pop("val/flag") for each in (theirs, ours)] == [{"max": 0, "mean": ANY}, {"max": True, "mean": 0.5}]
    assert [each["summary"].pop("val/note") for each in (theirs, ours)] == [{"max": 0, "mean": ANY}, "after 19"]
    assert_same(theirs, ours)


def test_media_arrive_the_same(both: Both) -> None:
    theirs, ours = both("media")
    kinds = {value["_type"] for row in ours["history"] for value in row.values() if isinstance(value, dict)}
    assert kinds == {"image-file", "images/separated", "histogram", "html-file", "audio-file", "table-file"}
    # Names that nobody chose.
    for each in (theirs, ours):
        assert each.pop("displayName")
    assert_same(theirs, ours)


def test_saved_files_and_an_exception_arrive_the_same(both: Both) -> None:
    theirs, ours = both("saving")
    assert (ours["state"], ours["exitCode"]) == ("failed", 1)
    assert ours["files"]["last.txt"] == b"final words"
    for each in (theirs, ours):
        assert each.pop("displayName")
    assert_same(theirs, ours)


def test_what_is_printed_arrives_the_same(both: Both) -> None:
    theirs, ours = both("printing")
    for each in (theirs, ours):
        assert each.pop("displayName")
    assert_same(theirs, ours)
    # Its own lines are none that a script prints.
    assert ours["files"]["output.log"].decode().startswith("before\n")


def test_what_configs_are_made_of_arrives_the_same(both: Both) -> None:
    theirs, ours = both("values")
    assert (ours["config"]["path"]["value"], ours["config"]["split"]["value"]) == ("data/train.csv", "TRAIN")
    assert_same(theirs, ours)


def test_several_runs_arrive_the_same(both: Both, server: Server, keys: dict[str, str], tmp_path: Path) -> None:
    theirs, ours = both("several")
    assert [row["x"] for row in ours["history"]] == [1, 2, 3]
    assert_same(theirs, ours)
    found = {}
    for name in ("several-beside", "several-1", "several-2", "several-3"):
        theirs, ours = (what_arrived(server, key, name, tmp_path / client) for client, key in keys.items())
        found[name] = ours["state"], ours["exitCode"], len(ours["history"])
        # A child that fails is one that ended well to the official client, and what it says of that is in its parent's log or its own.
        if name == "several-3":
            assert b"ValueError: as a child fails" in ours["files"]["output.log"]
        for each in (theirs, ours):
            del each["state"], each["exitCode"]
            # Whether so short a run is looked at.
            each["events"].clear()
            each["files"].pop("output.log", None)
        assert_same(theirs, ours)
    assert found == {
        "several-beside": ("finished", 0, 1),
        "several-1": ("finished", 0, 3),
        "several-2": ("failed", 3, 3),
        "several-3": ("failed", 1, 3),
    }

"""A run's page without a script, in a real browser: what it printed, the machine's figures, downloads; hostile lines."""

import json

import pytest
from accessibility import check_everybody_can_use
from browsing import look, watched
from outside import Server

pytestmark = [pytest.mark.story, pytest.mark.browser]

STAMP = "2026-03-01T12:00:00.25"
LONG = f"{STAMP} a line without an end " + "x" * 3_000


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    link = next(line.strip() for line in server.operate("user", "create", "mira").splitlines() if "/welcome#" in line)
    key = server.operate("key", "create", "--user", "mira").strip()
    query = (
        "mutation U($n: String, $d: String, $c: JSONString, $s: JSONString) "
        '{ upsertBucket(input: {name: $n, modelName: "p", displayName: $d, config: $c, summaryMetrics: $s}) { inserted } }'
    )
    config = {"nothing": {"value": None}, "_wandb": {"value": {"m": [{"1": "epoch", "6": [2, 3], "7": []}]}}}
    picture = {"_type": "image-file", "path": "media/images/seen_1.png", "sha256": "0" * 64, "size": 100, "width": 28, "height": 20}
    summary = {"picture": picture, "spread": {"_type": "histogram", "values": [1] * 64, "bins": list(range(65))}}
    said = {"n": "r1", "c": json.dumps(config), "s": json.dumps(summary)}
    for variables in (said, {"n": "r2", "d": "a name that goes on " + "y" * 480}):
        status, answer = server.post("/graphql", {"query": query, "variables": variables}, key)
        assert status == 200, answer
    lines = [f"{STAMP} epoch {i}: loss {1 / (i + 1):.4f}" for i in range(400)]
    lines[390] = f"ERROR {STAMP} a warning on \x1b[33mstderr\x1b[0m"
    lines[391] = f"{STAMP} <img src=x onerror=alert(1)>\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07 \u202edesrever"
    lines[392] = LONG
    events = [{"_runtime": i * 2.5, "system.cpu": 50 + i % 7, "system.memory_percent": 30 + i / 10} for i in range(60)]
    body = {
        "files": {
            "wandb-history.jsonl": {"offset": 0, "content": [json.dumps({"_step": i, "loss": 1 / (i + 1), "epoch": i}) for i in range(50)]},
            "wandb-events.jsonl": {"offset": 0, "content": [json.dumps(row) for row in events]},
            "output.log": {"offset": 0, "content": lines},
        }
    }
    assert server.post("/files/mira/p/r1/file_stream", body, key)[0] == 200
    return link


def test_what_was_printed_and_the_machines_figures(browser: object, server: Server, key: str) -> None:
    page = watched(browser, server, java_script_enabled=False)
    page.goto(key)
    page.fill("#code", key.split("#")[1])
    page.fill("#password", "four quiet otters at noon")
    page.click("text=Save and sign in")
    page.goto(server.url + "/mira/p/runs/r1")
    page.click("noscript a")
    assert page.url.endswith("/mira/p/runs/r1?plain")
    # What its author hid is not drawn; media are words; JSON, not Python.
    assert page.locator("section.charts figcaption").all_inner_texts()[0].split()[0] == "loss"
    assert page.locator("section.charts figcaption").count() == 1
    assert page.locator("dd").all_inner_texts() == ["null", "picture, 28 × 20: media/images/seen_1.png", "histogram of 64 bins"]
    assert page.inner_text(".console").count("\n") >= 199
    assert page.inner_text("#line-391").split() == ["391", "12:00:00", "stderr", "a", "warning", "on", "stderr"]
    assert page.inner_text("#line-393").endswith("… 1022 more characters")
    assert page.locator("img[src=x]").count() == 0
    look(page, "run-console")
    page.click("text=Older")
    assert "Lines 1 to 200 of 400." in page.inner_text("#console")
    page.fill("#find", "epoch 39")
    page.click("button:has-text('Find')")
    assert "8 of 400 lines hold “epoch 39”." in page.inner_text("#console")
    look(page, "run-find")
    check_everybody_can_use(page)
    page.click("#line-40 a")
    assert page.locator("#line-40").is_visible()
    assert page.url.endswith("#line-40")
    page.click("text=Newest")
    assert page.locator("#line-400").is_visible()
    assert not page.locator("text=system.cpu").is_visible()
    page.click("summary")
    assert page.locator("text=system.cpu").is_visible()
    look(page, "run-system")
    for name, file in (
        ("History as CSV", "p-r1.csv"),
        ("System figures as Parquet", "p-r1-events.parquet"),
        ("Download", "p-r1-output.log"),
    ):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name, exact=True).click()
        assert waiting.value.suggested_filename == file
    page.goto(server.url + "/mira/p")
    page.click("noscript a")
    look(page, "project-downloads")
    # A long name is cut, and the columns beside it stay in sight.
    state = page.locator("tr", has_text="a name that goes on").locator(".state").bounding_box()
    assert state["x"] + state["width"] < page.viewport_size["width"]
    assert page.locator("a", has_text="a name that goes on").bounding_box()["height"] < 100
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Runs as CSV").click()
    assert waiting.value.suggested_filename == "p-runs.csv"
    assert page.problems == []

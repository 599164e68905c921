"""One run looked through in a real browser: charts, media, what it was begun with, its machine, console and files."""

import json
from pathlib import Path

import pytest
from desk import Desk, panel, walk
from outside import Machine, eventually

pytestmark = [pytest.mark.story, pytest.mark.browser]


SCRIPT = """
import random, runkey
from PIL import Image
config = {"lr": 0.1, "a.b": 1, "a": {"b": 2}, **{f"key{i}": i for i in range(9)}}
run = runkey.init(project="media", id="shown", name="a run with media", config=config, notes="a note")
for step in range(4):
    print("epoch", step, "of four")
    picture = runkey.Image(Image.new("RGB", (40, 30), (60 * step, 90, 30)), caption=f"picture {step}")
    table = runkey.Table(columns=["word", "number"], data=[["one", step], ["<b>bold", None]])
    run.log({"loss": 1 / (step + 1), "seen": picture, "spread": runkey.Histogram([random.random() for _ in range(200)]), "table": table})
with open("notes.txt", "w") as file:
    file.write("first line\\nsecond line\\n" + "wide " * 200)
run.save("notes.txt")
run.finish()
"""


def test_a_run_is_looked_through(desk: Desk, machine: Machine) -> None:
    done = machine.python(SCRIPT, RUNKEY_HOST=desk.server.url, RUNKEY_API_KEY=desk.key)
    assert done.returncode == 0, done.stderr
    page = desk.page("/mira/media/runs/shown")
    panel(page, "loss").wait_for()
    walk(page, "run-charts")
    # Tabs, by the keyboard alone.
    page.get_by_role("tab", name="Charts").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", selected=True).inner_text() == "Media"
    assert page.evaluate("document.activeElement.id") == "tab-media"
    card = page.locator("figure", has_text="seen")
    card.locator("img").wait_for()
    eventually(lambda: card.locator("img").evaluate("image => image.naturalWidth") == 40)
    assert "picture 3" in card.inner_text() and "step 3" in card.inner_text()
    page.get_by_label("Step of seen").focus()
    page.keyboard.press("Home")
    card.get_by_text("picture 0").wait_for()
    assert card.locator("img").get_attribute("alt") == "picture 0"
    assert page.locator("figure", has_text="spread").locator(".bars i").count() == 64
    table = page.locator("figure:has(table)")
    assert table.locator("td").all_inner_texts() == ["one", "3", "<b>bold", ""]
    walk(page, "run-media")
    page.get_by_role("tab", name="Media").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", selected=True).inner_text() == "Overview"
    page.get_by_text("a note").wait_for()
    config = page.locator("section", has=page.get_by_role("heading", name="Config"))
    assert config.locator("dt", has_text="a.b").count() == 2, "two ways to one dotted name"
    page.get_by_label("Search Config").fill("key7")
    assert config.locator("dt").all_inner_texts() == ["key7"]
    page.get_by_text("Requirements", exact=True).click()
    page.locator("pre", has_text="pytest==").wait_for()
    walk(page, "run-overview")
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("tab", selected=True).inner_text() == "Files", "after the first comes the last"
    row = page.locator("tr", has_text="notes.txt")
    row.get_by_role("button").click()
    page.locator("td pre", has_text="second line").wait_for()
    walk(page, "run-files")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.get_by_role("button", name="wandb-metadata.json").bounding_box()["height"] < 60, "a name has room on a phone, too"
    page.set_viewport_size({"width": 1280, "height": 900})
    with page.expect_download() as waiting:
        row.get_by_role("link").click()
    assert waiting.value.suggested_filename == "notes.txt"
    assert Path(waiting.value.path()).read_text().startswith("first line\nsecond line\n")
    page.get_by_role("tab", name="Console").click()
    page.locator(".console").get_by_text("epoch 3 of four").wait_for()
    page.get_by_role("searchbox", name="Find in what was printed").fill("EPOCH 2")
    page.keyboard.press("Enter")
    page.get_by_text("1 line of 4 holds “EPOCH 2”.").wait_for()
    assert page.locator(".console mark").all_inner_texts() == ["epoch 2"]
    walk(page, "run-console")
    # The page comes back to the tab that it was left at.
    page.reload()
    page.locator(".console").wait_for()
    # On the project's page the media of several runs stand side by side, in a panel that somebody makes.
    page.goto(desk.server.url + "/mira/media")
    page.get_by_role("button", name="Add panel").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Kind").select_option("media")
    assert "Choose what is shown." not in dialog.inner_text()
    dialog.get_by_role("button", name="Add").click()
    assert "Choose what is shown." in dialog.inner_text()
    assert dialog.get_by_role("combobox", name="Media", exact=True).locator("option").all_inner_texts()[-2:] == ["seen", "table"]
    dialog.get_by_role("combobox", name="Media", exact=True).select_option("seen")
    dialog.get_by_role("button", name="Add").click()
    gallery = page.get_by_role("group", name="seen of 1 run")
    gallery.locator("figure", has_text="a run with media").locator("img").wait_for()
    eventually(lambda: gallery.locator("img").evaluate("image => image.naturalWidth") == 40)
    walk(page, "own-media")
    assert page.problems == []


def test_figures_of_the_machine_and_one_chart_alone(desk: Desk) -> None:
    desk.begin("system", "busy")
    events = [json.dumps({"_runtime": i * 2.5, "system.cpu": 50 + i % 7, "system.memory_percent": 30.0}) for i in range(60)]
    desk.log("system", "busy", [{"_step": i, "loss": i} for i in range(5)], files={"wandb-events.jsonl": events}, complete=True, exitcode=0)
    page = desk.page("/mira/system/runs/busy#system")
    panel(page, "system.cpu").locator(".chart").wait_for()
    walk(page, "run-system")
    page.get_by_role("tab", name="Charts").click()
    page.get_by_role("button", name="Show loss larger").click()
    page.locator("dialog .chart").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download loss as a picture").click()
    assert waiting.value.suggested_filename == "loss.png"
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")
    page.get_by_role("button", name="Pin loss to the top").click()
    page.get_by_role("heading", name="Pinned").wait_for()
    page.get_by_label("Search panels").fill("nothing is called so")
    page.get_by_role("heading", name="No panel is called so").wait_for()
    assert [problem for problem in page.problems if not problem.startswith("blob:")] == []


def test_a_run_is_stopped_from_its_page(desk: Desk) -> None:
    desk.begin("stopping", "long")
    desk.log("stopping", "long", [{"_step": 0, "loss": 1.0}])
    page = desk.page("/mira/stopping/runs/long")
    page.get_by_role("button", name="Stop this run").click()
    page.get_by_text("It was asked to stop").wait_for()
    walk(page, "run-stopping")
    status, answer = desk.server.post("/files/mira/stopping/long/file_stream", {}, desk.key)
    assert (status, json.loads(answer)) == (200, {"stopped": True})
    desk.log("stopping", "long", [], complete=True, exitcode=255)
    page.locator(".state.failed").wait_for()
    assert page.get_by_text("It was asked to stop").count() == 0
    assert page.problems == []

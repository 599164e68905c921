"""Own panels in a real browser: made and moved by the keyboard, marked, downloaded; and a link whose layout is junk."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import quote

import pytest
from browsing import look, watched
from outside import Server

pytestmark = [pytest.mark.story, pytest.mark.browser]

HOSTILE = "</text><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def page(browser: object, server: Server) -> object:
    """The page of a project whose runs have numbers, texts, nothing, histograms and hostile names."""
    link = next(line.strip() for line in server.operate("user", "create", "mira").splitlines() if "/welcome#" in line)
    key = server.operate("key", "create", "--user", "mira").strip()
    query = (
        "mutation U($n: String, $d: String, $c: JSONString) "
        '{ upsertBucket(input: {name: $n, modelName: "p", displayName: $d, config: $c}) { inserted } }'
    )
    for number in range(4):
        lr = [0.0001, 0.01, "auto", None][number]
        config = {"lr": {"value": lr}, "opt": {"value": "adam" if number % 2 else HOSTILE}, "only": {"value": number}}
        said = {"n": f"r{number}", "d": f"{HOSTILE} {number}" if number == 1 else f"run {number}", "c": json.dumps(config)}
        status, answer = server.post("/graphql", {"query": query, "variables": said}, key)
        assert status == 200, answer
        rows = []
        for step in range(20):
            spread = {"_type": "histogram", "values": [1, step + 1, 2], "bins": [-1, 0, 1, 2]}
            rows.append(json.dumps({"_step": step, "loss": (number + 1) / (step + 1), "val/loss": number, "weights": spread}))
        files = {"wandb-history.jsonl": {"offset": 0, "content": rows}, "wandb-summary.json": {"offset": 0, "content": [rows[-1]]}}
        assert server.post(f"/files/mira/p/r{number}/file_stream", {"files": files, "complete": True, "exitcode": 0}, key)[0] == 200
    page = watched(browser, server, accept_downloads=True)
    page.goto(link)
    page.fill("#password", "four quiet otters at noon")
    page.click("text=Save and sign in")
    return page


def open_with(page: object, server: Server, layout: object) -> None:
    page.goto("about:blank")
    page.goto(f"{server.url}/mira/p#layout={quote(json.dumps(layout))}")
    page.locator("figure[data-panel=loss]").wait_for()


def titles(page: object) -> list[str]:
    return page.locator("[data-own] .title").all_inner_texts()


def test_panels_are_made_and_moved_by_the_keyboard_and_are_in_the_link(page: object, server: Server) -> None:
    open_with(page, server, {})
    chosen = {
        "lines": lambda dialog: dialog.get_by_label("And all that fit").fill("loss$"),
        "bars": lambda dialog: dialog.get_by_role("combobox", name="Metric").select_option("loss"),
        "scatter": lambda dialog: [
            dialog.get_by_role("combobox", name=n, exact=True).select_option(f"config.{c}") for n, c in (("X", "lr"), ("Y", "only"))
        ],
        "parallel": lambda dialog: [
            dialog.get_by_role("checkbox", name=f"config.{column}").press("Space") for column in ("lr", "opt", "only")
        ],
        "histogram": lambda dialog: dialog.get_by_role("combobox", name="Histogram", exact=True).select_option("weights"),
        "comparer": lambda dialog: None,
    }
    for kind, choose in chosen.items():
        page.get_by_role("button", name="Add panel").press("Enter")
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Kind").select_option(kind)
        if kind != "comparer":
            dialog.get_by_role("button", name="Add").press("Enter")
            assert dialog.get_by_role("alert").inner_text().startswith("Choose")
        choose(dialog)
        dialog.get_by_role("button", name="Add").press("Enter")
        dialog.wait_for(state="detached")
    assert titles(page) == ["/loss$/", "loss", "only over lr", "lr, opt, only", "weights", "Runs compared"]
    # Lines by an expression: both metrics that fit.
    page.locator("[role=img][aria-label='/loss$/, 8 lines']").wait_for()
    for kind in ("bars", "scatter", "parallel", "histogram"):
        number = list(chosen).index(kind)
        page.locator("[data-own]").nth(number).scroll_into_view_if_needed()
        page.locator("[data-own]").nth(number).locator("svg").wait_for()
    comparer = page.locator("[data-own]").nth(5)
    comparer.scroll_into_view_if_needed()
    comparer.locator("tbody tr.differs").first.wait_for()
    assert comparer.locator("tbody tr.differs").count() == 5
    look(page, "own-panels")
    page.get_by_role("button", name="Move loss: arrow keys").press("ArrowLeft")
    page.locator("[data-own]:first-child .title", has_text=re.compile("^loss$")).wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Move loss: arrow keys"
    page.get_by_role("button", name="More for loss", exact=True).first.press("Enter")
    page.get_by_role("button", name="Two columns wide").press("Enter")
    page.get_by_role("button", name="More for Runs compared").press("Enter")
    page.get_by_role("button", name="Remove", exact=True).press("Enter")
    page.get_by_role("button", name="Undo").press("Enter")
    page.get_by_role("button", name="More for weights").first.press("Enter")
    page.get_by_role("button", name="Remove", exact=True).press("Enter")
    page.get_by_role("button", name="Copy link").press("Enter")
    page.wait_for_url("**#layout=*")
    wanted = ["loss", "/loss$/", "only over lr", "lr, opt, only", "Runs compared"]
    assert titles(page) == wanted
    page.reload()
    page.locator("[data-own] svg").first.wait_for()
    assert titles(page) == wanted
    assert "wide" in page.locator("[data-own]").first.get_attribute("class").split()
    assert page.problems == []


PANELS = [
    {"id": "l", "kind": "lines", "keys": ["loss"], "title": HOSTILE},
    {"id": "b", "kind": "bars", "keys": ["loss"], "take": "smallest"},
    {"id": "s", "kind": "scatter", "keys": ["config.opt", "config.only"], "colour": "config.opt"},
    {"id": "p", "kind": "parallel", "keys": ["config.opt", "config.lr", "config.only"]},
]


def test_a_range_hides_the_runs_outside_it_and_the_arrow_keys_read_values(page: object, server: Server) -> None:
    open_with(page, server, {"panels": PANELS})
    own = page.locator("[data-own=p]")
    own.scroll_into_view_if_needed()
    own.locator("svg").wait_for()
    # A run without a number for lr is a line with a gap; no run is hidden.
    assert own.locator("svg path").count() == 4
    own.get_by_role("slider", name="only: at least").press("PageUp")
    assert own.get_by_role("status").inner_text().startswith("3 of 4 runs")
    assert own.locator("svg path").count() == 3
    own.get_by_role("slider", name="only: at least").press("Delete")
    assert own.locator("svg path").count() == 4
    box = own.locator(".axis").last.bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    assert own.get_by_role("status").inner_text().startswith("2 of 4 runs")
    own.get_by_role("button", name="Show all").click()
    assert own.locator("svg path").count() == 4
    bars = page.locator("[data-own=b]").get_by_role("slider")
    bars.press("Home")
    assert bars.get_attribute("aria-valuetext") == "run 3: 0.2"
    bars.press("End")
    assert bars.get_attribute("aria-valuetext") == "run 0: 0.05"
    assert page.problems == []


def test_every_drawing_is_a_file_and_no_name_becomes_a_mark_in_it(page: object, server: Server, tmp_path: Path) -> None:
    open_with(page, server, {"panels": PANELS})
    for panel in PANELS:
        own = page.locator(f"[data-own={panel['id']}]")
        own.scroll_into_view_if_needed()
        own.locator("svg, canvas").first.wait_for()
        with page.expect_download() as picture:
            own.get_by_role("button", name="as a picture").click()
        picture.value.save_as(tmp_path / "file.png")
        assert (tmp_path / "file.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        own.get_by_role("button", name="More for").click()
        with page.expect_download() as drawing:
            page.get_by_role("button", name="Download as SVG").click()
        drawing.value.save_as(tmp_path / "file.svg")
        tree = ElementTree.parse(tmp_path / "file.svg")
        assert {element.tag.partition("}")[2] for element in tree.iter()} <= {"svg", "title", "g", "rect", "circle", "path", "line", "text"}
        assert len(list(tree.iter())) > 10
    assert [problem for problem in page.problems if not problem.startswith("blob:")] == []


def test_a_panel_of_one_metric_has_settings_of_its_own(page: object, server: Server) -> None:
    open_with(page, server, {})
    page.locator("figure[data-panel=loss]").get_by_role("button", name="More for loss").click()
    page.get_by_role("button", name="Settings", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Log y").select_option(label="Always")
    dialog.get_by_label("Y to").fill("2")
    dialog.get_by_role("combobox", name="X axis").select_option("val/loss")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("location.hash.includes('adjusted')")
    assert json.loads(page.evaluate("decodeURIComponent(location.hash.slice(8))")) == {
        "adjusted": [{"name": "loss", "logY": True, "low": None, "high": 2, "x": "val/loss"}]
    }


JUNK = [None, 3, "x", [], [1, None, {}], {"column": 3}, [{"id": "a", "kind": "lines", "keys": [1], "pattern": "(a+)+$"}], {"__proto__": 1}]


@pytest.mark.parametrize("number", range(len(JUNK)))
def test_a_link_whose_layout_is_junk_shows_the_page(page: object, server: Server, number: int) -> None:
    names = (
        "smoothing amount x logX logY shade columns sort filters search group hidden shown pinned closed size panels adjusted view".split()
    )
    page.problems.clear()
    open_with(
        page, server, {name: JUNK[number] for name in names if name not in ("x", "search", "group") or not isinstance(JUNK[number], str)}
    )
    assert page.locator("td.run").count() == 4
    assert page.problems == []

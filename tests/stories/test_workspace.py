"""The page of a project in a real browser: runs compared, spans drawn finer, views that are copied, and a project with nothing in it."""

import json
import re
import urllib.parse
import urllib.request

import pytest
from desk import STEPS, Desk, hover, panel, shown_runs, walk

pytestmark = [pytest.mark.story, pytest.mark.browser]


def view(page: object) -> dict[str, object]:
    """What a person sees of a project: the table, what is chosen above it and above the charts, and the charts."""
    return {
        "columns": page.locator("thead th").all_inner_texts(),
        "runs": shown_runs(page),
        "eyes": page.locator("button.eye").evaluate_all("eyes => eyes.map(eye => eye.ariaPressed)"),
        "chosen": page.locator(".tools select, .toolbar select, .toolbar input[type=range]").evaluate_all(
            "found => found.map(f => f.value)"
        ),
        "ticked": page.locator(".toolbar input[type=checkbox]").evaluate_all("found => found.map(each => each.checked)"),
        "filter": page.locator("summary", has_text="Filter").inner_text(),
        "charts": page.locator(".chart").evaluate_all("found => found.map(each => each.ariaLabel)"),
    }


def test_somebody_compares_two_runs(desk: Desk, sweep: str) -> None:
    page = desk.page(sweep)
    asked = []
    page.on("request", lambda request: asked.append(request.post_data_json) if request.url.endswith("/charts") else None)
    page.wait_for_selector(".chart[aria-label='loss, 4 lines']")
    assert shown_runs(page) == ["dogwood", "cedar", "birch", "ash"], "the newest first"
    walk(page, "project")
    # The eye: two of four remain.
    for run in ("birch", "dogwood"):
        page.get_by_role("button", name=f"Show {run} in the charts").click()
    page.wait_for_selector(".chart[aria-label='loss, 2 lines']")
    assert asked and all(question["low"] is None for question in asked)
    _, values = hover(page, "loss")
    assert set(values) == {"ash", "cedar"}
    # Columns, and sorting by them.
    page.click("summary:has-text('Columns')")
    page.get_by_label("Search columns").fill("l")
    for column in ("lr", "loss"):
        page.locator(".list label", has_text=re.compile(rf"^\s*{column}\b")).click()
    walk(page, "columns")
    page.click("summary:has-text('Columns')")
    page.get_by_role("button", name="lr", exact=True).click()
    assert shown_runs(page) == ["dogwood", "cedar", "birch", "ash"], "the smallest rate first"
    page.get_by_role("button", name="lr ↑").click()
    assert shown_runs(page) == ["ash", "birch", "cedar", "dogwood"]
    assert page.locator("th[aria-sort=descending]").inner_text() == "lr ↓"
    assert page.locator("tbody tr", has_text="birch").locator("td.figure").all_inner_texts()[-2:] == ["0.02", "21"]
    # A search, and a filter.
    page.get_by_label("Search runs").fill("EVEN")
    assert shown_runs(page) == ["ash", "cedar"], "a tag is found too"
    page.get_by_label("Search runs").fill("")
    page.click("summary:has-text('Filter')")
    page.get_by_role("combobox", name="Column").select_option("config.lr")
    page.get_by_role("combobox", name="is", exact=True).select_option("<")
    page.get_by_label("Value").fill("0.05")
    page.get_by_role("button", name="Add", exact=True).click()
    assert shown_runs(page) == ["birch", "cedar", "dogwood"]
    walk(page, "filter")
    page.get_by_role("button", name="Remove").click()
    assert shown_runs(page) == ["ash", "birch", "cedar", "dogwood"]
    page.click("summary:has-text('Filter')")
    # A group of the two that are shown: both have one optimizer.
    page.get_by_role("combobox", name="Group").select_option("config.optimizer.name")
    page.wait_for_selector(".chart[aria-label='loss, 1 line']")
    assert set(hover(page, "loss")[1]) == {"adam (2)"}
    page.get_by_role("combobox", name="Group").select_option("")
    page.wait_for_selector(".chart[aria-label='loss, 2 lines']")
    assert desk.server.log.read_text().count("broke its content policy") == 0
    assert page.problems == []


def test_a_span_is_drawn_finer_and_smoothed(desk: Desk, sweep: str) -> None:
    page = desk.page(sweep + "#layout=" + urllib.parse.quote(json.dumps({"hidden": ["birch", "dogwood"]})))
    page.wait_for_selector(".chart[aria-label='loss, 2 lines']")
    at, values = hover(page, "loss")
    assert values == {"ash": 10.5, "cedar": 30.5}, "the means of buckets"
    box = panel(page, "loss").locator(".u-over").bounding_box()
    left, height = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    with page.expect_response("**/charts") as answer:
        page.mouse.move(left, height)
        page.mouse.down()
        page.mouse.move(left + box["width"] / 20, height)
        page.mouse.move(left + box["width"] / 10, height)
        page.mouse.up()
    question, series = answer.value.request.post_data_json, answer.value.json()["series"]
    assert question["keys"] == ["loss"]
    assert STEPS * 0.4 < question["low"] < question["high"] < STEPS * 0.7
    assert {each["run"] for each in series} == {"ash", "cedar"}
    for each in series:
        assert "low" not in each, "every step by itself"
        assert each["x"] == list(range(int(each["x"][0]), int(each["x"][-1]) + 1))
    page.get_by_role("button", name="Whole").wait_for()
    at, values = hover(page, "loss")
    assert question["low"] < at < question["high"]
    assert values == {"ash": 10 + at % 2, "cedar": 30 + at % 2}, "both, as they were logged"
    walk(page, "zoomed")
    # Smoothed by ten neighbours, what goes up and down by one is its mean.
    page.get_by_role("combobox", name="Smoothing").select_option("average")
    assert hover(page, "loss", 0.6)[1] == {"ash": 10.5, "cedar": 30.5}
    page.get_by_role("combobox", name="Smoothing").select_option("none")
    panel(page, "loss").locator(".u-over").dblclick()
    page.get_by_role("button", name="Whole").wait_for(state="detached")
    assert hover(page, "loss", 0.98)[0] > STEPS * 0.9
    # A logarithm shows numbers above zero alone.
    assert set(hover(page, "val/gain")[1]) == {"ash", "cedar"}
    page.get_by_label("Log y").check()
    assert set(hover(page, "val/gain")[1]) == {"ash"}
    assert page.problems == []


def test_a_copied_link_shows_the_same_view_elsewhere(desk: Desk, sweep: str) -> None:
    page = desk.page(sweep, permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_selector(".chart[aria-label='loss, 4 lines']")
    page.get_by_role("button", name="Show ash in the charts").click()
    page.click("summary:has-text('Columns')")
    page.locator(".list label", has_text=re.compile(r"^\s*lr\b")).click()
    page.click("summary:has-text('Columns')")
    page.get_by_role("button", name="lr", exact=True).click()
    page.click("summary:has-text('Filter')")
    page.get_by_label("Value").fill("finished")
    page.get_by_role("button", name="Add", exact=True).click()
    page.click("summary:has-text('Filter')")
    page.get_by_role("combobox", name="Group").select_option("config.optimizer.name")
    page.get_by_role("combobox", name="Smoothing").select_option("gaussian")
    page.get_by_label("Log x").check()
    page.get_by_role("combobox", name="X axis").select_option("_runtime")
    page.get_by_label("Size").fill("0")
    page.wait_for_selector(".chart[aria-label='loss, 2 lines']")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link to this view was copied.").last.wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    other = desk.page(link.removeprefix(desk.server.url))
    other.wait_for_selector(".chart[aria-label='loss, 2 lines']")
    assert view(other) == view(page)
    assert view(other)["filter"] == "Filter (1)"
    assert page.problems == other.problems == []


ODD_LINKS = [
    "no JSON",
    "[]",
    "null",
    '{"columns": ["state", "state", "config.absent", "__proto__"]}',
    '{"filters": [1, {"column": 5, "is": "like", "value": null}], "sort": {"column": 7}}',
    '{"panels": [null, {"id": 1}, {"id": "a", "keys": "loss"}], "smoothing": "much", "view": "none", "amount": -7, "size": 99}',
    '{"hidden": [1], "shown": ["absent", "absent"], "pinned": ["loss", "loss"], "group": "config.absent", "x": "absent"}',
]


def test_a_link_that_somebody_wrote_breaks_nothing(desk: Desk, sweep: str) -> None:
    page = desk.page(sweep)
    for number, link in enumerate(ODD_LINKS):
        page.goto(f"{desk.server.url}{sweep}?{number}#layout={urllib.parse.quote(link)}")
        page.wait_for_selector("tbody td.run a")
        assert len(shown_runs(page)) == 4, link
        panel(page, "loss").first.wait_for()
        page.get_by_role("combobox", name="Smoothing").select_option("average")
        page.get_by_role("button", name="Table").click()
        page.get_by_role("button", name="Both").click()
        panel(page, "loss").first.wait_for()
        assert page.problems == [], link


def test_a_project_and_a_run_with_nothing_in_them(desk: Desk) -> None:
    assert desk.server.post("/graphql", {"query": 'mutation { upsertModel(input: {name: "empty"}) { inserted } }'}, desk.key)[0] == 200
    page = desk.page("/mira/empty")
    page.get_by_role("heading", name="No runs yet").wait_for()
    assert 'runkey.init(project="empty")' in page.inner_text("main pre")
    walk(page, "empty-project")
    desk.begin("empty", "nothing")
    page.get_by_role("link", name="nothing").wait_for()
    walk(page, "project-without-figures")
    page.click("tbody a")
    page.get_by_role("heading", name="No figures yet").wait_for()
    walk(page, "empty-run")
    for tab, words in (("Overview", "Empty: runkey.init"), ("Console", "Nothing was printed."), ("Files", "No files")):
        page.get_by_role("tab", name=tab).click()
        page.get_by_text(words).first.wait_for()
        walk(page, f"empty-{tab.lower()}")
    assert page.problems == []
    # A tab that this run has not leads to its first one.
    page.goto(desk.server.url + "/mira/empty/runs/nothing#system")
    page.reload()
    assert page.get_by_role("tab", selected=True).inner_text() == "Charts"
    page.goto(desk.server.url + "/mira/empty/runs/absent")
    assert "Nothing here" in page.inner_text("h1")
    assert [problem for problem in page.problems if "status of 404" not in problem] == []

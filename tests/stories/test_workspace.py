"""The workspace in a real browser: runs compared, followed while they log, one run looked through; and what ends its stream of events."""

import base64
import http.client
import json
import re
import signal
import sqlite3
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from accessibility import check_everybody_can_use
from browsing import look, watched
from markup import ODD, UPSERT, Hall, as_name, packed
from outside import Machine, Server, eventually, start_server
from surfing import Surfer

pytestmark = [pytest.mark.story, pytest.mark.browser]


class Desk:
    """Somebody, what they log by hand, and their browser."""

    def __init__(self, server: Server, browser: object, name: str) -> None:
        self.server = server
        self.browser = browser
        self.name = name
        self.surfer = Surfer(server).sign_up(name)
        self.key = self.make_key()
        self._sent: dict[tuple[str, str, str], int] = {}

    def make_key(self) -> str:
        """Make a key as a person does."""
        return re.findall(r"rku_\w{36}", self.surfer.post("/settings/keys", description="by hand").body)[0]

    def page(self, path: str, surfer: Surfer | None = None, **options: object) -> object:
        """A browser of its own, signed in, at an address."""
        page = watched(self.browser, self.server, **options)
        cookies = (surfer or self.surfer).cookies
        page.context.add_cookies([{"name": name, "value": value, "url": self.server.url} for name, value in cookies.items()])
        page.set_default_timeout(10_000)
        page.goto(self.server.url + path)
        return page

    def begin(self, project: str, run: str, shown: str = "", tags: tuple[str, ...] = (), **config: object) -> None:
        """Make a run."""
        told = json.dumps({key: {"value": value} for key, value in config.items()})
        variables = {"name": run, "project": project, "shown": shown or run, "config": told, "tags": tags}
        status, answer = self.server.post("/graphql", {"query": UPSERT, "variables": variables}, self.key)
        assert status == 200 and b'"errors"' not in answer, answer

    def log(self, project: str, run: str, rows: "list[dict[str, object]]", printed: "list[str]" = (), **more: object) -> None:
        """Log rows and lines through the door that every client uses, after those that were sent before."""
        sent = {"wandb-history.jsonl": [json.dumps(row) for row in rows], "output.log": list(printed)}
        sent |= {name: list(lines) for name, lines in more.pop("files", {}).items()}
        files = {}
        for name, lines in sent.items():
            at = self._sent.get((project, run, name), 0)
            if lines:
                files[name] = {"offset": at, "content": lines}
                self._sent[project, run, name] = at + len(lines)
        if rows:
            files["wandb-summary.json"] = {"offset": 0, "content": [json.dumps(rows[-1])]}
        status, answer = self.server.post(f"/files/{self.name}/{project}/{run}/file_stream", {"files": files, **more}, self.key)
        assert status == 200, answer


@pytest.fixture(scope="module")
def desk(server: Server, browser: object) -> Desk:
    return Desk(server, browser, "mira")


def walk(page: object, name: str) -> None:
    """Look at a page in every size and scheme, and see whether everybody can use it."""
    look(page, f"workspace-{name}")
    check_everybody_can_use(page)


def panel(page: object, name: str) -> object:
    return page.locator(f'figure[data-panel="{name}"]')


def hover(page: object, name: str, share: float = 0.5) -> "tuple[float, dict[str, float]]":
    """Put the mouse over a chart, at such a share of its width; give the x that it tells of and the value of each line."""
    figure = panel(page, name)
    figure.scroll_into_view_if_needed()
    box = figure.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    page.wait_for_selector(".hover")
    rows = {
        row.locator(".label").inner_text(): as_number(row.locator(".figure").inner_text()) for row in figure.locator(".hover .row").all()
    }
    return as_number(figure.locator(".hover b").inner_text()), rows


def as_number(text: str) -> float:
    return float(text.replace(",", ""))


def shown_runs(page: object) -> list[str]:
    return page.locator("tbody td.run a").all_inner_texts()


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


STEPS = 3_000


@pytest.fixture(scope="module")
def sweep(desk: Desk) -> str:
    """Four runs of 3,000 steps. `loss` goes up and down by one, above a height of its own for each run; `gain` is below zero in one."""
    for number, (run, rate, kind) in enumerate(
        [("ash", 0.1, "adam"), ("birch", 0.02, "sgd"), ("cedar", 0.003, "adam"), ("dogwood", 0.0004, "sgd")]
    ):
        desk.begin("sweep", run, tags=("even",) if number % 2 == 0 else (), lr=rate, optimizer={"name": kind})
        rows = [
            {"_step": i, "_runtime": i / 2, "loss": 10 * (number + 1) + i % 2, "val/gain": (i + 1) * (-1 if run == "cedar" else 1)}
            for i in range(STEPS)
        ]
        desk.log("sweep", run, rows, complete=True, exitcode=0)
    return "/mira/sweep"


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


def test_a_run_is_followed_while_it_logs(desk: Desk) -> None:
    desk.begin("live", "one", lr=0.1)
    desk.log("live", "one", [{"_step": i, "loss": 0.5} for i in range(10)], ["begun"])
    layout = urllib.parse.quote(json.dumps({"columns": ["state", "summary.loss"]}))
    page = desk.page(f"/mira/live#layout={layout}")
    page.evaluate("window.wasNotLoadedAgain = true")
    panel(page, "loss").get_by_text("Last value 0.5").wait_for(state="attached")
    row = page.locator("tbody tr", has_text="one")
    assert row.locator("td").all_inner_texts()[2:] == ["running", "0.5"]
    # More rows, a new metric, a new run.
    desk.log("live", "one", [{"_step": 10, "loss": 0.25}])
    row.get_by_text("0.25").wait_for()
    panel(page, "loss").get_by_text("Last value 0.25").wait_for(state="attached")
    desk.log("live", "one", [{"_step": 11, "loss": 0.125, "accuracy": 0.75}])
    panel(page, "accuracy").get_by_text("Last value 0.75").wait_for(state="attached")
    desk.begin("live", "two")
    desk.log("live", "two", [{"_step": i, "loss": 2} for i in range(3)])
    page.get_by_role("link", name="two").wait_for()
    page.wait_for_selector(".chart[aria-label='loss, 2 lines']")
    assert shown_runs(page) == ["two", "one"]
    # The page of the run: its figures, and what it prints to the last line, which comes with its end.
    run = desk.page("/mira/live/runs/one")
    run.evaluate("window.wasNotLoadedAgain = true")
    panel(run, "loss").get_by_text("Last value 0.125").wait_for(state="attached")
    desk.log("live", "one", [{"_step": 12, "loss": 0.0625, "late/news": 1}])
    panel(run, "loss").get_by_text("Last value 0.0625").wait_for(state="attached")
    panel(run, "late/news").wait_for()
    run.get_by_role("tab", name="Console").click()
    run.locator(".console").get_by_text("begun").wait_for()
    desk.log("live", "one", [], ["under way"])
    run.locator(".console").get_by_text("under way").wait_for()
    walk(run, "run-live")
    desk.log("live", "one", [], ["the very last"], complete=True, exitcode=0)
    run.locator("h1 .finished").wait_for()
    run.locator(".console").get_by_text("the very last").wait_for()
    row.get_by_text("finished").wait_for()
    for each in (page, run):
        assert each.evaluate("window.wasNotLoadedAgain")
        assert each.problems == []


def listen(desk: Desk, project: str, **headers: str) -> "tuple[http.client.HTTPConnection, http.client.HTTPResponse]":
    """Hold a stream of events open, as a page does."""
    connection = http.client.HTTPConnection(desk.server.url.removeprefix("http://"), timeout=10)
    connection.request("GET", f"/{desk.name}/{project}/live", headers=headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert answer.readline() == b"retry: 2000\n"
    return connection, answer


def test_whoever_is_signed_out_hears_no_more(desk: Desk, sweep: str) -> None:
    leaving = Surfer(desk.server).sign_in(desk.name)
    page = desk.page(sweep, leaving)
    page.wait_for_selector(".chart[aria-label='loss, 4 lines']")
    run = desk.page(sweep + "/runs/ash", leaving)
    run.wait_for_selector(".chart[aria-label='loss, 1 line']")
    cookies = "; ".join(f"{name}={value}" for name, value in leaving.cookies.items())
    connection, stream = listen(desk, "sweep", Cookie=cookies)
    key = desk.make_key()
    by_key, stream_of_key = listen(desk, "sweep", Authorization=f"Bearer {key}")
    staying, stream_that_stays = listen(desk, "sweep", Authorization=f"Bearer {desk.key}")
    assert leaving.post("/signout", at="/").status == 303
    stream.read()
    assert desk.server.post("/graphql", {"query": "mutation { revokeApiKey(input: {}) { apiKey { id } } }"}, key)[0] == 200
    stream_of_key.read()
    for each in (connection, by_key):
        each.close()
    for each in (page, run):
        each.get_by_text("You are signed out. Load the page again to sign in.").wait_for()
    assert len(shown_runs(page)) == 4, "what is there stays"
    check_everybody_can_use(page)
    desk.log("sweep", "ash", [{"_step": STEPS, "loss": 1.0}])
    assert any(line.startswith(b"data: ") and b'"ash"' in line for line in iter(stream_that_stays.readline, b""))
    staying.close()
    for each in (page, run):
        assert [problem for problem in each.problems if "status of 401" not in problem] == []


def test_a_server_that_is_begun_again_is_followed_again(browser: object, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    desk = Desk(server, browser, "nora")
    desk.begin("p", "one", shown="before")
    desk.log("p", "one", [{"_step": 0, "loss": 0.5}])
    page, run = desk.page("/nora/p"), desk.page("/nora/p/runs/one")
    for each in (page, run):
        panel(each, "loss").get_by_text("Last value 0.5").wait_for(state="attached")
    connection, stream = listen(desk, "p", Authorization=f"Bearer {desk.key}")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=5) == 0, "streams that are open keep nothing from ending"
    stream.read()
    connection.close()
    for each in (page, run):
        each.get_by_text("Not connected").wait_for()
    walk(page, "not-connected")
    # What changed while nobody could listen is in no event.
    with closing(sqlite3.connect(server.data / "runkey.db")) as database, database:
        database.execute("UPDATE runs SET display_name = 'after'")
    port = server.url.rpartition(":")[2]
    again = start_server(server.data, "--listen", f"127.0.0.1:{port}")
    try:
        page.get_by_role("link", name="after").wait_for()
        run.locator("h1", has_text="after").wait_for()
        desk.log("p", "one", [{"_step": 1, "loss": 0.25}])
        for each in (page, run):
            panel(each, "loss").get_by_text("Last value 0.25").wait_for(state="attached")
            assert each.get_by_text("Not connected").count() == 0
            assert [problem for problem in each.problems if "ERR_" not in problem] == []
    finally:
        assert again.stop() == 0


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


@pytest.fixture(scope="module")
def hall(server: Server, browser: object) -> Hall:
    """Two projects' worth of names that are markup: one run with all of them in every field, and others that share them as names."""
    hall = Hall(server, browser)
    first = ODD[0]
    config = {odd: {"value": odd} for odd in ODD} | {"nested": {"value": {odd: [odd] for odd in ODD[:20]}}}
    told = {"config": json.dumps(config), "tags": ODD[:30], "group": first, "job": first, "host": first, "program": first, "commit": first}
    hall.graphql(UPSERT, name="all", project="odd", shown=first, notes=" ".join(ODD), **told)
    for number, pack in enumerate(packed(1_000, ODD)):
        more = {"config": json.dumps({first: {"value": pack}}), "tags": [pack], "group": pack, "job": pack, "host": pack, "notes": pack}
        hall.graphql(UPSERT, name=as_name(f"{number} {pack}"), project="odd", shown=pack, **more)
    metadata = dict.fromkeys(("host", "os", "python", "program", "cpu_count", "gpu", "gpu_count"), first)
    metadata |= {"args": ODD, "git": {"remote": first, "commit": first}, "memory": {"total": first}}
    table = {"columns": ODD, "data": [ODD, [{odd: odd} for odd in ODD]]}
    names = [odd.strip("/").replace("..", "") for odd in ODD]
    contents = dict.fromkeys([*names, *(f"{name}.txt" for name in names[:3]), "x.html", "x.svg"], b"<script>window.__xss=1</script>")
    contents |= {"wandb-metadata.json": json.dumps(metadata).encode(), "t.table.json": json.dumps(table).encode(), "a.png": PICTURE}
    save_files(hall, contents)
    media = {
        "pictures": {"_type": "images/separated", "filenames": ["a.png"] * 200, "captions": ODD},
        "rows": {"_type": "table-file", "path": "t.table.json"},
        "spread": {"_type": "histogram", "values": ODD[:5], "bins": ODD[:6]},
        f"seen {first}": {"_type": first, "path": "x.html", "caption": first},
        "page": {"_type": "html-file", "path": "x.html", "caption": first},
        "drawing": {"_type": "image-file", "path": "x.svg", "caption": first},
    }
    rows = [{"_step": step} | dict.fromkeys(ODD, step) | media for step in range(2)]
    summary = {f"said {odd}": odd for odd in ODD} | dict.fromkeys(ODD, 1) | media
    files = {
        "wandb-history.jsonl": {"offset": 0, "content": [json.dumps(row) for row in rows]},
        "wandb-summary.json": {"offset": 0, "content": [json.dumps(summary)]},
        "wandb-events.jsonl": {"offset": 0, "content": [json.dumps({"_runtime": i} | dict.fromkeys(ODD[:20], i)) for i in range(3)]},
        "output.log": {"offset": 0, "content": ODD},
    }
    status, answer = server.post("/files/eve/odd/all/file_stream", {"files": files, "complete": True, "exitcode": 0}, hall.key)
    assert status == 200, answer
    return hall


ALL_IN_SIGHT_ARE_DRAWN = """
() => [...document.querySelectorAll("figure")]
  .filter((each) => each.getBoundingClientRect().bottom > 0 && each.getBoundingClientRect().top < innerHeight)
  .every((each) => each.querySelector(".chart canvas"))
"""
FILES = """
mutation F($names: [String!]!) {
  createRunFiles(input: {entityName: "eve", projectName: "odd", runName: "all", files: $names}) { files { uploadUrl } }
}"""
PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def save_files(hall: Hall, contents: dict[str, bytes]) -> None:
    slots = hall.graphql(FILES, names=list(contents))["createRunFiles"]["files"]
    for slot, content in zip(slots, contents.values(), strict=True):
        request = urllib.request.Request(slot["uploadUrl"], data=content, method="PUT")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200


def left_out(hall: Hall, selector: str) -> list[str]:
    """The payloads that no such element shows as the very text that it is."""
    shown = "\n".join(hall.texts(selector))
    return [odd for odd in ODD if odd not in shown]


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("ASVS 3.2.2")
def test_markup_in_every_field_of_a_project(hall: Hall) -> None:
    def visit(name: str, **layout: object) -> None:
        hall.visit(f"/eve/odd?{name}#layout={urllib.parse.quote(json.dumps(layout))}")
        hall.page.wait_for_selector("tbody td.run a, figure")

    page = hall.page
    columns = [
        "name",
        "tags",
        "notes",
        "group",
        "jobType",
        "host",
        *(f"config.{odd}" for odd in ODD),
        *(f"summary.said {odd}" for odd in ODD),
    ]
    visit("table", view="table", columns=columns)
    for selector in (
        "td.run a",
        "tr td:nth-child(4)",
        "tr td:nth-child(5)",
        "tr td:nth-child(6)",
        "tr td:nth-child(7)",
        "thead",
        "tbody td",
    ):
        assert left_out(hall, selector) == [], selector
    page.click("summary:has-text('Columns')")
    page.get_by_label("Search columns").fill(ODD[1])
    page.click("summary:has-text('Filter')")
    page.get_by_label("Value").fill(ODD[2])
    page.get_by_role("combobox", name="Column").select_option(f"config.{ODD[3]}")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text(ODD[2]).first.wait_for()
    page.get_by_label("Search runs").fill(ODD[4])
    hall.check("tools")
    # Everything that a link can hold.
    filters = [{"column": odd, "is": "≠", "value": odd} for odd in ODD]
    names = dict.fromkeys(("columns", "hidden", "shown", "pinned", "closed"), ODD)
    panels = [{"id": odd, "kind": "lines", "title": odd, "keys": [odd]} for odd in ODD[:20]]
    visit("link", filters=filters, panels=panels, group=f"config.{ODD[0]}", x=ODD[0], sort={"column": ODD[0], "descending": True}, **names)
    page.get_by_role("button", name="Copy link").click()
    hall.check("link")
    # All charts, down to the last; what stands at the mouse; one alone.
    visit("charts", view="charts", size=0, shown=["all"])
    page.wait_for_selector(".chart")
    assert left_out(hall, "figcaption .title") == []
    bottom = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, bottom, 1_200):
        page.evaluate("top => scrollTo(0, top)", top)
        eventually(lambda: page.evaluate(ALL_IN_SIGHT_ARE_DRAWN))
    hover(page, ODD[0])
    assert ODD[0] in page.inner_text(".hover")
    page.locator("figure", has=page.locator(".chart")).first.get_by_role("button", name="larger").click()
    page.locator("dialog .chart").wait_for()
    hall.check("charts")
    page.keyboard.press("Escape")
    page.get_by_label("Search panels").fill(ODD[1])
    hall.check("search")
    assert "broke its content policy" not in hall.server.log.read_text()


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("ASVS 3.2.2")
def test_markup_in_every_field_of_a_run(hall: Hall) -> None:
    page = hall.page

    def visit(tab: str, selector: str) -> None:
        hall.visit(f"/eve/odd/runs/all?{tab}#{tab}")
        page.wait_for_selector(selector)
        hall.check(tab)

    visit("charts", ".chart")
    assert ODD[0] in hall.texts("h1")[0]
    assert left_out(hall, "figcaption .title") == []
    visit("media", "td")
    assert left_out(hall, "th") == left_out(hall, "td") == left_out(hall, ".pictures .hint") == []
    visit("overview", "dt")
    assert left_out(hall, "dt") == left_out(hall, "dd") == []
    page.get_by_label("Search Config").fill(ODD[5])
    assert ODD[5] in hall.texts("dt")
    hall.check("overview, searched")
    visit("system", ".chart")
    visit("console", ".console")
    assert left_out(hall, ".console") == []
    page.get_by_role("searchbox", name="Find in what was printed").fill(ODD[6])
    page.keyboard.press("Enter")
    page.wait_for_selector("mark")
    hall.check("console, searched")
    visit("files", "tbody tr")
    assert page.locator("tbody tr").count() > 200
    for name in ("x.html", "x.svg"):
        page.get_by_role("button", name=name, exact=True).click()
        page.locator("td pre", has_text="window.__xss").wait_for()
        hall.check(f"files, {name}")
    assert "broke its content policy" not in hall.server.log.read_text()

"""200 pieces of markup in every field of a project and a run, on every page and tab of the workspace, do nothing at all."""

import base64
import json
import urllib.parse
import urllib.request

import pytest
from desk import hover
from markup import ODD, UPSERT, Hall, as_name, packed
from outside import Server, eventually

pytestmark = [pytest.mark.story, pytest.mark.browser]


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
    contents = dict.fromkeys([*names, *(f"{name}.txt" for name in names[:3]), "x.html", "x.svg"], SCRIPT)
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
SCRIPT = b"<script>window.__xss = 1; parent.postMessage(`${window.__xss} ${window.origin}`, '*')</script>"
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
    while page.get_by_role("button", name="More", exact=True).count():
        page.get_by_role("button", name="More", exact=True).click()
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
    page.get_by_role("button", name="x.svg", exact=True).click()
    page.locator("td img[alt='x.svg']").wait_for()
    hall.check("files, x.svg")
    # A page of theirs is in a frame, where its script does nothing until it is asked for, and then nothing outside. It tells by a
    # message what it is: Playwright now and then loses a frame that is put in another's place.
    page.evaluate("window.__told = []; addEventListener('message', (event) => __told.push([event.origin, event.data]))")
    with page.expect_response("**/shown/x.html"):
        page.get_by_role("button", name="x.html", exact=True).click()
    page.get_by_text("Shown without its scripts.").wait_for()
    hall.check("files, x.html, shown")
    page.get_by_role("button", name="Run them").click()
    page.get_by_text("Its scripts run").wait_for()
    eventually(lambda: page.evaluate("__told") == [["null", "1 null"]])
    hall.check("files, x.html, its scripts run")
    page.get_by_role("button", name="Stop them").click()
    page.get_by_text("Shown without its scripts.").wait_for()
    hall.check("files, x.html, stopped")
    assert page.evaluate("__told.length") == 1
    assert "broke its content policy" not in hall.server.log.read_text()

"""Pages that follow what is logged, in a real browser; and what ends their stream of events."""

import http.client
import json
import signal
import sqlite3
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from accessibility import check_everybody_can_use
from desk import STEPS, Desk, panel, shown_runs, walk
from outside import start_server
from surfing import Surfer

pytestmark = [pytest.mark.story, pytest.mark.browser]


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

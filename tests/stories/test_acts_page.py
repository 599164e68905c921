"""Marking runs in a real browser: tags, deleting with undo, the list of what was deleted, a rule, and a project that comes back."""

import json

import pytest
from browsing import look, watched
from outside import Server

pytestmark = [pytest.mark.story, pytest.mark.browser]

HOSTILE = '<img src=x onerror="window.__xss=1">"\'</title>'


@pytest.fixture(scope="module")
def link(server: Server) -> str:
    link = next(line.strip() for line in server.operate("user", "create", "mira").splitlines() if "/welcome#" in line)
    key = server.operate("key", "create", "--user", "mira").strip()
    upsert = (
        "mutation U($n: String, $d: String, $t: [String!]) "
        '{ upsertBucket(input: {name: $n, modelName: "p", displayName: $d, tags: $t}) { inserted } }'
    )
    for number in range(6):
        name = HOSTILE if number == 0 else f"run {number}"
        variables = {"n": f"r{number}", "d": name, "t": [HOSTILE[:60]] if number == 0 else ["old"]}
        assert server.post("/graphql", {"query": upsert, "variables": variables}, key)[0] == 200
        rows = {"wandb-history.jsonl": {"offset": 0, "content": [json.dumps({"_step": 0, "loss": 0.5})]}}
        # The last one goes on.
        ended = {} if number == 5 else {"complete": True, "exitcode": 0}
        assert server.post(f"/files/mira/p/r{number}/file_stream", {"files": rows, **ended}, key)[0] == 200
    return link


def test_marked_runs_are_tagged_deleted_and_brought_back(browser: object, server: Server, link: str) -> None:
    page = watched(browser, server)
    page.goto(link)
    page.fill("#password", "four quiet otters at noon")
    page.click("text=Save and sign in")
    page.wait_for_url(server.url + "/")
    page.goto(server.url + "/mira/p")
    rows = page.locator("tbody tr:not(.spare)")
    page.get_by_text("of disk: history").wait_for()
    # Charts take a moment to follow another width; they are looked at elsewhere.
    page.get_by_role("button", name="Table").click()
    assert page.get_by_role("group", name="Marked runs").count() == 0
    for name in ("run 1", "run 2", HOSTILE):
        page.get_by_role("checkbox", name=f"Mark {name}").check()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Tag to add").fill("best")
    look(page, "acts-tag")
    page.keyboard.press("Enter")
    page.get_by_text("3 runs tagged “best”.").wait_for()
    page.get_by_role("button", name="Untag").click()
    look(page, "acts-untag")
    page.get_by_role("button", name="Take away old").click()
    page.get_by_text("“old” was taken from 2 runs.").wait_for()
    # What a filter leaves out of the table is not touched.
    page.get_by_placeholder("Search runs").fill("run 1")
    page.get_by_text("1 marked, 2 more not in the table").wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("1 run deleted").wait_for()
    page.get_by_placeholder("Search runs").fill("")
    rows.nth(4).wait_for()
    assert rows.count() == 5
    page.get_by_role("checkbox", name="Mark run 5").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("One of them is still running").wait_for()
    assert rows.count() == 5
    look(page, "acts-asks")
    page.get_by_role("button", name="Delete anyway").click()
    page.get_by_text("3 runs deleted").wait_for()
    assert rows.count() == 2
    assert page.evaluate("document.activeElement.textContent") == "Undo"
    page.get_by_role("group").get_by_text("Deleted runs").click()
    page.get_by_role("button", name="Restore run 1").wait_for()
    look(page, "acts-deleted")
    page.get_by_role("button", name="Restore run 1").click()
    page.get_by_text("1 run restored.").wait_for()
    page.get_by_role("button", name="Restore all").click()
    page.get_by_text("3 runs restored.").wait_for()
    rows.nth(5).wait_for()
    page.reload()
    rows.nth(5).wait_for()
    page.get_by_role("checkbox", name="Mark run 3").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("1 run restored.").wait_for()
    page.get_by_role("checkbox", name="Mark all runs").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete anyway").click()
    page.get_by_text("6 runs deleted").wait_for()
    assert page.get_by_role("button", name="Undo").is_visible(), "also when none is left"
    page.reload()
    page.get_by_text("No runs yet").wait_for()
    page.get_by_text("Deleted runs").click()
    page.get_by_role("button", name="Restore all").click()
    rows.nth(5).wait_for()
    # What they logged is drawn, of which the page did not know.
    page.locator('figure[data-panel="loss"]').wait_for()
    page.get_by_role("checkbox", name="Mark run 4").check()
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_label("Project to move them to").fill("elsewhere")
    look(page, "acts-move")
    page.keyboard.press("Enter")
    page.get_by_text("1 run moved to").wait_for()
    assert rows.count() == 5
    assert page.evaluate("document.activeElement.textContent") == "elsewhere"
    page.keyboard.press("Enter")
    page.wait_for_url(server.url + "/mira/elsewhere")
    page.get_by_text("run 4").first.wait_for()
    assert page.evaluate("window.__xss") is None
    assert page.problems == []


def test_a_rule_and_a_project_that_comes_back(browser: object, server: Server, link: str) -> None:
    page = watched(browser, server)
    page.goto(server.url + "/signin")
    page.fill("#name", "mira")
    page.fill("#password", "four quiet otters at noon")
    page.click("button:has-text('Sign in')")
    page.goto(server.url + "/mira/p")
    page.get_by_role("button", name="Table").click()
    page.get_by_text("Manage").click()
    page.get_by_label("Delete old runs by a rule").check()
    page.get_by_label("Keep the newest").fill("3")
    page.get_by_label("Keep those tagged").fill("none of these")
    page.get_by_text("be deleted now.").wait_for()
    look(page, "acts-manage")
    page.get_by_label("Keep the newest").fill("100")
    page.get_by_text("No run would be deleted now.").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("It holds within a minute.").wait_for()
    page.reload()
    page.get_by_text("Manage").click()
    page.get_by_label("Keep the newest").wait_for()
    assert page.get_by_label("Keep the newest").input_value() == "100"
    assert page.get_by_label("Keep those tagged").input_value() == "none of these"
    page.get_by_label("Delete old runs by a rule").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("All runs stay.").wait_for()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("Deleted in the last day").wait_for()
    look(page, "acts-home")
    page.get_by_role("button", name="Restore p").click()
    page.get_by_role("link", name="p", exact=True).click()
    page.get_by_role("checkbox", name="Mark run 5").wait_for()
    assert page.problems == []

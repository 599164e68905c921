"""The pages in a real browser: the first administrator, signing in and out, a project, a run; hostile names; no script needed."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from browsing import look, watched
from outside import Server, start_server

pytestmark = [pytest.mark.story, pytest.mark.browser]

PASSWORD = "four quiet otters at noon"
HOSTILE = '<script>window.__xss=1</script><img src=x onerror="window.__xss=1">"\'{{76543*7}}</title><svg onload=window.__xss=1>'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server(tmp_path_factory.mktemp("pages") / "data")
    yield started
    started.stop()


def log_something(server: Server, key: str, run: str, project: str = "p", **more: object) -> None:
    query = (
        "mutation U($n: String, $p: String, $d: String, $c: JSONString) {"
        " upsertBucket(input: {name: $n, modelName: $p, displayName: $d, config: $c}) { inserted } }"
    )
    config = json.dumps({more.get("config_key", "lr"): {"value": more.get("value", 0.1)}, "nested": {"value": {"a": [1, 2]}}})
    variables = {"n": run, "p": project, "d": more.get("name", "a run"), "c": config}
    assert server.post("/graphql", {"query": query, "variables": variables}, key)[0] == 200
    metric = str(more.get("metric", "loss"))
    rows = [json.dumps({"_step": i, metric: 1 / (i + 1), "accuracy": 1 - 1 / (i + 1), "flat": 3}) for i in range(200)]
    body = {
        "files": {
            "wandb-history.jsonl": {"offset": 0, "content": rows},
            "wandb-summary.json": {"offset": 0, "content": [rows[-1]]},
            "output.log": {"offset": 0, "content": [str(more.get("printed", f"epoch {i}")) for i in range(30)]},
        },
        "complete": True,
        "exitcode": 0,
    }
    quoted = "/".join(urllib.parse.quote(part, safe="") for part in (project, run))
    assert server.post(f"/files/{more.get('entity', 'mira')}/{quoted}/file_stream", body, key)[0] == 200


@pytest.mark.holds("ASVS 3.3.2")
@pytest.mark.holds("ASVS 3.3.4")
def test_the_first_administrator(browser: object, served: Server) -> None:
    page = watched(browser, served)
    page.goto(served.first_link)
    assert page.evaluate("location.hash") == ""
    assert page.input_value("#code") == served.first_link.split("#")[1]
    look(page, "setup")
    page.fill("#name", "Root")
    page.fill("#password", "too short")
    page.click("text=Make the account")
    assert page.url.endswith("/setup"), "the browser itself keeps a short password back"
    page.fill("#password", "passwordpassword")
    page.click("text=Make the account")
    assert "too easy to guess" in page.inner_text("[role=alert]")
    page.fill("#password", PASSWORD)
    page.click("text=Make the account")
    assert page.inner_text("h1") == "Projects"
    assert "Nothing logged yet" in page.inner_text("main")
    look(page, "home-empty")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["runkey-session"]["httpOnly"]
    assert cookies["runkey-session"]["sameSite"] == "Lax"
    page.click("text=Sign out")
    assert page.inner_text("h1") == "Sign in"
    page.go_back()
    page.goto(served.url + "/")
    assert page.url.endswith("/signin?next=%2F")
    page.goto(served.first_link)
    page.fill("#name", "second")
    page.fill("#password", PASSWORD)
    page.click("text=Make the account")
    assert "used already" in page.inner_text("[role=alert]")
    # The refusal above is the one thing a console may speak of: a form's answer of 400.
    assert [problem for problem in page.problems if "400" not in problem] == []


def test_a_persons_link_sign_in_and_runs(browser: object, served: Server) -> None:
    link = next(line.strip() for line in served.operate("user", "create", "mira").splitlines() if "/welcome#" in line)
    page = watched(browser, served)
    page.goto(link)
    look(page, "welcome")
    page.fill("#password", PASSWORD)
    page.click("text=Save and sign in")
    key = served.key("mira")
    log_something(served, key, "r1")
    log_something(served, key, "r2", name="another run", value="a long word " * 12)
    page.goto(served.url + "/")
    look(page, "home")
    page.click("tbody a")
    page.wait_for_selector(".chart[aria-label='loss, 2 lines']")
    assert page.locator("tbody tr").count() == 2
    look(page, "project")
    page.click("tbody a >> text=a run")
    page.wait_for_url(served.url + "/mira/p/runs/r1")
    page.wait_for_selector(".chart[aria-label='loss, 1 line']")
    assert page.locator("figcaption .title").all_inner_texts() == ["accuracy", "flat", "loss"]
    assert "200 rows" in page.inner_text("main")
    look(page, "run")
    page.get_by_role("tab", name="Console").click()
    page.wait_for_selector(".console :text('epoch 29')")
    # The same without a script.
    page.goto(served.url + "/mira/p?plain")
    look(page, "project-plain")
    page.click("tbody a >> text=a run")
    assert page.url.endswith("/mira/p/runs/r1?plain")
    titles = [title.split("\n")[0] for title in page.locator("figcaption").all_inner_texts()]
    assert titles == ["accuracy", "flat", "loss"]
    assert "200 rows" in page.inner_text("main")
    assert "epoch 29" in page.inner_text(".console")
    assert page.locator("svg[role=img]").first.get_attribute("aria-label").startswith("accuracy: last 0.995")
    look(page, "run-plain")
    for path in ("/somebody/p", "/mira/absent", "/mira/p/runs/absent", "/nobody", "/a/b/c/d"):
        page.goto(served.url + path)
        assert "Nothing here" in page.inner_text("h1")
    look(page, "nothing")
    page.click("text=Sign out")
    for name, password in (("mira", "wrong password here"), ("nobody", PASSWORD)):
        page.fill("#name", name)
        page.fill("#password", password)
        page.click("button:has-text('Sign in')")
        assert "No account has this name and this password" in page.inner_text("[role=alert]")
    look(page, "sign-in-refused")
    page.fill("#name", "Mira")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Projects')")
    assert [problem for problem in page.problems if "404" not in problem and "403" not in problem] == []


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("ASVS 3.2.2")
def test_hostile_names_do_nothing(browser: object, served: Server) -> None:
    link = next(line.strip() for line in served.operate("user", "create", "eve").splitlines() if "/welcome#" in line)
    page = watched(browser, served)
    page.goto(link)
    page.fill("#password", PASSWORD)
    page.click("text=Save and sign in")
    project = HOSTILE.replace("/", "").replace("?", "")
    fields = dict.fromkeys(("name", "config_key", "value", "metric", "printed"), HOSTILE)
    log_something(served, served.key("eve"), "<b>x", project, entity="eve", **fields)
    at = f"/eve/{urllib.parse.quote(project, safe='')}"
    for path in ("/", at, f"{at}/runs/%3Cb%3Ex", f"{at}?plain", f"{at}/runs/%3Cb%3Ex?plain"):
        page.goto(served.url + path)
        assert "Nothing here" not in page.inner_text("h1")
        if path != "/" and not path.endswith("?plain"):
            page.wait_for_selector(".chart")
        assert page.evaluate("window.__xss") is None
        assert str(76543 * 7) not in page.inner_text("main")
    assert page.problems == []


def test_pages_work_without_scripts(browser: object, served: Server) -> None:
    link = next(line.strip() for line in served.operate("user", "create", "plain").splitlines() if "/welcome#" in line)
    page = watched(browser, served, java_script_enabled=False)
    page.goto(link)
    page.fill("#code", link.split("#")[1])
    page.fill("#password", PASSWORD)
    page.click("text=Save and sign in")
    assert page.inner_text("h1") == "Projects"


def post_form(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, data=b"name=mira&password=x&form_token=abc", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.holds("ASVS 3.5.1")
def test_a_form_from_elsewhere_is_refused(served: Server) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert post_form(served.url + "/signin", **form) == 403
    assert post_form(served.url + "/signin", **form, Origin="https://evil.example") == 403
    assert post_form(served.url + "/signin", **form, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert post_form(served.url + "/signin", **form, **{"Sec-Fetch-Site": "same-origin"}, Cookie="runkey-form=abc") == 403
    assert post_form(served.url + "/signout", **form, Origin=served.url) == 403
    assert post_form(served.url + "/signin", **{"Content-Type": "text/plain"}, Origin=served.url) == 403

"""Everything that somebody can name is shown on a page: 200 pieces of markup in every such place, in a real browser, do nothing at all."""

import json
import urllib.parse
from collections.abc import Iterator

import pytest
from browsing import watched
from markup import ACTS, LOOK, PAYLOADS, UPSERT, Hall, as_name, packed, quoted
from outside import Server, start_server
from surfing import PASSWORD, Surfer

pytestmark = [pytest.mark.story, pytest.mark.browser]


def test_there_are_two_hundred() -> None:
    assert len(set(PAYLOADS)) == 200


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, browser: object) -> Iterator[Hall]:
    server = start_server(tmp_path_factory.mktemp("hostile") / "data")
    yield Hall(server, browser)
    server.stop()


def test_markup_that_is_read_as_such_is_found(hall: Hall, browser: object) -> None:
    """What the others rely on: put into a page as it is, it is seen, and the policy keeps what would run from running."""
    page = watched(browser, hall.server)
    page.goto(hall.server.url + "/signin")
    assert page.evaluate(LOOK, hall.known) == []
    unseen = []
    # All but those that lead away at once, or are nothing inside a page.
    for act in [act for act in ACTS[:26] if not act.startswith(("<meta", "<body"))]:
        page.evaluate("markup => { document.querySelector('main').innerHTML = markup }", act)
        if not page.evaluate(LOOK, hall.known):
            unseen.append(act)
        assert page.evaluate("window.__xss") is None
    assert unseen == []
    assert len(page.problems) > 5, "the policy says what it kept from happening"
    page.close()


def log_run(hall: Hall, project: str, name: str, payloads: list[str], shown: str) -> None:
    """A run with all of them as keys and values of its config and summary, as its metrics' names, and on its console."""
    config = {payload: {"value": payload} for payload in payloads}
    first = payloads[0]
    given = {"config": json.dumps(config), "tags": payloads[:5], "group": first, "job": first}
    hall.graphql(UPSERT, name=name, project=project, shown=shown, **given)
    rows = [json.dumps({"_step": step} | dict.fromkeys(payloads, step)) for step in range(2)]
    summary = json.dumps(dict.fromkeys(payloads, 1) | {f"said {payload}": payload for payload in payloads})
    files = {
        "wandb-history.jsonl": {"offset": 0, "content": rows},
        "wandb-summary.json": {"offset": 0, "content": [summary]},
        "output.log": {"offset": 0, "content": payloads},
    }
    path = f"/files/eve{quoted(project, name)}/file_stream"
    assert hall.server.post(path, {"files": files, "complete": True, "exitcode": 0}, hall.key)[0] == 200


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("ASVS 3.2.2")
@pytest.mark.holds("ASVS 1.3.1")
@pytest.mark.holds("ASVS 1.3.4")
@pytest.mark.holds("ASVS 1.3.5")
def test_config_summary_metrics_and_console(hall: Hall) -> None:
    halves = PAYLOADS[:100], PAYLOADS[100:]
    for number, half in enumerate(halves):
        log_run(hall, "fields", f"r{number}", half, half[0])
        hall.visit(f"/eve/fields/runs/r{number}?plain")
        # Shown, and as the very text that it is; a page of HTML has no carriage return and no null.
        assert set(half) <= set(hall.texts("dt")) & set(hall.texts("dd"))
        assert [title for title in hall.texts("figcaption") if not any(payload in title for payload in half)] == []
        assert len(hall.texts("figcaption")) == 100
        assert [payload for payload in half if payload not in hall.texts(".console")[0]] == []
    for path in ("/eve/fields", "/eve/fields?plain"):
        hall.visit(path)


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("ASVS 1.2.2")
def test_projects_and_runs(hall: Hall) -> None:
    shown = packed(1_000)
    # The number keeps apart two that are one without their slashes.
    names = [as_name(f"{number} {payload}") for number, payload in enumerate(PAYLOADS)]
    for number, name in enumerate(names):
        hall.graphql(UPSERT, name=name, project=name, shown=shown[number % len(shown)])
    for name, words in zip(names, shown, strict=False):
        hall.graphql(UPSERT, name=name, project="runs", shown=words)
    for name, words in zip(names, shown, strict=False):
        # Finished, a page does not load itself again.
        hall.server.post(f"/files/eve{quoted(name, name)}/file_stream", {"complete": True, "exitcode": 0}, hall.key)
        for query in ("", "?plain"):
            hall.visit(quoted("eve", name, "runs", name) + query)
            assert words in hall.page.title()
            assert words in hall.texts("h1")[0]
            assert hall.texts("nav.trail a")[1] == name
    for number, name in enumerate(names[2::10]):
        hall.visit(quoted("eve", name) + ("", "?plain")[number % 2])
        assert name in hall.page.title()
        assert name in hall.texts("h1")[0]
    for query in ("", "?plain"):
        hall.visit("/eve/runs" + query)
        hall.page.wait_for_selector("tbody a")
        assert set(shown) == set(hall.texts("tbody a"))
    hall.visit("/")
    assert set(names) <= set(hall.texts("tbody a"))


@pytest.mark.holds("ASVS 1.2.1")
def test_keys_and_notices(hall: Hall) -> None:
    token, packs = hall.token(), packed(200)
    for number, pack in enumerate(packs):
        page = hall.eve.post("/settings/keys", form_token=token, description=pack)
        assert page.status == 200, page.text
        if number % 5 == 4 or number == len(packs) - 1:
            # The five last are shown.
            hall.visit("/")
            told = " ".join(hall.texts("section.notice li"))
            assert [each for each in packs[number - number % 5 : number + 1] if each not in told] == []
    hall.visit("/settings/keys")
    assert {pack.strip() for pack in packs} <= set(hall.texts("td.wide"))


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("RFC 8628 5.4")
def test_machines_from_asking_to_being_listed(hall: Hall) -> None:
    token, packs = hall.token(), packed(100)
    for at in range(0, len(packs), 3):
        told = dict(zip(("machine_name", "os_user", "system"), packs[at : at + 3], strict=False))
        codes = form(hall.server, "/oauth/device_authorization", {"client_id": "runkey", **told})
        hall.visit(f"/device?user_code={codes['user_code']}")
        shown = " ".join(hall.texts("dd"))
        assert [each for each in packs[at : at + 3] if each[:100].strip() not in shown] == []
        page = hall.eve.post("/device", form_token=token, user_code=codes["user_code"], decision="approve")
        assert page.location == "/device/done", page.text
        grant = {"client_id": "runkey", "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": codes["device_code"]}
        assert form(hall.server, "/oauth/token", grant)["account"] == "eve"
    hall.visit("/settings/machines")
    text = " ".join(hall.texts("main section"))
    assert [each for each in packs if each[:100].strip() not in text] == []


def form(server: Server, path: str, fields: dict[str, str]) -> dict:
    import urllib.request

    request = urllib.request.Request(server.url + path, data=urllib.parse.urlencode(fields).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.holds("ASVS 1.2.1")
def test_browsers_and_addresses_for_mail(hall: Hall) -> None:
    token = hall.token()
    for payload in PAYLOADS[::25]:
        agent = {"User-Agent": payload.encode("latin-1", "ignore").decode("latin-1")}
        assert Surfer(hall.server).post("/signin", headers=agent, name="eve", password=PASSWORD).status == 303
        mail = payload.replace(" ", "/") + "@evil.example"
        assert hall.eve.post("/settings/account", form_token=token, email=mail).status == 200
        hall.visit("/settings/account")
        assert hall.page.input_value("#email") == mail
    hall.visit("/settings/sessions")
    assert len(hall.texts("tbody tr")) == 9


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("ASVS 3.7.2")
def test_what_was_typed_comes_back_as_it_was_typed(hall: Hall) -> None:
    for number, payload in enumerate(PAYLOADS[::14]):
        typed = urllib.parse.quote(payload, safe="")
        paths = (f"/device?user_code={typed}", f"/signup?next={typed}", f"/claim?x={typed}#{typed}", f"/{typed}", f"/eve/runs/runs/{typed}")
        hall.visit(paths[number % len(paths)], refused=True)
    hall.page.context.clear_cookies()
    for payload in PAYLOADS[::66]:
        hall.visit("/signup")
        hall.page.eval_on_selector("#email", "field => field.type = 'text'")
        hall.page.fill("#name", payload)
        hall.page.fill("#email", payload)
        hall.page.fill("#password", PASSWORD)
        hall.page.press("#password", "Enter")
        hall.page.wait_for_selector("[role=alert]")
        hall.check("/signup")
        assert (hall.page.input_value("#name"), hall.page.input_value("#email")) == (payload[:100], payload)

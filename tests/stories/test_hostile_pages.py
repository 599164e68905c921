"""Everything that somebody can name is shown on a page: 200 pieces of markup in every such place, in a real browser, do nothing at all."""

import json
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import watched
from outside import Server, start_server
from surfing import PASSWORD, Surfer

pytestmark = [pytest.mark.story, pytest.mark.browser]

TEMPLATES = Path(__file__).parents[2] / "server/src/runkey_server/web/templates"
RUN = "window.__xss=1"
# What would run, load or lead somewhere, if it were read as markup.
ACTS = [
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><a xlink:href=javascript:{RUN}><text y=9>x",
    "<iframe srcdoc='<script>parent.__xss=1</script>'>",
    "<iframe src=javascript:parent.__xss=1>",
    f"<a href=javascript:{RUN}>x</a>",
    f"<form action=javascript:{RUN}><button>x",
    f"<button formaction=javascript:{RUN}>x",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<marquee onstart={RUN}>",
    f"<object data=javascript:{RUN}>",
    "<embed src=//evil.example/x>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<img src=//evil.example/seen.png>",
    "<div style=background:url(//evil.example/x)>x",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<math><mtext><style><img src=x onerror={RUN}></style>",
    "[x](javascript:alert(1)) ![x](//evil.example/x.png)",
    "<https://evil.example> https://evil.example",
    "{{constructor.constructor('window.__xss=1')()}}",
    "{{7*76543}}{% for x in range(9) %}x{% endfor %}",
    f"javascript:{RUN}",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;img src=x onerror={RUN}&#62;",
    f"%3Cscript%3E{RUN}%3C/script%3E",
    f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
    f"＜script＞{RUN}＜/script＞",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<SCRIPT/x>{RUN}</SCRIPT/>",
    f"<![CDATA[<script>{RUN}</script>]]>",
    f"<!--><script>{RUN}</script>-->",
]
# What would end the place that it stands in: an attribute of either kind, a title, a field, a list.
ENDS = ["", '"> ', f"' onmouseover='{RUN}' x='", "</title></textarea></style>", "</dd></pre></code></td></table>"]
PAYLOADS = [end + act for act in ACTS for end in ENDS]

# Looks for anything that is not ours in the page that is open.
LOOK = """(known) => {
  const found = [];
  if (window.__xss !== undefined) found.push("it ran");
  for (const element of document.querySelectorAll("*")) {
    const name = element.tagName.toLowerCase();
    if (!known.includes(name)) found.push("<" + name + ">");
    for (const { name, value } of element.attributes)
      if (name.startsWith("on") || ["style", "srcdoc", "formaction", "xlink:href", "target"].includes(name)) found.push(name + "=" + value);
  }
  for (const element of document.querySelectorAll("[href], [src], [action]")) {
    const address = new URL(element.href?.baseVal ?? element.href ?? element.src ?? element.getAttribute("action"), document.baseURI);
    if (address.origin !== location.origin) found.push(address.href);
  }
  for (const script of document.querySelectorAll("script"))
    if (!script.getAttribute("src")?.startsWith("/static/")) found.push("a script");
  return found;
}"""


def test_there_are_two_hundred() -> None:
    assert len(set(PAYLOADS)) == 200


class Hall:
    """A server, somebody who names everything badly, and their browser."""

    def __init__(self, server: Server, browser: object) -> None:
        self.server = server
        self.eve = Surfer(server).sign_up("eve")
        self.key = server.key("eve")
        self.page = watched(browser, server)
        self.page.context.add_cookies([{"name": name, "value": value, "url": server.url} for name, value in self.eve.cookies.items()])
        tags = {tag for template in TEMPLATES.glob("*.html") for tag in re.findall(r"<([a-z][a-z0-9]*)", template.read_text())}
        self.known = sorted(tags)

    def token(self, path: str = "/settings/account") -> str:
        return self.eve.get(path).token

    def graphql(self, query: str, **variables: object) -> dict:
        status, body = self.server.post("/graphql", {"query": query, "variables": variables}, self.key)
        answer = json.loads(body)
        assert status == 200 and "errors" not in answer, answer
        return answer["data"]

    def visit(self, path: str, *, refused: bool = False) -> None:
        """Open a page; nothing of it may be anything but ours. refused: its status is no 200, of which the console may speak."""
        answer = self.page.goto(self.server.url + path)
        assert refused or answer.status == 200, (path, answer.status)
        self.check(path)

    def check(self, where: str) -> None:
        assert self.page.evaluate(LOOK, self.known) == [], where
        # A form's or a page's answer of 400 and above is the one thing that a console may speak of.
        problems = [problem for problem in self.page.problems if not re.search(r"responded with a status of 4\d\d", problem)]
        assert problems == [], where

    def texts(self, selector: str) -> list[str]:
        return self.page.eval_on_selector_all(selector, "found => found.map(each => each.textContent)")


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


def as_name(payload: str) -> str:
    """As much of it as a project or a run may be called."""
    return re.sub(r"[/\\#?%:]", "", payload)[:128]


def quoted(*names: str) -> str:
    return "/" + "/".join(urllib.parse.quote(name, safe="") for name in names)


UPSERT = """
mutation U($name: String!, $project: String!, $shown: String, $config: JSONString, $tags: [String!], $group: String, $job: String) {
  upsertBucket(
    input: {name: $name, modelName: $project, displayName: $shown, config: $config, tags: $tags, groupName: $group, jobType: $job}
  ) { inserted }
}"""


def packed(most_characters: int) -> list[str]:
    """Several in one text, as many as a place takes: what is markup in any of them is found among the others."""
    packs = [PAYLOADS[0]]
    for payload in PAYLOADS[1:]:
        if len(packs[-1]) + 1 + len(payload) <= most_characters:
            packs[-1] += f" {payload}"
        else:
            packs.append(payload)
    assert all(any(payload in pack for pack in packs) for payload in PAYLOADS)
    return packs


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
        hall.visit(f"/eve/fields/runs/r{number}")
        # Shown, and as the very text that it is; a page of HTML has no carriage return and no null.
        assert set(half) <= set(hall.texts("dt")) & set(hall.texts("dd"))
        assert [title for title in hall.texts("figcaption") if not any(payload in title for payload in half)] == []
        assert len(hall.texts("figcaption")) == 100
        assert [payload for payload in half if payload not in hall.texts(".console")[0]] == []
    hall.visit("/eve/fields")


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
        hall.visit(quoted("eve", name, "runs", name))
        assert words in hall.page.title()
        assert words in hall.texts("h1")[0]
        assert hall.texts("nav.trail a")[1] == name
    for name in names[2::20]:
        hall.visit(quoted("eve", name))
        assert name in hall.page.title()
        assert name in hall.texts("h1")[0]
    hall.visit("/eve/runs")
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

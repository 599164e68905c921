"""Forms are taken from our own pages alone, and nothing but a form changes anything: every route, of a table that a new route must join."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from house import PASSWORD, House, Visitor, token_in

from runkey_server import accounts, keys, machines, oauth, projects, runs
from runkey_server.asgi.actor import Actor
from runkey_server.machines import Asking

# Every address, its methods, and whether it is a page, which knows a browser by its cookie. Everything else wants a key, or nobody.
ROUTES = {
    "/graphql": "POST",
    "/files/{entity}/{project}/{run}/file_stream": "POST",
    "/storage/{token}": "GET PUT OPTIONS",
    "/artifacts/{entity}/{digest}": "GET",
    "/artifactsV2/{region}/{entity}/{digest:path}": "GET",
    "/healthz": "GET",
    "/readyz": "GET",
    "/ready": "GET",
    "/.well-known/runkey": "GET",
    "/.well-known/runkey/reports": "POST",
    "/.well-known/oauth-authorization-server": "GET",
    "/sdk/otel/v1/{signal}": "POST",
    "/oauth/device_authorization": "POST",
    "/oauth/token": "POST",
    "/oauth/revoke": "POST",
    "/static/{name:path}": "GET",
} | {
    # What is read by a browser's session or by a key alike, and changes nothing.
    "/{entity}/{project}/export": "GET",
    "/{entity}/{project}/runs/{run}/export": "GET",
    "/{entity}/{project}/runs/{run}/output.log": "GET",
    "/{entity}/{project}/runs/{run}/console": "GET",
    "/{entity}/{project}/runs/{run}/about": "GET",
    "/{entity}/{project}/runs/{run}/files": "GET",
    "/{entity}/{project}/runs/{run}/files/{name:path}": "GET",
    "/{entity}/{project}/runs/{run}/shown/{name:path}": "GET",
    "/{entity}/{project}/runs/{run}/media": "GET",
    "/{entity}/{project}/runs": "GET",
    "/{entity}/{project}/keys": "GET",
    "/{entity}/{project}/live": "GET",
    "/{entity}/{project}/charts": "POST",
    "/{entity}/{project}/usage": "GET",
    "/{entity}/{project}/deleted": "GET",
    # What changes something by a key, or by a browser with a page's token; test_acts tries those.
    "/{entity}/{project}/runs/acts": "POST",
    "/{entity}/{project}/acts": "POST",
    "/{entity}/{project}/retention": "GET POST",
    "/{entity}/{project}/layout": "POST",
    "/{entity}/{project}/collections": "GET",
    "/{entity}/{project}/collections/{collection}": "GET",
    **{
        f"/{{entity}}/{{project}}/collections/{{collection}}/{{version}}/{each}": "GET"
        for each in ("about", "files", "file", "lineage", "freed")
    },
    "/{entity}/{project}/collections/{collection}/{version}/acts": "POST",
    "/{entity}/{project}/runs/{run}/artifacts": "GET",
    "/artifacts/{entity}/{digest}": "GET",
    "/artifactsV2/{region}/{entity}/{digest:path}": "GET",
    "/{entity}/{project}/runs/{run}/held/{client_id}/{name:path}": "GET",
}
PAGES = {
    "/signin": "GET POST",
    "/signout": "POST",
    "/setup": "GET POST",
    "/welcome": "GET POST",
    "/signup": "GET POST",
    "/device": "GET POST",
    "/device/done": "GET",
    "/oauth/authorize": "GET POST",
    "/authorize": "GET POST",
    "/try": "GET POST",
    "/claim": "GET POST",
    "/claim/begin": "POST",
    "/notices": "POST",
    "/settings": "GET",
    "/settings/keys": "GET POST",
    "/settings/machines": "GET POST",
    "/settings/sessions": "GET POST",
    "/settings/account": "GET POST",
    "/settings/people": "GET POST",
    "/": "GET",
    "/{entity}": "GET",
    "/{entity}/{project}": "GET",
    "/{entity}/{project}/restore": "POST",
    "/{entity}/{project}/runs/{run}": "GET",
    "/{entity}/{project}/artifacts": "GET",
    "/{entity}/{project}/artifacts/{collection}/{version}": "GET",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
PROGRAM = {
    "response_type": "code",
    "client_id": "runkey",
    "redirect_uri": "http://127.0.0.1:49152/callback",
    "state": "s",
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}


def methods(words: str) -> set[str]:
    return set(words.split()) | ({"HEAD"} if "GET" in words else set())


def test_the_table_is_the_applications_own(house: House) -> None:
    assert house.routes == {path: methods(words) for path, words in (ROUTES | PAGES).items()}
    assert house.pages == {path: methods(words) for path, words in PAGES.items()}


@pytest.mark.holds("ASVS 4.1.4")
@pytest.mark.holds("ASVS 13.4.4")
def test_only_declared_methods_are_answered(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    for path, words in (ROUTES | PAGES).items():
        at = re.sub(r"{\w+}", "x", path)
        # An address of two names is a project's as well, and reads as one; so is one below its runs.
        is_read_by_a_page = at.count("/") <= 2 or re.fullmatch("/x/x/runs/[^/]+", at) is not None
        for method in METHODS:
            answer = mira.client.request(method, at)
            declared = method in methods(words) or (method in ("GET", "HEAD") and is_read_by_a_page)
            assert (answer.status_code != 405) == declared, (method, path, answer.status_code)
            assert answer.status_code < 500, (method, path)
            if not declared:
                assert set(answer.headers["allow"].replace(" ", "").split(",")) == methods(words), path
                assert method not in answer.headers["allow"].split(", ")
    for method in ("TRACE", "TRACK", "CONNECT", "DEBUG"):
        answer = mira.client.request(method, "/signin", headers={"X-Secret": "echo me"})
        assert answer.status_code == 405
        assert "echo me" not in answer.text


class Scene:
    """A house with one of everything, and for each page that takes a form: who may send it, from where, and what it says."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.root = house.visitor().sign_up("root", is_admin=True)
        self.mira = house.visitor().sign_up("mira")
        house.visitor().sign_up("ana")
        with house.database.writing() as transaction:
            at = house.clock()
            mira = accounts.get_account(transaction, "mira")
            self.machine = machines.register(transaction, house.pepper, mira, Asking("gpu07", "mira", "Linux", "127.0.0.1"), at).machine
            accounts.tell(transaction, mira.id, "Something happened.", "/settings/keys", at)
            self.user_code = oauth.ask(transaction, house.pepper, Asking("gpu08", "mira", "Linux", "127.0.0.1"), at).user_code
            two_weeks_on = at + timedelta(days=14)
            nameless = accounts.create_anonymous_account(transaction, at=at, until=two_weeks_on)
            _, secret = keys.mint(transaction, house.pepper, nameless.id, kind="anonymous", expires_at=two_weeks_on, at=at)
            self.dashboard, self.claim = (
                accounts.issue_link(
                    transaction,
                    purpose,
                    at=at,
                    account=accounts.create_anonymous_account(transaction, at=at, until=two_weeks_on),
                    expires_at=two_weeks_on,
                )
                for purpose in (accounts.DASHBOARD, accounts.CLAIM)
            )
            self.reset = accounts.issue_link(transaction, accounts.RESET, at=at, account=accounts.get_account(transaction, "ana"))
            actor = Actor(mira.id, "mira", None, False)
            runs.upsert(transaction, actor, None, "p", "r", runs.Changes(), at)
            runs.upsert(transaction, actor, None, "gone", "r", runs.Changes(), at)
            projects.delete_project(transaction, projects.find_project(transaction, actor, None, "gone"), at)
        self.nameless = house.visitor()
        self.nameless.post("/try", code=secret)
        self.others_session = house.visitor().signed_in("mira")

    def form(self, path: str) -> tuple[Visitor, str, dict[str, str]]:
        """Who, from which page, with which fields; sent in this order, each does something."""
        program = f"/oauth/authorize?{urlencode(PROGRAM)}"
        forms: dict[str, tuple[Visitor, str, dict[str, str]]] = {
            "/signin": (self.house.visitor(), "/signin", {"name": "mira", "password": PASSWORD}),
            "/welcome": (self.house.visitor(), "/welcome", {"code": self.reset, "password": PASSWORD}),
            "/signup": (self.house.visitor(), "/signup", {"name": "visitor", "password": PASSWORD}),
            "/try": (self.house.visitor(), "/try", {"code": self.dashboard}),
            "/device": (self.mira, f"/device?user_code={self.user_code}", {"user_code": self.user_code, "decision": "approve"}),
            "/oauth/authorize": (self.mira, program, {**PROGRAM, "decision": "approve"}),
            "/authorize": (self.mira, "/authorize", {}),
            "/notices": (self.mira, "/", {}),
            "/settings/keys": (self.mira, "/settings/keys", {"description": "nightly"}),
            "/settings/machines": (self.mira, "/settings/machines", {"id": self.machine.id, "act": "revoke"}),
            "/settings/sessions": (self.mira, "/settings/sessions", {"act": "end others"}),
            "/settings/account": (self.mira, "/settings/account", {"email": "mira@example.org"}),
            "/settings/people": (self.root, "/settings/people", {"name": "mira"}),
            "/claim/begin": (self.nameless, "/", {}),
            "/claim": (self.mira, "/claim", {"code": self.claim}),
            "/{entity}/{project}/restore": (self.mira, "/", {}),
            "/signout": (self.mira, "/", {}),
        }
        return forms[path]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OURS = {"Sec-Fetch-Site": "same-origin"}
Tampered = tuple[dict[str, str], dict[str, str]]


def without_form_cookie(visitor: Visitor) -> dict[str, str]:
    return OURS | {"Cookie": f"runkey-session={visitor.session}"}


# What is wrong with a form that is otherwise good: its headers and its token, made of the good one's.
TAMPERED: dict[str, Callable[[Visitor, str], Tampered]] = {
    "no token": lambda visitor, token: (OURS, {}),
    "an empty token": lambda visitor, token: (OURS, {"form_token": ""}),
    "a token that is none": lambda visitor, token: (OURS, {"form_token": "é" * 32}),
    "a token of another browser": lambda visitor, token: (OURS, {"form_token": token_in(visitor.house.visitor().get("/signin").text)}),
    "a token without its cookie": lambda visitor, token: (without_form_cookie(visitor), {"form_token": token}),
    "another site, as the browser says": lambda visitor, token: ({"Sec-Fetch-Site": "cross-site"}, {"form_token": token}),
    "another host of the domain": lambda visitor, token: ({"Sec-Fetch-Site": "same-site"}, {"form_token": token}),
    "no page at all": lambda visitor, token: ({"Sec-Fetch-Site": "none"}, {"form_token": token}),
    "another origin": lambda visitor, token: ({"Origin": "https://evil.example"}, {"form_token": token}),
    "another port": lambda visitor, token: ({"Origin": "http://127.0.0.1:9"}, {"form_token": token}),
    "another scheme": lambda visitor, token: ({"Origin": "https://127.0.0.1:8080"}, {"form_token": token}),
    "an origin that is hidden": lambda visitor, token: ({"Origin": "null"}, {"form_token": token}),
    "an origin that only looks like ours": lambda visitor, token: ({"Origin": "http://127.0.0.1:8080.evil.example"}, {"form_token": token}),
    "another site, and an origin that is ours": lambda visitor, token: (
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8080"},
        {"form_token": token},
    ),
    "neither header": lambda visitor, token: ({}, {"form_token": token}),
    "plain text": lambda visitor, token: (OURS | {"Content-Type": "text/plain"}, {"form_token": token}),
    "several parts": lambda visitor, token: (OURS | {"Content-Type": "multipart/form-data; boundary=x"}, {"form_token": token}),
    "JSON": lambda visitor, token: (OURS | {"Content-Type": "application/json"}, {"form_token": token}),
    "no type": lambda visitor, token: (OURS | {"Content-Type": ""}, {"form_token": token}),
}


@pytest.mark.holds("ASVS 3.5.1")
@pytest.mark.holds("ASVS 3.5.2")
def test_no_page_takes_a_form_that_is_not_its_own(house: House) -> None:
    scene = Scene(house)
    unsafe = [path for path, words in PAGES.items() if "POST" in words]
    # There is an administrator already, so this one is tried by itself below.
    unsafe.remove("/setup")
    for path in sorted(unsafe, key=lambda path: path == "/signout"):
        visitor, at, fields = scene.form(path)
        # A page that stands at many addresses is asked at one where there is something to do.
        address = path.replace("{entity}", "mira").replace("{project}", "gone")
        token = token_in(visitor.get(at).text)
        before, kept = house.dump(), list(visitor.client.cookies.jar)
        for what, tamper in TAMPERED.items():
            headers, more = tamper(visitor, token)
            answer = visitor.client.post(address, content=urlencode(fields | more), headers=FORM | headers)
            assert answer.status_code == 403, (path, what)
            assert house.dump() == before, (path, what)
            assert "session=" not in answer.headers.get("set-cookie", ""), (path, what)
            # Whoever has no form cookie is given another one.
            for cookie in kept:
                visitor.client.cookies.jar.set_cookie(cookie)
        # The very same form, as it should be, does something: what was refused above was refused for what was wrong with it.
        answer = visitor.client.post(address, content=urlencode(fields | {"form_token": token}), headers=FORM | OURS)
        assert answer.status_code in (200, 303), (path, answer.text)
        assert house.dump() != before, path


@pytest.mark.holds("ASVS 3.5.1")
def test_the_first_administrator_is_made_by_its_own_form_alone(house: House) -> None:
    with house.database.writing() as transaction:
        code = accounts.issue_link(transaction, accounts.FIRST_ADMINISTRATOR, at=house.clock())
    visitor, fields = house.visitor(), {"code": code, "name": "root", "password": PASSWORD}
    token = token_in(visitor.get("/setup").text)
    before = house.dump()
    for what, tamper in TAMPERED.items():
        headers, more = tamper(visitor, token)
        assert visitor.client.post("/setup", content=urlencode(fields | more), headers=FORM | headers).status_code == 403, what
        assert house.dump() == before, what
    assert visitor.post("/setup", **fields).status_code == 303


@pytest.mark.holds("ASVS 3.5.1")
def test_a_browser_that_tells_its_origin_alone_is_taken_at_its_word(house: House, public_house: House) -> None:
    for here in (house, public_house):
        visitor = here.visitor()
        visitor.sign_up("mira")
        token = token_in(visitor.get("/").text)
        answer = visitor.client.post("/notices", data={"form_token": token}, headers={"Origin": here.base_url})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"


@pytest.mark.holds("ASVS 3.5.3")
def test_looking_changes_nothing(house: House) -> None:
    """GET and HEAD of every address, by everybody, with everything in the query that a form would say."""
    scene = Scene(house)
    fields = {
        **PROGRAM,
        "user_code": scene.user_code,
        "decision": "approve",
        "act": "revoke",
        "id": scene.machine.id,
        "code": scene.claim,
        "name": "mira",
        "password": PASSWORD,
        "new_password": PASSWORD,
        "email": "eve@example.org",
        "token": scene.dashboard,
        "query": "mutation { createApiKey(input: {}) { secret } }",
    }
    everybody = [scene.mira, scene.root, scene.nameless, house.visitor()]
    before = house.dump()
    for path in ROUTES | PAGES:
        at = path.replace("{entity}", "mira").replace("{project}", "p").replace("{run}", "r")
        at = at.replace("{token}", "x").replace("{signal}", "metrics").replace("{name:path}", "style.css")
        for visitor in everybody:
            # What is held open is never answered to its end in one process; a story listens to it.
            if not path.endswith("/live"):
                visitor.client.get(at)
                visitor.client.get(f"{at}?{urlencode(fields)}")
            visitor.client.head(f"{at}?{urlencode(fields)}")
    assert house.dump() == before


@pytest.mark.holds("ASVS 3.5.2")
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "Text/Plain;x"]
)
def test_what_a_foreign_page_can_send_unasked_changes_nothing_where_no_page_is(house: House, content_type: str) -> None:
    """A page elsewhere can make a visitor's browser send a form's three content types without asking us first, and no other."""
    scene = Scene(house)
    foreign = {"Content-Type": content_type, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    made = '{"query": "mutation { createAnonymousEntity(input: {}) { apiKey { name } } }"}'
    stream = '{"files": {"wandb-history.jsonl": {"offset": 0, "content": ["{}"]}}}'
    bodies = {"/graphql": made, "/files/mira/p/r/file_stream": stream, "/sdk/otel/v1/metrics": made}
    before = house.dump()
    for path, words in ROUTES.items():
        if "POST" not in words or path.startswith("/oauth/"):
            continue
        at = path.replace("{entity}", "mira").replace("{project}", "p").replace("{run}", "r").replace("{signal}", "metrics")
        for visitor in (scene.mira, house.visitor()):
            answer = visitor.client.post(at, content=bodies.get(at, made), headers=foreign)
            assert answer.status_code in ((200,) if at.startswith("/sdk/") else (400, 401, 403)), at
    assert house.dump() == before
    # With JSON's own type, which a browser asks us about first, and is not let, the same would have made an account.
    assert house.client.post("/graphql", content=made, headers={"Content-Type": "application/json"}).status_code == 200
    assert house.dump() != before
    assert house.client.request("OPTIONS", "/graphql", headers={"Origin": "https://evil.example"}).status_code == 405


@pytest.mark.holds("ASVS 3.5.2")
def test_the_endpoints_of_programs_know_no_browser(house: House) -> None:
    """They take forms, as their standards say; a browser's cookie gives no right there."""
    scene = Scene(house)
    for path in ("/oauth/device_authorization", "/oauth/token", "/oauth/revoke"):
        told = {"client_id": "runkey", "token": scene.mira.session, "device_code": scene.mira.session, "grant_type": "authorization_code"}
        with_cookie = scene.mira.client.post(path, data=told)
        without = house.client.post(path, data=told)
        assert with_cookie.status_code == without.status_code, path
        assert with_cookie.content == without.content or path == "/oauth/device_authorization"
    assert scene.mira.get("/").status_code == 200

"""Nobody is sent off this server by an address that somebody else wrote, and nothing secret stands in an address or in a log."""

import base64
import hashlib
import logging
import re
import urllib.parse

import pytest
from house import PASSWORD, House, Visitor
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runkey_server import accounts
from runkey_server.web.pages import safe_next
from runkey_wire import device_authorization as wire

HERE = "http://127.0.0.1:8080"
# What has been used elsewhere to lead people on to another site, and what might be.
ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "//evil.example/%2f..",
    "//evil.example:80",
    "//user@evil.example",
    "//127.0.0.1:8080@evil.example",
    "//evil.example#@127.0.0.1:8080",
    "//[::ffff:7f00:1]",
    "//1.1.1.1",
    "//0x01010101",
    "//16843009",
    "//evil。example",
    "//evil%E3%80%82example",
    "//evil%00.example",
    "https://evil.example",
    "HTTPS://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\evil.example",
    "http://127.0.0.1:8080@evil.example",
    "http://127.0.0.1:8080.evil.example",
    "http://127.0.0.1:80809",
    "ftp://evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "javascript://127.0.0.1:8080/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "blob:https://evil.example/x",
    "\\\\evil.example",
    "\\evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "\\/evil.example",
    "/\\\\evil.example",
    "/./\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "\x01https://evil.example",
    "\x0b//evil.example",
    "\ufeff//evil.example",
    "\u2028//evil.example",
    "/\u00a0/evil.example",
    "\uff0f\uff0fevil.example",
    "\u2215\u2215evil.example",
    "\u29f5evil.example",
    "/\u3002evil.example",
    "evil.example",
    "@evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/x\r\nSet-Cookie: runkey-session=planted",
    "/x\r\n\r\n<script>alert(1)</script>",
    "/x\nLocation: https://evil.example",
    "/" + "x" * 3_000,
    "",
]
FORMS = sorted({form for text in ELSEWHERE for form in (text, urllib.parse.quote(text, safe=""))})
OURS = [
    "/",
    "/settings/keys",
    "/mira/p/runs/r",
    "/device?user_code=BBBB-BBBB",
    "/a%20b",
    "/x?y=//evil.example",
    "/%2f%2fevil.example",
    "/x//y",
]


def leads_to(location: str) -> str:
    """The origin that a browser ends at (URL standard, basic URL parser): it drops tabs and line ends, and reads a backslash as a slash."""
    text = re.sub(r"[\t\r\n]", "", location).strip("".join(map(chr, range(33)))).replace("\\", "/")
    parts = urllib.parse.urlsplit(urllib.parse.urljoin(HERE + "/signin", text))
    return f"{parts.scheme}://{parts.netloc}"


def test_there_are_sixty_forms_and_a_browser_would_go_elsewhere_by_many() -> None:
    assert len(ELSEWHERE) >= 60
    assert sum(leads_to(form) != HERE for form in ELSEWHERE) > 25


@pytest.mark.holds("ASVS 3.7.2")
def test_next_leads_nowhere_else(house: House) -> None:
    mira, stranger = house.visitor().sign_up("mira"), house.visitor()
    for form in FORMS:
        query = f"?next={urllib.parse.quote(form, safe='')}"
        answer = mira.get(f"/signin{query}")
        assert answer.status_code == 303, form
        location = answer.headers["location"]
        assert location == "/" or (location.startswith("/") and "%" in form), form
        assert leads_to(location) == HERE, form
        assert "set-cookie" not in answer.headers, form
        for page in ("/signin", "/signup"):
            shown = stranger.get(page + query).text
            for link in re.findall(r'(?:name="next" value|href|action)="([^"]*)"', shown):
                assert leads_to(link.replace("&amp;", "&")) == HERE, (page, form, link)


@pytest.mark.holds("ASVS 3.7.2")
def test_next_in_a_form_leads_nowhere_else_either(house: House) -> None:
    with house.database.writing() as transaction:
        until = house.clock().replace(year=2027)
        nameless = accounts.create_anonymous_account(transaction, at=house.clock(), until=until)
        code = accounts.issue_link(transaction, accounts.DASHBOARD, at=house.clock(), account=nameless, expires_at=until)
    for form in ELSEWHERE:
        answer = house.visitor().post("/try", code=code, next=form)
        assert answer.headers["location"] in ("/", f"/{nameless.name}"), form
        assert all(cookie.startswith("runkey-") for cookie in answer.headers.get_list("set-cookie")), form
    house.visitor().sign_up("mira")
    for form in ("//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"):
        answer = house.visitor().post("/signin", name="mira", password=PASSWORD, next=form)
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize("path", OURS)
def test_next_leads_on_to_a_page_of_ours(house: House, path: str) -> None:
    mira = house.visitor().sign_up("mira")
    assert mira.get(f"/signin?next={urllib.parse.quote(path, safe='')}").headers["location"] == path
    assert leads_to(path) == HERE


@pytest.mark.holds("ASVS 3.7.2")
@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("/\\\t\n\r :@.#?%;evil\u2028\u3002\uff0f\x00a"), max_size=12) | st.text(max_size=30))
@example("//x")
def test_whatever_next_says_it_stays_here(text: str) -> None:
    path = safe_next(text)
    assert path.startswith("/")
    assert leads_to(path) == HERE
    assert path.isascii() and path.isprintable()


@pytest.mark.holds("ASVS 3.7.2")
def test_no_other_route_takes_an_address_to_go_to(house: House) -> None:
    """A name that other servers redirect by does nothing here; nor does a Host, or a proxy's header, become a place to go to."""
    mira = house.visitor().sign_up("mira")
    names = ("next", "url", "redirect", "redirect_uri", "return", "returnTo", "continue", "dest", "goto", "r", "u", "callback")
    query = urllib.parse.urlencode(dict.fromkeys(names, "https://evil.example"))
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example",
        "X-Original-URL": "//evil",
    }
    for path in house.routes:
        at = re.sub(r"{\w+}", "x", path)
        for visitor in (mira, house.visitor()):
            for slash in ("", "/"):
                answer = visitor.get(f"{at}{slash}?{query}", **headers)
                assert leads_to(answer.headers.get("location", "/")) == HERE, path
                assert 'href="https://evil' not in answer.text, path


@pytest.mark.holds("ASVS 3.7.3")
@pytest.mark.holds("RFC 8252 8.6")
def test_the_one_way_off_this_server_is_to_a_program_on_the_persons_own_computer_and_takes_a_click(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    query = {
        "response_type": "code",
        "client_id": wire.CLIENT_ID,
        "redirect_uri": "http://127.0.0.1:49152/callback",
        "state": "s",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    at = "/oauth/authorize?" + urllib.parse.urlencode(query)
    page = mira.get(at)
    assert page.status_code == 200
    assert {"approve", "deny"} == set(re.findall(r'name="decision" value="(\w+)"', page.text)), "it says what happens, and how to say no"
    for decision in ("approve", "deny"):
        location = mira.post("/oauth/authorize", at=at, decision=decision, **query).headers["location"]
        assert leads_to(location) == "http://127.0.0.1:49152"


class Witness:
    """Remembers every address that was asked for or led to, and every secret that was made."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.addresses: list[str] = []
        self.pages: list[str] = []
        self.secrets: dict[str, str] = {"a password": PASSWORD}

    def visitor(self) -> Visitor:
        visitor = self.house.visitor()
        self.watch(visitor.client)
        return visitor

    def watch(self, client: object) -> None:
        client.event_hooks["response"].append(self.see)

    def see(self, answer: object) -> None:
        answer.read()
        self.addresses += [str(answer.request.url), answer.headers.get("location", "")]
        if "text/html" in answer.headers.get("content-type", ""):
            self.addresses += re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if value:
                self.secrets[f"the cookie {name} {len(self.secrets)}"] = value

    def keep(self, what: str, secret: str) -> str:
        assert len(secret) > 8, what
        self.secrets[what] = secret
        return secret


@pytest.mark.holds("ASVS 14.2.1")
def test_no_secret_stands_in_an_address_or_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A whole life of an account; the two codes that a standard puts into an address are the only ones that do."""
    caplog.set_level(logging.DEBUG)
    witness = Witness(house)
    witness.watch(house.client)
    with house.database.writing() as transaction:
        first = witness.keep("a link", accounts.issue_link(transaction, accounts.FIRST_ADMINISTRATOR, at=house.clock()))
    mira = witness.visitor()
    mira.post("/setup", code=first, name="mira", password=PASSWORD)
    mira.post("/signout", at="/")
    mira.post("/signin", name="mira", password="a wrong password of mine")
    witness.keep("a wrong password", "a wrong password of mine")
    mira.post("/signin", name="mira", password=PASSWORD, stay="yes")
    page = mira.post("/settings/keys", description="nightly").text
    key = witness.keep("a key", re.search(r"rku_\w{36}", page).group(0))
    for authorization in (f"Bearer {key}", "Basic " + witness.keep("a header", base64.b64encode(f"api:{key}".encode()).decode())):
        assert (
            house.client.post("/graphql", json={"query": "{ viewer { username } }"}, headers={"Authorization": authorization}).status_code
            == 200
        )
    page = mira.post("/settings/people", name="mira").text
    reset = witness.keep("another link", re.search(r"/welcome#([\w-]+)", page).group(1))
    # By device code.
    codes = house.client.post("/oauth/device_authorization", data={"client_id": "runkey", "machine_name": "gpu07"}).json()
    witness.keep("a device code", codes["device_code"])
    at = urllib.parse.urlsplit(codes["verification_uri_complete"])
    mira.post("/device", at=f"{at.path}?{at.query}", user_code=codes["user_code"], decision="approve")
    form = {"client_id": "runkey", "grant_type": wire.DEVICE_GRANT, "device_code": codes["device_code"]}
    machine_key = witness.keep("a machine's key", house.client.post("/oauth/token", data=form).json()["access_token"])
    # By a browser beside the program.
    verifier = witness.keep("a verifier", "v" * 64)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": "runkey",
        "redirect_uri": "http://127.0.0.1:49152/callback",
        "state": "the state",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    answer = mira.post("/oauth/authorize", at="/oauth/authorize?" + urllib.parse.urlencode(query), decision="approve", **query)
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["location"]).query))["code"]
    form = {"client_id": "runkey", "grant_type": "authorization_code", "code": code, "redirect_uri": query["redirect_uri"]}
    other_key = house.client.post("/oauth/token", data=form | {"code_verifier": verifier}).json()["access_token"]
    witness.keep("another machine's key", other_key)
    # Without an account.
    made = "mutation { createAnonymousEntity(input: {}) { apiKey { name } dashboardUrl claimUrl } }"
    told = house.client.post("/graphql", json={"query": made}).json()["data"]["createAnonymousEntity"]
    witness.keep("a nameless account's key", told["apiKey"]["name"])
    dashboard = witness.keep("a dashboard's link", told["dashboardUrl"].partition("#")[2])
    nobody = witness.visitor()
    nobody.post("/try", code=dashboard)
    # The link is for looking; the key itself opens what may be claimed.
    assert nobody.post("/claim/begin", at="/").status_code == 403
    nobody.post("/try", code=told["apiKey"]["name"])
    page = nobody.post("/claim/begin", at="/").text
    claim = witness.keep("a claim's link", re.search(r'name="code" value="([^"]+)"', page).group(1))
    mira.post("/claim", code=claim)
    mira.post("/settings/account", new_password=witness.keep("another password", "five loud herons at dusk"))
    house.client.post("/oauth/revoke", data={"token": machine_key})
    house.clock.advance(minutes=6)
    mira.post("/settings/keys", description="later", password="five loud herons at dusk")
    mira.post("/welcome", code=reset, password=witness.keep("a third password", "six calm tapirs at dawn"))
    assert len(witness.secrets) >= 20
    # All but what this test's own client says of itself.
    log = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert log.count(" /settings/") > 6
    for what, secret in witness.secrets.items():
        for form in (secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)):
            assert form not in log, what
            # What follows a # is sent to nobody; browsers keep it to themselves.
            assert not any(form in address.partition("#")[0] for address in witness.addresses), what
    # The exceptions: the code that a person types, and the code that only its verifier is good for; both in no log.
    assert any(codes["user_code"] in address for address in witness.addresses)
    assert any(code in address for address in witness.addresses)
    for spoken in (codes["user_code"], codes["user_code"].replace("-", ""), code):
        assert spoken not in log

"""What every answer carries, whatever it is: the policies for browsers, and cookies that are ours alone."""

import json
import logging
import re
from typing import Any

import pytest
import sqlalchemy as sa
from house import House, look_over, make_person

from runkey_server.asgi.middleware import REPORTS_PATH

UPSERT = 'mutation { upsertBucket(input: {name: "r", modelName: "p"}) { inserted } }'
FILES = """mutation F($files: [String!]!) {
  createRunFiles(input: {entityName: "mira", projectName: "p", runName: "r", files: $files}) { files { name uploadUrl } }
}"""
URLS = '{ project(name: "p") { run(name: "r") { files { edges { node { name directUrl url } } } } } }'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def saved(house: House, names: list[str], content: bytes) -> list[str]:
    """Save files with a run; give the paths that they are downloaded by."""
    mira = house.person("mira")
    house.graphql(mira.secret, UPSERT)
    for slot in house.graphql(mira.secret, FILES, files=names).json()["data"]["createRunFiles"]["files"]:
        assert house.client.put(slot["uploadUrl"].removeprefix(house.base_url), content=content).status_code == 200
    edges = house.graphql(mira.secret, URLS).json()["data"]["project"]["run"]["files"]["edges"]
    return [edge["node"]["directUrl"].removeprefix(house.base_url) for edge in edges]


def break_runs(house: House) -> None:
    """Let the next look at a run fail as nothing should: its row holds what no row can."""
    with house.database.writing() as transaction:
        transaction.execute(sa.text("UPDATE runs SET config = '{'"))


def every_kind(house: House) -> dict[str, Any]:
    """One answer of every kind there is, each looked over as it came."""
    mira = house.visitor().sign_up("mira")
    download = saved(house, ["model.svg"], SVG)[0]
    host = house.base_url.partition("://")[2]
    answers = {
        "a page": mira.get("/"),
        "a redirect": house.visitor().get("/"),
        "a form that is not filled in": mira.post("/setup", at="/setup", code="x", name="x", password="x"),
        "a credential that is bad": house.graphql("rku_" + "x" * 36, "{ viewer { id } }"),
        "no credential": house.client.post("/files/a/b/c/file_stream"),
        "a page that is not for everybody": house.visitor().get("/mira/p"),
        "no page": mira.get("/nothing/here/at/all", Accept="text/html"),
        "no address": house.client.get("/nothing/here/at/all"),
        "no such file of ours": house.client.get("/static/absent.js"),
        "no such method": house.client.delete("/signin"),
        "a form that is too large": mira.post("/signin", at="/setup", name="x" * 20_000),
        "a body that is too large": house.client.post("/graphql", content=b"x" * 70_000, headers={"Content-Type": "application/json"}),
        "another host": house.client.get("/signin", headers={"Host": "evil.example"}),
        "two hosts": house.client.get("/signin", headers=[("Host", host), ("Host", "evil.example")]),
        "a file of ours": house.client.get("/static/style.css"),
        "a download": house.client.get(download),
        "an address that is forged": house.client.get("/storage/xyz"),
        "a question before another": house.client.options("/storage/xyz"),
        "JSON": house.graphql(None, "{ serverInfo { cliVersionInfo } }"),
        "a sign of life": house.client.get("/healthz"),
        "metadata": house.client.get("/.well-known/oauth-authorization-server"),
        "an error of a standard's": house.client.post("/oauth/token", data={}),
        "nothing": house.client.post("/oauth/revoke", data={"token": "x"}),
        "telemetry": house.client.post("/sdk/otel/v1/metrics", content=b""),
    }
    for _ in range(6):
        answers["too many tries"] = mira.get("/device?user_code=BBBB-BBBB")
    break_runs(house)
    answers["a fault of ours"] = mira.get("/mira/p/runs/r?plain")
    with house.database.writing() as transaction:
        transaction.execute(sa.text("DROP TABLE browser_sessions"))
    answers["a database that does not answer"] = mira.get("/")
    return answers


STATUSES = {
    "a page": 200,
    "a redirect": 303,
    "a form that is not filled in": 400,
    "a credential that is bad": 401,
    "no credential": 401,
    "a page that is not for everybody": 403,
    "no page": 404,
    "no address": 404,
    "no such file of ours": 404,
    "no such method": 405,
    "a form that is too large": 413,
    "a body that is too large": 413,
    "another host": 421,
    "two hosts": 400,
    "a file of ours": 200,
    "a download": 200,
    "an address that is forged": 403,
    "a question before another": 204,
    "JSON": 200,
    "a sign of life": 200,
    "metadata": 200,
    "an error of a standard's": 400,
    "nothing": 200,
    "telemetry": 200,
    "too many tries": 429,
    "a fault of ours": 500,
    "a database that does not answer": 503,
}
# What nobody on the way may keep is everything but these.
KEPT = {"a file of ours": "public, max-age=300", "metadata": "private, max-age=300"}
SAYS_NOTHING = {"a question before another", "no such method", "telemetry"}


@pytest.mark.holds("ASVS 3.4.1")
@pytest.mark.holds("ASVS 3.4.2")
@pytest.mark.holds("ASVS 3.4.3")
@pytest.mark.holds("ASVS 3.4.4")
@pytest.mark.holds("ASVS 3.4.5")
@pytest.mark.holds("ASVS 3.4.6")
@pytest.mark.holds("ASVS 3.4.7")
@pytest.mark.holds("ASVS 3.4.8")
@pytest.mark.holds("ASVS 3.5.8")
@pytest.mark.holds("ASVS 14.3.2")
@pytest.mark.parametrize("where", ["house", "public_house"])
def test_every_kind_of_answer_carries_them(request: pytest.FixtureRequest, where: str) -> None:
    """`look_over` in house.py says what; every answer of every test of the server's goes through it, these for certain."""
    house = request.getfixturevalue(where)
    answers = every_kind(house)
    assert {what: answer.status_code for what, answer in answers.items()} == STATUSES
    for what, answer in answers.items():
        look_over(answer)
        kept = answer.headers.get("cache-control", "")
        assert what in SAYS_NOTHING or kept == KEPT.get(what) or "no-store" in kept, what
        hsts = answer.headers.get("strict-transport-security")
        assert hsts == ("max-age=63072000; includeSubDomains" if where == "public_house" else None), what
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"]), what
        assert "Traceback" not in answer.text, what
    assert answers["a fault of ours"].headers["x-request-id"] in answers["a fault of ours"].text


@pytest.mark.parametrize(
    "header",
    [
        "x-content-type-options",
        "referrer-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "x-frame-options",
        "content-security-policy",
        "reporting-endpoints",
        "cache-control",
        "strict-transport-security",
    ],
)
def test_an_answer_without_one_of_them_is_found(public_house: House, header: str) -> None:
    answer = public_house.client.get("/signin")
    look_over(answer)
    del answer.headers[header]
    with pytest.raises((AssertionError, KeyError)):
        look_over(answer)


GOOD = "__Host-runkey-session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.holds("ASVS 3.3.1")
@pytest.mark.holds("ASVS 3.3.2")
@pytest.mark.holds("ASVS 3.3.3")
@pytest.mark.holds("ASVS 3.3.4")
@pytest.mark.holds("ASVS 3.3.5")
@pytest.mark.parametrize(
    "cookie",
    [
        GOOD.replace("; Secure", ""),
        GOOD.replace("; SameSite=Lax", ""),
        GOOD.replace("SameSite=Lax", "SameSite=None"),
        GOOD.replace("__Host-", ""),
        GOOD.replace("__Host-", "__Secure-"),
        GOOD.replace("; HttpOnly", ""),
        GOOD.replace("Path=/", "Path=/settings"),
        GOOD + "; Domain=example.org",
        GOOD.replace("abc", "a" * 4096),
        GOOD.replace("abc", "a b"),
    ],
)
def test_a_cookie_that_is_not_as_it_should_be_is_found(public_house: House, cookie: str) -> None:
    answer = public_house.client.get("/signin")
    answer.headers["set-cookie"] = GOOD
    look_over(answer)
    answer.headers["set-cookie"] = cookie
    with pytest.raises(AssertionError):
        look_over(answer)


@pytest.mark.holds("ASVS 3.3.1")
@pytest.mark.holds("ASVS 3.3.2")
@pytest.mark.holds("ASVS 3.3.3")
@pytest.mark.holds("ASVS 3.3.4")
@pytest.mark.parametrize(("where", "prefix"), [("house", "runkey-"), ("public_house", "__Host-runkey-")])
def test_every_cookie_there_is(request: pytest.FixtureRequest, where: str, prefix: str) -> None:
    house = request.getfixturevalue(where)
    visitor = house.visitor().sign_up("mira")
    house.clock.advance(minutes=6)
    given = [visitor.get("/"), visitor.post("/authorize", password="four quiet otters at noon"), visitor.post("/signout", at="/")]
    set_by_us = [cookie for answer in given for cookie in answer.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in set_by_us} == {prefix + name for name in ("session", "form", "device")}
    ended = [cookie for cookie in set_by_us if "Max-Age=0" in cookie]
    assert [cookie.partition(";")[0] for cookie in ended] == [f"{prefix}session="]


@pytest.mark.holds("ASVS 14.3.1")
def test_signing_out_empties_what_the_browser_kept(house: House) -> None:
    answer = house.visitor().sign_up("mira").post("/signout", at="/")
    assert answer.headers["clear-site-data"] == '"cache"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.holds("ASVS 3.2.1")
@pytest.mark.holds("ASVS 1.3.4")
def test_what_a_run_saved_never_acts_as_a_page(house: House) -> None:
    names = ["x.svg", "x.html", "x.xhtml", "x.js", "x.xml", "x.pdf", "index", 'a"b; filename=x.html', "‮lmth.x", "<script>.html"]
    for path in saved(house, names, SVG):
        for headers in ({}, {"Sec-Fetch-Dest": "document"}, {"Accept": "text/html"}):
            answer = house.client.get(path, headers=headers)
            assert answer.content == SVG
            assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''"), path
            assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'", path


@pytest.mark.holds("ASVS 3.2.1")
def test_what_programs_are_answered_is_no_page(house: House) -> None:
    hostile = "<script>alert(1)</script>"
    person = make_person(house.database, "mira", house.clock(), pepper=house.pepper)
    answers = [
        house.graphql(person.secret, hostile),
        house.graphql(person.secret, f'{{ project(name: "{hostile}") {{ id }} }}'),
        house.client.post("/oauth/token", data={"client_id": hostile}),
        house.client.get(f"/static/{hostile}"),
        house.client.get("/.well-known/runkey", params={"challenge": hostile}),
    ]
    for answer in answers:
        assert answer.headers["content-type"].startswith("application/json"), answer.text


REPORT = {
    "csp-report": {
        "document-uri": "http://127.0.0.1:8080/mira/p?apiKey=secret#secret",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/?secret",
        "script-sample": "secret",
    }
}


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "runkey_server.policy"]


@pytest.mark.holds("ASVS 3.4.7")
def test_a_broken_policy_is_told_to_the_operator(house: House, caplog: pytest.LogCaptureFixture) -> None:
    modern = [
        {"type": "csp-violation", "body": {"documentURL": "http://127.0.0.1:8080/signin", "effectiveDirective": "img-src"}},
        {"type": "deprecation", "body": {}},
    ]
    for content_type, told in (("application/csp-report", REPORT), ("application/reports+json", modern)):
        answer = house.client.post(REPORTS_PATH, content=json.dumps(told), headers={"Content-Type": content_type})
        assert answer.status_code == 204
    assert lines_of(caplog) == [
        "a page broke its content policy: script-src-elem on /mira/p",
        "a page broke its content policy: img-src on /signin",
    ]
    assert "secret" not in caplog.text


@pytest.mark.holds("ASVS 3.4.7")
def test_reports_that_are_none_leave_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = house.dump()
    odd: list[tuple[str, bytes, int]] = [
        ("application/csp-report", b"{", 400),
        ("application/csp-report", b"\xff", 400),
        ("application/csp-report", b"[" * 10_000, 400),
        ("application/csp-report", b"[1, null, {}]", 204),
        ("application/csp-report", b'{"csp-report": "x"}', 204),
        ("application/csp-report", b'{"csp-report": {"effective-directive": "x\\ny", "document-uri": "http://x/"}}', 204),
        ("application/csp-report", b'{"csp-report": {"effective-directive": 1, "document-uri": []}}', 204),
        ("application/reports+json", b'[{"type": "csp-violation", "body": 5}]', 204),
        ("application/csp-report", b"x" * 20_000, 413),
        ("text/plain", json.dumps(REPORT).encode(), 400),
    ]
    for content_type, body, status in odd:
        assert house.client.post(REPORTS_PATH, content=body, headers={"Content-Type": content_type}).status_code == status, body[:40]
    assert lines_of(caplog) == []
    hostile = {"csp-report": {"effective-directive": "img-src", "document-uri": "http://x/a\r\nforged line\x1b[31m" + "y" * 500}}
    house.client.post(REPORTS_PATH, content=json.dumps(hostile), headers={"Content-Type": "application/csp-report"})
    (line,) = lines_of(caplog)
    assert line.isprintable()
    assert len(line) < 300
    answers = [
        house.client.post(REPORTS_PATH, content=json.dumps(REPORT), headers={"Content-Type": "application/csp-report"}) for _ in range(40)
    ]
    assert answers[-1].status_code == 429, "nobody fills the log"
    assert house.dump() == before


@pytest.mark.holds("ASVS 3.4.6")
def test_no_page_can_be_framed_the_approving_ones_neither(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    for path in ("/device", "/authorize", "/settings/keys", "/signin?next=/x", "/claim"):
        answer = mira.get(path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"] or answer.status_code == 303
        assert answer.headers["x-frame-options"] == "DENY"

"""What a run printed, on its page and for programs."""

import re
from html import unescape

import pytest
from house import House, Person, Visitor

from runkey_server import runs
from runkey_server.runs import Changes

STAMP = "2026-03-01T12:00:00.5"
PAGE = "/mira/p/runs/r1"


@pytest.fixture
def mira(house: House) -> Person:
    person = house.person("mira")
    lines = [f"{'ERROR ' if i % 100 == 7 else ''}{STAMP} line {i}" for i in range(500)]
    with house.database.writing() as transaction:
        run, _ = runs.upsert(transaction, person.actor, None, "p", "r1", Changes(), house.clock())
        runs.write_console(transaction, run.id, 0, tuple(lines))
    return person


@pytest.fixture
def browser(house: House, mira: Person) -> Visitor:
    return house.visitor().signed_in("mira")


def shown(page: str) -> list[tuple[str, str]]:
    """Numbers and texts of the lines on a page."""
    rows = re.findall(r'<span id="line-(\d+)".*?<bdi>(.*?)</bdi>', page, re.DOTALL)
    return [(number, unescape(re.sub("<[^>]*>", "", text))) for number, text in rows]


def link(page: str, words: str) -> str:
    found = re.search(rf'<a href="([^"]*)"[^>]*>{words}</a>', page)
    assert found, words
    return PAGE + unescape(found[1]).partition("#")[0]


def test_the_newest_lines_and_from_there_to_all_others(browser: Visitor) -> None:
    page = browser.get(PAGE + "?plain").text
    assert shown(page) == [(str(i + 1), f"line {i}") for i in range(300, 500)]
    assert "Lines 301 to 500 of 500." in page
    assert '<time datetime="2026-03-01T12:00:00.500000+00:00"' in page
    assert page.count("<b>stderr</b>") == 2
    assert "Newer</a>" not in page
    assert '<meta http-equiv="refresh"' in page
    page = browser.get(link(page, "Older")).text
    assert [number for number, _ in shown(page)] == [str(number) for number in range(101, 301)]
    assert '<meta http-equiv="refresh"' not in page, "nothing moves away while it is read"
    oldest = browser.get(link(page, "Older")).text
    assert [number for number, _ in shown(oldest)] == [str(number) for number in range(1, 101)]
    assert "Older</a>" not in oldest
    newer = browser.get(link(oldest, "Newer")).text
    assert [number for number, _ in shown(newer)] == [str(number) for number in range(101, 301)]
    assert shown(browser.get(link(newer, "Newest")).text)[-1] == ("500", "line 499")


def test_finding(browser: Visitor) -> None:
    page = browser.get(PAGE + "?find=LINE+4").text
    assert [text for _, text in shown(page)] == ["line 4", *(f"line {i}" for i in [*range(40, 50), *range(400, 500)])]
    assert "111 of 500 lines hold “LINE 4”." in page
    assert "<mark>line 4</mark>" in page
    around = browser.get(PAGE + unescape(re.search(r'class="number" href="([^"#]*)', page)[1])).text
    assert ("5", "line 4") in shown(around)
    page = browser.get(PAGE + "?find=line").text
    assert "500 of 500 lines hold" in page
    assert [number for number, _ in shown(page)] == [str(number) for number in range(301, 501)]
    older = browser.get(link(page, "Older")).text
    assert [number for number, _ in shown(older)] == [str(number) for number in range(101, 301)]
    assert link(older, "Newer") == PAGE + "?find=line"
    nothing = browser.get(PAGE + "?find=%25%3Cb%3E").text
    assert "0 of 500 lines hold “%&lt;b&gt;”." in nothing


def test_odd_questions(browser: Visitor) -> None:
    for query in ("?before=x", "?before=%D9%A3", "?after=99999999999999999999", "?before=", "?find=++"):
        assert len(shown(browser.get(PAGE + query).text)) == 200
    for query in ("?before=-5", "?after=10000"):
        assert "There are no lines here." in browser.get(PAGE + query).text
    assert browser.get(PAGE + "?find=" + "x" * 3_000).status_code == 200


def test_what_is_printed_is_never_markup(house: House, mira: Person, browser: Visitor) -> None:
    hostile = f"{STAMP} <script>window.x=1</script>\x1b]8;;javascript:x\x07&amp;<b>"
    with house.database.writing() as transaction:
        run = runs.find_run(transaction, mira.actor, "mira", "p", "r1")
        runs.write_console(transaction, run.id, 500, (hostile,))
    for query in ("?plain", "?find=script", "?find=%3Cb"):
        page = browser.get(PAGE + query).text
        assert shown(page)[-1] == ("501", "<script>window.x=1</script>&amp;<b>")
        assert "<script>" not in page
        assert "javascript:" not in page


def test_following(house: House, mira: Person) -> None:
    headers = {"Authorization": f"Bearer {mira.secret}"}

    def ask(query: str = "") -> dict:
        answer = house.client.get(f"{PAGE}/console{query}", headers=headers)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
        return answer.json()

    first = ask()
    assert (len(first["lines"]), first["next"], first["count"]) == (500, 498, 500)
    assert first["lines"][7] == {"line": 7, "at": "2026-03-01T12:00:00.500000Z", "stream": "stderr", "text": "line 7", "leftOut": 0}
    assert [line["line"] for line in ask("?after=498")["lines"]] == [499]
    with house.database.writing() as transaction:
        run = runs.find_run(transaction, mira.actor, "mira", "p", "r1")
        runs.write_console(transaction, run.id, 499, ("rewritten", *["more"] * 1_500))
    second = ask(f"?after={first['next']}")
    assert [line["text"] for line in second["lines"][:2]] == ["rewritten", "more"]
    assert (len(second["lines"]), second["next"]) == (1_000, 1_497)
    third = ask(f"?after={second['next']}")
    assert (third["lines"][0]["line"], third["lines"][-1]["line"], third["next"]) == (1_498, 1_999, 1_998)
    assert ask("?after=1999") == {"lines": [], "next": 1_999, "count": 2_000}
    assert ask("?after=-1")["lines"][0]["line"] == 0
    for bad in ("?after=x", "?after=", "?after=%2B1", "?after=1e3", "?after=--1"):
        assert house.client.get(f"{PAGE}/console{bad}", headers=headers).status_code == 400
    assert house.client.get(f"{PAGE}/console", headers={"Authorization": f"Bearer {house.person('eve').secret}"}).status_code == 404
    assert house.client.get(f"{PAGE}/console").status_code == 401


def test_a_run_that_printed_nothing(house: House, mira: Person) -> None:
    headers = {"Authorization": f"Bearer {mira.secret}"}
    with house.database.writing() as transaction:
        runs.upsert(transaction, mira.actor, None, "p", "r2", Changes(), house.clock())
    assert house.client.get("/mira/p/runs/r2/console", headers=headers).json() == {"lines": [], "next": -1, "count": 0}
    assert house.client.get("/mira/p/runs/r2/output.log", headers=headers).content == b""
    assert "Console" not in house.visitor().signed_in("mira").get("/mira/p/runs/r2?plain").text


def test_the_download_is_as_it_was_printed(house: House, mira: Person) -> None:
    with house.database.writing() as transaction:
        run = runs.find_run(transaction, mira.actor, "mira", "p", "r1")
        runs.write_console(transaction, run.id, 500, (f"ERROR {STAMP} \x1b[31mred\x1b[0m é", "x" * 3_000))
    answer = house.client.get(f"{PAGE}/output.log", headers={"Authorization": f"Bearer {mira.secret}"})
    assert answer.text == "".join(f"line {i}\n" for i in range(500)) + "\x1b[31mred\x1b[0m é\n" + "x" * 3_000 + "\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="p-r1-output.log"')
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"

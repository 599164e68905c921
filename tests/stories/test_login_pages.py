"""The pages of logging in, walked through in a real browser: making an account, letting a machine in, keys, machines, browsers, people,
logging without an account. Each is looked at, and checked for whether everybody can use it.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from accessibility import check_everybody_can_use
from browsing import look, watched
from outside import BIN, Machine, Server, eventually, start_server
from terminals import Terminal

pytestmark = [pytest.mark.story, pytest.mark.browser]

PASSWORD = "four quiet otters at noon"
RUNKEY = str(BIN / "runkey")
LOG_SOMETHING = (
    "import runkey\nrun = runkey.init(project='tried', config={'lr': 0.1})\n"
    "for i in range(50):\n    run.log({'loss': 1 / (i + 1), 'accuracy': 1 - 1 / (i + 1)})\nrun.finish()\nprint('RESULT', run.url)"
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server behind a proxy, where accounts are made by invitation."""
    started = start_server(tmp_path_factory.mktemp("guarded") / "data", "--sign-up", "invitation", "--trusted-proxy", "127.0.0.1")
    yield started
    started.stop()


def walk(page: object, name: str) -> None:
    """Look at a page, and see whether everybody can use it."""
    look(page, name)
    check_everybody_can_use(page)


def newcomer(browser: object, server: Server, name: str, **options: object) -> object:
    """A browser in which somebody has just made an account."""
    page = watched(browser, server, **options)
    page.goto(server.url + "/signup")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("text=Make the account")
    assert page.inner_text("h1") == "Projects"
    return page


def grow_stale(server: Server) -> None:
    """Let ten minutes pass since everybody signed in."""
    with closing(sqlite3.connect(server.data / "runkey.db", timeout=10)) as database, database:
        for digest, at in database.execute("SELECT digest, signed_in_at FROM browser_sessions").fetchall():
            database.execute("UPDATE browser_sessions SET signed_in_at = ? WHERE digest = ?", (at - 600_000_000, digest))


def waiting(machine: Machine, server: Server, *words: str, **extra: str) -> tuple[Terminal, str]:
    """A machine that waits for a click, and the code that it shows."""
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url, *words, **extra)
    terminal.expect("Enter your choice")
    terminal.type("1\n")
    terminal.expect("Waiting for your click")
    return terminal, re.findall(r"code ([A-Z]{4}-[A-Z]{4})", terminal.seen)[-1]


def alert(page: object) -> str:
    return page.inner_text("[role=alert]")


def spoken(page: object) -> list[str]:
    """What the console said, but for the answers that a story asks for by doing something wrong."""
    return [problem for problem in page.problems if not re.search(r"status of (400|403|404|429)", problem)]


def test_somebody_makes_an_account(browser: object, server: Server) -> None:
    page = watched(browser, server)
    page.goto(server.url + "/settings/keys")
    walk(page, "sign-in")
    page.click("text=Make one")
    walk(page, "sign-up")
    page.fill("#name", "Ada")
    page.fill("#password", "passwordpassword")
    page.click("text=Make the account")
    assert "too easy to guess" in alert(page)
    assert page.input_value("#name") == "Ada"
    walk(page, "sign-up-refused")
    page.fill("#password", PASSWORD)
    page.click("text=Make the account")
    assert page.url.endswith("/settings/keys"), "where the person wanted to go"
    assert "ada" in page.inner_text(".who")
    walk(page, "keys-empty")
    page.goto(server.url + "/")
    walk(page, "home-of-a-newcomer")
    assert spoken(page) == []


def test_somebody_is_invited(browser: object, guarded: Server) -> None:
    page = watched(browser, guarded)
    page.goto(guarded.url + "/signin")
    assert page.locator("text=Make one").count() == 0
    walk(page, "sign-in-by-invitation")
    link = next(line.strip() for line in guarded.operate("user", "invite").splitlines() if "/signup#" in line)
    page.goto(link)
    assert page.evaluate("location.hash") == ""
    walk(page, "sign-up-invited")
    page.fill("#name", "guest")
    page.fill("#password", PASSWORD)
    page.click("text=Make the account")
    assert page.inner_text("h1") == "Projects"
    second = watched(browser, guarded)
    second.goto(link)
    second.fill("#name", "another")
    second.fill("#password", PASSWORD)
    second.click("text=Make the account")
    assert "used already" in alert(second)
    walk(second, "sign-up-link-used")
    assert spoken(page) + spoken(second) == []


def test_nobody_makes_an_account_where_it_is_closed(browser: object, tmp_path: Path) -> None:
    closed = start_server(tmp_path / "data", "--sign-up", "closed")
    try:
        page = watched(browser, closed)
        page.goto(closed.url + "/signup")
        assert "makes no accounts by itself" in page.inner_text("main")
        walk(page, "sign-up-closed")
        page.goto(closed.first_link)
        walk(page, "first-administrator")
    finally:
        closed.stop()


def test_a_machine_is_let_in_by_its_code(browser: object, server: Server, machine: Machine) -> None:
    page = newcomer(browser, server, "bo")
    page.goto(server.url + "/settings/machines")
    walk(page, "machines-empty")
    page.click("text=Type the code here")
    walk(page, "device")
    page.fill("#user_code", "wrng-code")
    page.keyboard.press("Enter")
    assert "No machine waits" in alert(page)
    walk(page, "device-wrong-code")
    terminal, code = waiting(machine, server)
    page.fill("#user_code", code.lower().replace("-", " "))
    page.keyboard.press("Enter")
    assert code in page.inner_text("p.code")
    walk(page, "approve")
    page.click("text=Approve")
    assert page.inner_text("h1") == "The machine is logged in"
    walk(page, "approved")
    assert terminal.end() == 0, terminal.seen
    page.goto(server.url + "/")
    assert "was let in" in page.inner_text(".notice") or "logged in" in page.inner_text(".notice")
    walk(page, "home-with-news")
    page.click("text=I have seen this")
    assert page.locator(".notice").count() == 0
    assert spoken(page) == []


def test_a_machine_is_turned_away(browser: object, server: Server, machine: Machine) -> None:
    page = newcomer(browser, server, "cy")
    terminal, code = waiting(machine, server)
    page.goto(f"{server.url}/device?user_code={code}")
    page.click("text=Deny")
    assert page.inner_text("h1") == "Turned away"
    walk(page, "denied")
    assert terminal.end() == 4
    assert spoken(page) == []


def test_a_machine_elsewhere_needs_the_password_again(browser: object, guarded: Server, machine: Machine) -> None:
    page = watched(browser, guarded, extra_http_headers={"X-Forwarded-For": "203.0.113.7"})
    terminal, code = waiting(machine, guarded)
    link = next(line.strip() for line in guarded.operate("user", "create", "dot").splitlines() if "/welcome#" in line)
    page.goto(link)
    walk(page, "welcome-of-a-person")
    page.fill("#password", PASSWORD)
    page.click("text=Save and sign in")
    grow_stale(guarded)
    page.goto(f"{guarded.url}/device?user_code={code}")
    assert "another network" in page.inner_text("main")
    walk(page, "approve-elsewhere-stale")
    page.fill("#password", "not this one at all")
    page.click("text=Approve")
    assert "not your password" in page.inner_text("main")
    walk(page, "approve-wrong-password")
    page.fill("#password", PASSWORD)
    page.click("text=Approve")
    assert page.inner_text("h1") == "The machine is logged in"
    assert terminal.end() == 0, terminal.seen
    assert spoken(page) == []


def test_whoever_is_not_signed_in_comes_back_to_the_machine(browser: object, server: Server, machine: Machine) -> None:
    newcomer(browser, server, "ed")
    terminal, code = waiting(machine, server)
    page = watched(browser, server)
    page.goto(f"{server.url}/device?user_code={code}")
    assert page.inner_text("h1") == "Sign in"
    page.fill("#name", "ed")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Let this machine in?')")
    page.click("text=Deny")
    assert terminal.end() == 4


def test_the_browser_beside_the_terminal(browser: object, server: Server, machine: Machine) -> None:
    opened = machine.home / "opened"
    opener = machine.home / "opener"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    opener.chmod(0o755)
    page = newcomer(browser, server, "fay")
    terminal, _ = waiting(machine, server, BROWSER=str(opener), SSH_CONNECTION="", SSH_TTY="", SSH_CLIENT="")
    eventually(opened.exists)
    page.goto(opened.read_text())
    walk(page, "approve-beside")
    page.click("text=Approve")
    page.wait_for_url("**/device/done")
    assert terminal.end() == 0, terminal.seen
    assert [problem for problem in spoken(page) if not problem.startswith("http://127.0.0.1:")] == []


def test_a_key_for_the_official_client(browser: object, server: Server) -> None:
    page = newcomer(browser, server, "gus")
    page.goto(server.url + "/authorize")
    walk(page, "authorize")
    page.click("text=Make a key")
    key = page.inner_text(".secret")
    assert re.fullmatch(r"rku_\w{36}", key)
    walk(page, "authorize-key")
    page.click("text=See all your keys")
    assert key not in page.content(), "it is shown once"
    page.fill("#description", "nightly training of a model with a long name, " * 3)
    page.select_option("#days", "90")
    page.click("button:has-text('Make a key')")
    assert re.fullmatch(r"rku_\w{36}", page.inner_text(".secret"))
    walk(page, "keys-made")
    page.locator("summary").first.click()
    walk(page, "keys-revoke-asked")
    page.click("text=Revoke it")
    assert page.locator("td:has-text('revoked')").count() == 1
    walk(page, "keys-revoked")
    grow_stale(server)
    page.reload()
    walk(page, "keys-stale")
    page.fill("#description", "another")
    page.fill("#password", PASSWORD)
    page.click("button:has-text('Make a key')")
    grow_stale(server)
    page.locator("summary").first.click()
    page.click("button:has-text('Revoke it'):visible")
    assert "Give your password once more" in alert(page)
    walk(page, "keys-revoke-refused")
    page.locator("input[name=password]:visible").first.fill(PASSWORD)
    page.click("button:has-text('Revoke it'):visible")
    assert page.locator("td:has-text('revoked')").count() == 2
    assert spoken(page) == []


def rename(page: object, name: str) -> None:
    page.locator("summary:has-text('Rename')").first.click()
    page.locator("input[name=name]:visible").fill(name)
    page.click("button:has-text('Rename it'):visible")
    assert name in page.inner_text(".machine >> nth=0")


def test_machines_are_renamed_and_revoked(browser: object, server: Server, machine: Machine, tmp_path: Path) -> None:
    page = newcomer(browser, server, "hal")
    homes = [machine.home, tmp_path / "second"]
    homes[1].mkdir()
    for home in homes:
        terminal, code = waiting(Machine(home), server)
        page.goto(f"{server.url}/device?user_code={code}")
        page.click("text=Approve")
        assert terminal.end() == 0, terminal.seen
    page.goto(server.url + "/settings/machines")
    rename(page, "gpu07")
    walk(page, "machines")
    rename(page, "a-name-as-long-as-the-page-takes-" * 3)
    page.locator("summary:has-text('Rename')").first.click()
    page.locator("summary:has-text('Revoke')").last.click()
    walk(page, "machines-asked")
    page.click("button:has-text('Revoke it'):visible")
    assert page.locator(".state:has-text('revoked')").count() == 1
    walk(page, "machines-revoked")
    grow_stale(server)
    page.reload()
    page.locator("summary:has-text('Revoke')").click()
    page.locator("input[name=password]:visible").fill("not this one at all")
    page.click("button:has-text('Revoke it'):visible")
    assert "not your password" in alert(page)
    walk(page, "machines-revoke-refused")
    page.locator("input[name=password]:visible").fill(PASSWORD)
    page.click("button:has-text('Revoke it'):visible")
    assert page.locator(".state:has-text('revoked')").count() == 2
    assert spoken(page) == []


def test_browsers_and_the_password(browser: object, server: Server) -> None:
    page = newcomer(browser, server, "ida")
    other = watched(browser, server, user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0")
    other.goto(server.url + "/signin")
    other.fill("#name", "ida")
    other.fill("#password", PASSWORD)
    other.click("button:has-text('Sign in')")
    page.goto(server.url + "/settings/sessions")
    assert [row.split("\t")[0] for row in page.locator("tbody tr").all_inner_texts()] == ["Firefox on Windows", "Chrome on Linux"]
    walk(page, "sessions")
    page.locator("td button:has-text('Sign out')").click()
    assert page.locator("tbody tr").count() == 1
    walk(page, "sessions-alone")
    other.reload()
    assert other.inner_text("h1") == "Sign in"
    page.goto(server.url + "/settings/account")
    walk(page, "account")
    page.fill("#email", "ida@example.org")
    page.click("text=Save")
    assert "saved" in page.inner_text("[role=status]")
    page.fill("#new_password", "passwordpassword")
    page.click("text=Change it")
    assert "too easy to guess" in alert(page)
    walk(page, "account-refused")
    page.fill("#new_password", "five quiet otters at noon")
    page.click("text=Change it")
    assert "is changed" in page.inner_text("[role=status]")
    walk(page, "account-changed")
    grow_stale(server)
    page.reload()
    walk(page, "account-stale")
    assert spoken(page) + spoken(other) == []


def test_an_administrator_lets_people_in(browser: object, guarded: Server) -> None:
    page = watched(browser, guarded)
    page.goto(guarded.first_link)
    page.fill("#name", "root")
    page.fill("#password", PASSWORD)
    page.click("text=Make the account")
    guarded.operate("user", "create", "jo")
    guarded.operate("user", "disable", "jo")
    page.goto(guarded.url + "/settings/people")
    walk(page, "people")
    page.click("text=Make an invitation")
    assert page.inner_text("#invite .secret").startswith(f"{guarded.url}/signup#")
    walk(page, "people-invited")
    page.select_option("#name", "jo")
    page.click("text=Make a link")
    assert page.inner_text("#reset .secret").startswith(f"{guarded.url}/welcome#")
    assert spoken(page) == []


def test_logging_without_an_account_and_claiming_it(browser: object, server: Server, machine: Machine) -> None:
    done = machine.run(RUNKEY, "login", "--host", server.url, "--anonymous")
    link = re.search(r"(http://\S+/try#\S+)", done.stderr).group(1)
    logged = machine.python(LOG_SOMETHING)
    assert "RESULT" in logged.stdout, logged.stderr
    page = watched(browser, server)
    page.goto(link)
    page.wait_for_url(f"{server.url}/anon-*")
    assert "1 of 100 runs" in page.inner_text("main")
    assert "run runkey claim on the machine that logs here" in page.inner_text("main")
    walk(page, "anonymous-home-by-link")
    page.goto(logged.stdout.split()[-1])
    page.wait_for_selector("figure")
    walk(page, "anonymous-run")
    page.goto(server.url + "/settings/keys")
    assert page.inner_text("h1") == "Not allowed"
    walk(page, "anonymous-not-allowed")
    # Whoever has the key itself, which links of old official clients hold, may do more than look.
    key = next(iter(json.loads((machine.home / ".config/runkey/credentials.json").read_text())["entries"].values()))["key"]
    page.context.clear_cookies()
    page.goto(f"{logged.stdout.split()[-1]}?apiKey={key}")
    page.click("button:has-text('Open')")
    page.goto(server.url + "/")
    walk(page, "anonymous-home")
    page.click("text=Make these runs yours")
    assert page.inner_text("h1") == "Make these runs yours"
    walk(page, "claim-begun")
    newcomer(browser, server, "kit")
    page.fill("#name", "kit")
    page.fill("#password", "not this one at all")
    page.click("text=Make them mine")
    assert "No account has this name" in alert(page)
    walk(page, "claim-refused")
    page.fill("#password", PASSWORD)
    page.click("text=Make them mine")
    assert "tried" in page.inner_text("table")
    walk(page, "claimed")
    page.goto(link)
    page.wait_for_selector("[role=alert]")
    assert "opens nothing" in alert(page)
    walk(page, "try-opens-nothing")
    assert spoken(page) == []


def test_a_link_to_another_account_asks_whoever_is_signed_in(browser: object, server: Server, machine: Machine) -> None:
    done = machine.run(RUNKEY, "login", "--host", server.url, "--anonymous")
    link = re.search(r"(http://\S+/try#\S+)", done.stderr).group(1)
    page = newcomer(browser, server, "mae")
    page.goto(link)
    page.wait_for_selector("text=signs mae out in this browser")
    walk(page, "try-instead")
    page.goto(server.url + "/settings/machines")
    assert page.inner_text(".who .name").endswith("mae")
    page.goto(link)
    page.click("button:has-text('Open anon-')")
    page.wait_for_url(f"{server.url}/anon-*")
    assert "mae" not in page.inner_text("header")
    assert spoken(page) == []


def test_no_account_and_no_script(browser: object, server: Server, machine: Machine) -> None:
    done = machine.run(RUNKEY, "login", "--host", server.url, "--anonymous")
    link = re.search(r"(http://\S+/try#\S+)", done.stderr).group(1)
    page = watched(browser, server, java_script_enabled=False)
    page.goto(link)
    page.fill("#code", link.partition("#")[2])
    page.click("button:has-text('Open')")
    assert "0 of 100 runs" in page.inner_text("main")
    claim = machine.run(RUNKEY, "claim").stdout.strip()
    newcomer(browser, server, "lea")
    visitor = watched(browser, server, java_script_enabled=False)
    visitor.goto(claim)
    visitor.fill("#code", claim.partition("#")[2])
    visitor.fill("#name", "lea")
    visitor.fill("#password", PASSWORD)
    visitor.click("text=Make them mine")
    assert visitor.inner_text("h1") == "Projects"
    assert spoken(page) + spoken(visitor) == []
    bare = watched(browser, server)
    bare.goto(server.url + "/try")
    walk(bare, "try")
    bare.goto(server.url + "/claim")
    walk(bare, "claim")


def test_errors_are_pages_too(browser: object, server: Server) -> None:
    page = watched(browser, server)
    page.goto(server.url + "/mira/p")
    assert page.inner_text("h1") == "Sign in first"
    walk(page, "not-signed-in")
    newcomer(browser, server, "mo")
    page.click("main a")
    page.fill("#name", "mo")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(server.url + "/mira/p")
    assert page.inner_text("h1") == "Nothing here"
    page.goto(server.url + "/settings/people")
    assert page.inner_text("h1") == "Nothing here"
    walk(page, "nothing-here")
    page.goto(server.url + "/settings/account")
    page.context.clear_cookies(name="runkey-form")
    page.click("text=Save")
    assert "Load it again" in page.inner_text("main")
    walk(page, "form-too-old")

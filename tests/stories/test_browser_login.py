"""`runkey login` by a click: in a terminal, with a browser beside it or elsewhere; what goes wrong on the way."""

import json
import re
import urllib.parse

import pytest
from outside import BIN, Machine, Server, eventually
from surfing import Surfer
from terminals import FakeBrowser, Terminal, answer_redirect

pytestmark = pytest.mark.story

RUNKEY = str(BIN / "runkey")


@pytest.fixture(scope="module")
def mira(server: Server) -> Surfer:
    return Surfer(server).sign_up("mira")


def begin(machine: Machine, server: Server, *words: str, **extra: str) -> Terminal:
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url, *words, **extra)
    terminal.expect("(1) Log in with your browser")
    terminal.expect("Enter your choice")
    terminal.type("\n")
    return terminal


def code_in(terminal: Terminal) -> str:
    terminal.expect("Waiting for your click")
    return re.findall(r"code ([A-Z]{4}-[A-Z]{4})", terminal.seen)[-1]


def entry(machine: Machine) -> dict[str, object]:
    kept = json.loads((machine.home / ".config/runkey/credentials.json").read_text())
    return kept["entries"][kept["default"]]


def test_one_click_logs_the_machine_in_and_its_run_goes_to_the_account(server: Server, machine: Machine, mira: Surfer) -> None:
    terminal = begin(machine, server)
    code = code_in(terminal)
    assert f"{server.url}/device?user_code={code}" in terminal.seen
    shown = mira.get(f"/device?user_code={code}").text
    assert "Let this machine in?" in shown
    assert code in shown
    assert mira.approve(code).location == "/device/done"
    assert terminal.end() == 0
    assert "This machine was let in to the account mira." in terminal.seen
    assert f"Logged in as mira on {server.url}" in terminal.seen
    kept = entry(machine)
    assert str(kept["key"]).startswith("rkm_")
    assert str(kept["machine_id"]).startswith("mac_")
    assert kept["account"] == "mira"
    assert str(kept["key"]) not in terminal.seen
    done = machine.python("import runkey\nrun = runkey.init(project='clicked')\nrun.log({'loss': 1})\nrun.finish()")
    assert done.returncode == 0, done.stderr
    assert "clicked" in mira.get("/").text
    assert "1 run" in mira.get("/settings/machines").text


def test_logging_in_again_renews_the_same_machine(server: Server, machine: Machine, mira: Surfer) -> None:
    first = begin(machine, server)
    mira.approve(code_in(first))
    assert first.end() == 0
    before = entry(machine)
    again = begin(machine, server, "--relogin")
    mira.approve(code_in(again))
    assert again.end() == 0
    after = entry(machine)
    assert after["machine_id"] == before["machine_id"]
    assert after["key"] != before["key"]
    # Replaced, not revoked: it may open no runs any more.
    refused = machine.python("import runkey\nrunkey.init(project='p')", RUNKEY_API_KEY=str(before["key"]), RUNKEY_HOST=server.url)
    assert refused.returncode != 0


def test_the_person_says_no(server: Server, machine: Machine, mira: Surfer) -> None:
    terminal = begin(machine, server)
    assert mira.approve(code_in(terminal), "deny").location == "/device/done?denied=1"
    assert terminal.end() == 4
    assert "said no" in terminal.seen
    assert (
        not (machine.home / ".config/runkey/credentials.json").exists()
        or not json.loads((machine.home / ".config/runkey/credentials.json").read_text())["entries"]
    )


@pytest.mark.holds("RFC 7009 2.1")
def test_control_c_cancels_the_code_on_the_server(server: Server, machine: Machine, mira: Surfer) -> None:
    terminal = begin(machine, server)
    code = code_in(terminal)
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    eventually(lambda: "No machine waits" in mira.get(f"/device?user_code={code}").problem)


def test_another_account_than_the_expected_one_is_not_joined(server: Server, machine: Machine, mira: Surfer) -> None:
    ana = Surfer(server).sign_up("ana")
    terminal = begin(machine, server, "--expect-user", "mira")
    ana.approve(code_in(terminal))
    assert terminal.end() == 4
    assert "The account mira was expected, but this is the account ana. Nothing was stored." in terminal.seen
    assert "revoked" in ana.get("/settings/machines").text
    assert "Logged in as" not in terminal.seen


def test_time_runs_out(server: Server, machine: Machine) -> None:
    terminal = begin(machine, server, "--timeout", "3")
    code_in(terminal)
    assert terminal.end() == 3
    assert "Nobody answered within 3 seconds" in terminal.seen


@pytest.mark.holds("RFC 8252 8.12")
def test_the_browser_beside_the_terminal_comes_back_by_itself(server: Server, machine: Machine, mira: Surfer) -> None:
    fake = FakeBrowser(machine)
    terminal = begin(machine, server, **fake.variables)
    code = code_in(terminal)
    assert "Your browser opens now" in terminal.seen
    address = fake.address()
    assert address.startswith(f"{server.url}/oauth/authorize?")
    path = address.removeprefix(server.url)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))
    assert query["redirect_uri"].startswith("http://127.0.0.1:")
    assert "Let this machine in?" in mira.get(path).text
    answer = mira.post("/oauth/authorize", at=path, decision="approve", **query)
    assert answer.location.startswith(query["redirect_uri"])
    assert answer_redirect(answer.location) == 303
    assert terminal.end() == 0
    assert "Logged in as mira" in terminal.seen
    # The other way is closed: nobody can approve the code any more.
    assert "No machine waits" in mira.get(f"/device?user_code={code}").problem


@pytest.mark.holds("RFC 8252 8.12")
def test_text_browsers_are_never_opened(server: Server, machine: Machine, mira: Surfer) -> None:
    fake = FakeBrowser(machine)
    lynx = machine.home / "lynx"
    (machine.home / "browser").rename(lynx)
    terminal = begin(machine, server, **fake.variables | {"BROWSER": str(lynx), "DISPLAY": "", "WAYLAND_DISPLAY": ""})
    mira.approve(code_in(terminal))
    assert terminal.end() == 0
    assert "Your browser opens now" not in terminal.seen
    assert not fake.opened.exists()

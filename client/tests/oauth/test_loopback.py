"""The redirect's client half (RFC 8252): a listener on this computer alone, for one answer; and a browser that is the person's own."""

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import struct
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from outside import eventually

import runkey
from runkey import session
from runkey.clock import SystemClock
from runkey.errors import AuthenticationError
from runkey.oauth import browser
from runkey.oauth.joining import Joining
from runkey.oauth.loopback import Answer, Loopback
from runkey.settings import Environment
from runkey.terminal import Invitation, Terminal

HOST = "https://track.example.org"


class Waiting:
    """A login that waits for its redirect, and what it was told."""

    def __init__(self) -> None:
        self.told: list[Answer] = []
        self.loopback = Loopback(HOST, HOST, self.told.append)
        self.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.loopback.authorization_url({"machine_name": "gpu07"})).query))
        self.parts = urllib.parse.urlsplit(self.query["redirect_uri"])
        self.good = {"code": "the code", "state": self.query["state"], "iss": HOST}

    @property
    def place(self) -> tuple[str, int]:
        return self.parts.hostname or "", self.parts.port or 0

    def ask(self, path: str, *, method: str = "GET", host: str | None = None, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(*self.place, timeout=10)
        connection.putrequest(method, path, skip_host=True)
        if host != "":
            connection.putheader("Host", host or self.parts.netloc)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def come_back(self, **more: str) -> http.client.HTTPResponse:
        values = {name: value for name, value in (self.good | more).items() if value}
        return self.ask(f"/callback?{urllib.parse.urlencode(values)}")

    def listens(self) -> bool:
        try:
            socket.create_connection(self.place, timeout=5).close()
        except (ConnectionRefusedError, ConnectionResetError):
            return False
        return True


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    opened = Waiting()
    yield opened
    opened.loopback.close()


@pytest.mark.holds("RFC 8252 7.3")
def test_the_redirect_is_an_address_of_this_computer_and_a_port_that_was_free(waiting: Waiting) -> None:
    assert re.fullmatch(r"http://(127\.0\.0\.1|\[::1\]):\d+/callback", waiting.query["redirect_uri"]), "not localhost, which may be another"
    assert waiting.query["redirect_uri"] == waiting.loopback.redirect_uri
    another = Waiting()
    try:
        assert another.place[1] != waiting.place[1]
    finally:
        another.loopback.close()


@pytest.mark.holds("RFC 8252 8.3")
def test_it_listens_on_the_loopback_interface_alone(waiting: Waiting) -> None:
    assert waiting.loopback._server.socket.getsockname()[0] == waiting.place[0]
    assert waiting.listens()
    # Every address 127.… is this computer on Linux: one that listens on all of them, or on all interfaces, would answer here.
    if sys.platform == "linux" and waiting.place[0] == "127.0.0.1":
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", waiting.place[1]), timeout=5)


@pytest.mark.holds("RFC 8252 8.3")
def test_it_closes_after_the_one_answer(waiting: Waiting) -> None:
    answer = waiting.come_back()
    assert (answer.status, answer.headers["Location"]) == (303, f"{HOST}/device/done")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer", "the page that follows must not hear the code"
    eventually(lambda: [(told.code, told.error) for told in waiting.told] == [("the code", None)])
    eventually(lambda: not waiting.listens())


@pytest.mark.holds("RFC 8252 8.3")
def test_it_closes_when_nobody_comes(waiting: Waiting) -> None:
    waiting.loopback.close()
    assert not waiting.listens()
    assert waiting.told == []
    waiting.loopback.close()


@pytest.mark.holds("RFC 8252 8.3")
def test_of_twenty_answers_at_once_one_is_taken(waiting: Waiting) -> None:
    statuses: list[int] = []
    together = threading.Barrier(20)

    def come() -> None:
        together.wait()
        try:
            statuses.append(waiting.come_back().status)
        except OSError:
            statuses.append(0)

    threads = [threading.Thread(target=come) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(waiting.told) == 1)
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 404, 0}


@pytest.mark.holds("RFC 8252 8.3")
@pytest.mark.parametrize(
    "host",
    [
        "localhost:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "",
        "{place}, x",
    ],
)
def test_another_host_name_is_not_answered_and_spends_nothing(waiting: Waiting, host: str) -> None:
    """A page elsewhere, whose name was made to resolve to this computer, asks under that name."""
    path = f"/callback?{urllib.parse.urlencode(waiting.good)}"
    assert waiting.ask(path, host=host.format(port=waiting.place[1], place=waiting.parts.netloc)).status == 421
    assert waiting.told == []
    assert waiting.come_back().status == 303


@pytest.mark.holds("RFC 8252 8.3")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/callback/"),
        ("GET", "/favicon.ico"),
        ("GET", "/callback2"),
        ("POST", "/callback"),
        ("HEAD", "/callback"),
        ("TRACE", "/"),
    ],
)
def test_anything_but_the_redirect_spends_nothing(waiting: Waiting, method: str, path: str) -> None:
    answer = waiting.ask(f"{path}?{urllib.parse.urlencode(waiting.good)}", method=method)
    assert answer.status in (404, 501)
    assert waiting.told == []
    assert waiting.come_back().status == 303


@pytest.mark.holds("RFC 8252 8.9")
@pytest.mark.parametrize("state", ["", "another", "{state}x", "é", "{state} "])
def test_an_answer_to_another_login_is_not_taken_and_keeps_this_one_from_nothing(waiting: Waiting, state: str) -> None:
    answer = waiting.come_back(state=state.format(state=waiting.good["state"]))
    assert answer.status == 400
    assert "Location" not in answer.headers
    assert waiting.told == []
    assert waiting.come_back().status == 303


@pytest.mark.holds("RFC 8252 8.9")
def test_nothing_that_comes_leaves_a_trace_in_the_terminal(waiting: Waiting, capfd: pytest.CaptureFixture[str]) -> None:
    many = "&".join(f"p{number}=x" for number in range(25))
    assert waiting.ask(f"/callback?{many}&{urllib.parse.urlencode(waiting.good)}").status == 400
    # One that hangs up before it was answered.
    with socket.create_connection(waiting.place, timeout=5) as left:
        left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left.sendall(f"GET /{'x' * 60_000}".encode())
    assert waiting.ask("/callback", Cookie="x" * 60_000).status in (400, 431)
    assert waiting.come_back().status == 303
    eventually(lambda: len(waiting.told) == 1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.holds("RFC 8252 8.9")
def test_the_state_cannot_be_guessed() -> None:
    states, verifiers = set(), set()
    for _ in range(5):
        one = Waiting()
        one.loopback.close()
        assert len(base64.urlsafe_b64decode(one.query["state"] + "=")) >= 16
        states.add(one.query["state"])
        verifiers.add(one.loopback.verifier.reveal())
    assert len(states) == len(verifiers) == 5


@pytest.mark.holds("RFC 8252 8.10")
@pytest.mark.parametrize("iss", ["", "https://evil.example", HOST + "/", HOST.upper(), "http://track.example.org"])
def test_an_answer_of_another_server_is_not_taken(waiting: Waiting, iss: str) -> None:
    assert waiting.come_back(iss=iss).status == 400
    assert waiting.told == []


@pytest.mark.holds("RFC 8252 6")
@pytest.mark.holds("RFC 8252 8.1")
def test_the_code_is_worth_nothing_without_what_stays_here(waiting: Waiting, capfd: pytest.CaptureFixture[str]) -> None:
    verifier = waiting.loopback.verifier.reveal()
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert (waiting.query["code_challenge"], waiting.query["code_challenge_method"]) == (made, "S256")
    assert verifier not in waiting.loopback.authorization_url({})
    assert verifier not in repr(waiting.loopback.verifier)
    waiting.come_back()
    shown = capfd.readouterr()
    assert shown.out + shown.err == "", "nothing is logged: the query holds the code"


@pytest.mark.parametrize(
    ("more", "error"), [({"error": "access_denied"}, "access_denied"), ({"error": "server_error"}, "server_error"), ({}, "invalid_request")]
)
def test_an_error_comes_back_in_the_codes_place(waiting: Waiting, more: dict[str, str], error: str) -> None:
    answer = waiting.come_back(code="", **more)
    assert answer.headers["Location"] == f"{HOST}/device/done?denied=1"
    eventually(lambda: [(told.code, told.error) for told in waiting.told] == [(None, error)])


def test_somebody_who_connects_and_says_nothing_keeps_nobody_out(waiting: Waiting) -> None:
    silent = [socket.create_connection(waiting.place) for _ in range(5)]
    try:
        assert waiting.come_back().status == 303
    finally:
        for connection in silent:
            connection.close()


# --- the browser ----------------------------------------------------------------------------------------------------------

SOURCES = sorted(Path(runkey.__file__).parent.rglob("*.py"))


@pytest.mark.holds("RFC 8252 8.12")
def test_the_page_opens_in_the_persons_own_browser_outside_this_process(tmp_path: Path) -> None:
    """A view inside the program could read the password; another program, in a session of its own, cannot be read by this one."""
    opened = tmp_path / "opened"
    script = "import os, sys, pathlib; pathlib.Path(sys.argv[1]).write_text(f'{sys.argv[2]} {os.getsid(0)} {os.isatty(0)}')"
    address = f"{HOST}/oauth/authorize?state=x&code_challenge=y"
    assert browser.open_address([sys.executable, "-c", script, str(opened)], address)
    eventually(lambda: opened.exists() and opened.read_text())
    shown, session, has_terminal = opened.read_text().split()
    assert shown == address
    assert int(session) != os.getsid(0)
    assert has_terminal == "False"


@pytest.mark.holds("RFC 8252 8.12")
def test_there_is_no_view_of_a_page_inside_this_package() -> None:
    views = re.compile(r"\b(IFrame|iframe|webview|WebView|QtWebEngine\w*|WebKit\w*|cefpython|tkinterweb|webdriver|playwright)\b")
    found = [(path.name, views.findall(path.read_text())) for path in SOURCES]
    assert [each for each in found if each[1]] == []
    imports = "".join(path.read_text() for path in SOURCES)
    assert "import webbrowser" not in imports, "which takes a text browser, inside this terminal, for a browser"


@pytest.mark.holds("RFC 8252 8.12")
@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"])
def test_no_browser_opens_where_its_person_is_not(variable: str) -> None:
    assert browser.find_opener(Environment({variable: "x", "DISPLAY": ":0", "BROWSER": sys.executable})) is None


# --- whose word is taken ----------------------------------------------------------------------------------------------------


class Impostor(BaseHTTPRequestHandler):
    """An authorization server that calls itself by another name."""

    issuer = "https://evil.example"
    asked: list[str]

    def do_GET(self) -> None:
        self._answer(200, {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/oauth/authorize"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append(f"{self.path} {body}")
        if self.path.endswith("device_authorization"):
            page = f"http://{self.headers['Host']}/device"
            self._answer(200, {"device_code": "d" * 43, "user_code": "BCDF-GHJK", "verification_uri": page, "expires_in": 600})
        else:
            self._answer(400, {"error": "access_denied"})

    def _answer(self, status: int, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.holds("RFC 8414 3.3")
@pytest.mark.parametrize(
    ("issuer", "opens"), [("https://evil.example", False), ("http://127.0.0.1.evil.example", False), ("", False), ("{own}", True)]
)
def test_a_server_that_says_it_is_another_gets_no_browser(tmp_path: Path, issuer: str, opens: bool) -> None:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Impostor", (Impostor,), {"issuer": issuer, "asked": asked}))
    host = f"http://127.0.0.1:{server.server_address[1]}"
    server.RequestHandlerClass.issuer = issuer.format(own=host)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    session.process.proved[host] = "proved"
    invited: list[bool] = []

    def invite(address: str, code: str, is_opened: bool) -> Invitation:
        invited.append(is_opened)
        return Invitation(Terminal())

    login = Joining(host, {}, clock=SystemClock(), remaining=lambda: 10.0, invite=invite, opener=[sys.executable, "-c", "pass"], renewals=0)
    try:
        with pytest.raises(AuthenticationError, match="said no"):
            login.wait(lambda joined: None)
    finally:
        server.shutdown()
        server.server_close()
    assert invited == [opens]
    assert any("device_code=" + "d" * 43 in each for each in asked), "the other way goes on"

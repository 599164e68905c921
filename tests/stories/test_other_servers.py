"""At the address is no runkey server, another one than before, or a relay of the real one: no key is sent there, and what it is is said."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from outside import Machine, Server, log_in, runkey, start_server, status, stored

pytestmark = pytest.mark.story


class Other(BaseHTTPRequestHandler):
    """Something that is not a runkey server."""

    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("Authorization"))  # type: ignore[attr-defined]
        status, kind, body, location = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((200, "text/html", b"<html><title>Router\x1b[31m login</title>", None), 6, "an HTML page titled “Router�[31m login” answered"),
        ((404, "application/json", b"{}", None), 6, "status 404 with application/json"),
        ((302, "text/plain", b"", "https://elsewhere.example/"), 6, "redirects to https://elsewhere.example/, which is not followed"),
        ((200, "application/json", b'{"public_key": "x", "signature": "y"}', None), 6, "does not answer as a runkey server does"),
        ((503, "text/plain", b"later", None), 4, "cannot answer now"),
    ],
)
def test_what_answers_is_told_and_no_key_is_sent(
    server: Server, machine: Machine, other: ThreadingHTTPServer, answer: object, code: int, words: str
) -> None:
    other.answer = answer  # type: ignore[attr-defined]
    done = runkey(machine, "login", "--host", f"http://127.0.0.1:{other.server_address[1]}", "--key-stdin", stdin=server.key("mira"))
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert other.seen  # type: ignore[attr-defined]
    assert set(other.seen) == {None}  # type: ignore[attr-defined]
    assert not stored(machine).exists() or "entries" in stored(machine).read_text()


def test_another_server_than_before_gets_nothing(tmp_path: Path, machine: Machine) -> None:
    first = start_server(tmp_path / "first")
    port = first.url.rsplit(":", 1)[1]
    key = log_in(machine, first, "mira")
    first.stop()
    second = start_server(tmp_path / "second", "--listen", f"127.0.0.1:{port}")
    try:
        for words in (("login",), ("status", "--check"), ("keys", "list"), ("exec", "--", "true")):
            done = runkey(machine, *words)
            assert done.returncode == 6, (words, done.stderr)
            assert "is another server than the one you logged in to" in done.stderr
        assert key not in second.log.read_text()
        assert "/graphql" not in second.log.read_text()
        fresh = second.key("mira")
        assert runkey(machine, "login", "--relogin", "--key-stdin", stdin=fresh).returncode == 0
        assert status(machine, "--check")["ok"] is True
    finally:
        second.stop()


def test_a_relay_of_the_real_server_is_found_out(server: Server, machine: Machine) -> None:
    """A server that passes the challenge on to the real one gives back a signature for another name."""
    import urllib.request

    real = server.url

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with urllib.request.urlopen(real + self.path, timeout=10) as answer:
                body = answer.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    relay = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=relay.serve_forever, args=(0.05,), daemon=True).start()
    try:
        done = runkey(machine, "login", "--host", f"http://localhost:{relay.server_address[1]}", "--key-stdin", stdin=server.key("mira"))
        assert done.returncode == 6
        assert "its signature does not fit the name 'localhost'" in done.stderr
    finally:
        relay.shutdown()
        relay.server_close()

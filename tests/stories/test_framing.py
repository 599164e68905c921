"""Where a request ends is read in one way or not at all (RFC 9112 sections 2.2, 3.2, 5.2, 6, 7.1): raw sockets against a real server."""

import socket

import pytest
from outside import Server, eventually

pytestmark = pytest.mark.story

BODY = "token=x"
CHUNKED = f"7\r\n{BODY}\r\n0\r\n\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
# A request that must never be answered: it stands in the body of the one before, or behind what is no request.
HIDDEN = "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: {host}\r\n\r\n"
# What a proxy before us could read otherwise than we do: the header fields, and what follows them.
UNCLEAR = {
    "a length and chunks": (f"Content-Length: {len(BODY)}\r\nTransfer-Encoding: chunked\r\n", CHUNKED),
    "chunks and a length": (f"Transfer-Encoding: chunked\r\nContent-Length: {len(BODY)}\r\n", CHUNKED),
    "a length that hides a request, and chunks": ("Content-Length: 300\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "two lengths": ("Content-Length: 7\r\nContent-Length: 0\r\n", BODY),
    "two lengths the other way round": ("Content-Length: 0\r\nContent-Length: 7\r\n", BODY),
    "a list of lengths": ("Content-Length: 7, 0\r\n", BODY),
    "a length with a sign": ("Content-Length: +7\r\n", BODY),
    "a length below nothing": ("Content-Length: -7\r\n", BODY),
    "a length in sixteens": ("Content-Length: 0x7\r\n", BODY),
    "a length with a space before its colon": ("Content-Length : 7\r\n", BODY),
    "a length of no figure": ("Content-Length: \r\n", BODY),
    "a length that is too long for a number": ("Content-Length: 184467440737095516167\r\n", BODY),
    "a chunk whose size is none": ("Transfer-Encoding: chunked\r\n", f"zz\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk of less than nothing": ("Transfer-Encoding: chunked\r\n", f"-7\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk whose size is too long for a number": ("Transfer-Encoding: chunked\r\n", f"1FFFFFFFFFFFFFFFFF\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk that does not end where it says": ("Transfer-Encoding: chunked\r\n", f"5\r\n{BODY}\r\n0\r\n\r\n"),
    "chunks whose lines end with a line feed alone": ("Transfer-Encoding: chunked\r\n", f"7\n{BODY}\n0\n\n"),
    "another coding": ("Transfer-Encoding: xchunked\r\n", CHUNKED),
    "a coding after the chunks": ("Transfer-Encoding: chunked, identity\r\n", CHUNKED),
    "a coding before the chunks": ("Transfer-Encoding: gzip, chunked\r\n", CHUNKED),
    "two codings": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", CHUNKED),
    "a coding that is folded": ("Transfer-Encoding:\r\n chunked\r\n", CHUNKED),
    "a field that is folded": (f"X-A: b\r\n c\r\nContent-Length: {len(BODY)}\r\n", BODY),
    "a carriage return alone": (f"X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: {len(BODY)}\r\n", BODY),
    "a null": (f"X-A: b\0\r\nContent-Length: {len(BODY)}\r\n", BODY),
    "a field without a colon": (f"X-A\r\nContent-Length: {len(BODY)}\r\n", BODY),
    "two hosts": (f"Host: evil.example\r\nContent-Length: {len(BODY)}\r\n", BODY),
}


class Raw:
    """One connection, on which anything can be written."""

    def __init__(self, server: Server) -> None:
        self.host = server.url.removeprefix("http://")
        name, port = self.host.split(":")
        self.socket = socket.create_connection((name, int(port)), timeout=10)

    def say(self, text: str) -> None:
        self.socket.sendall(text.encode("latin-1"))

    def hear(self) -> list[int]:
        """Read until the server closes; give the status of every answer."""
        heard = b""
        try:
            while piece := self.socket.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
        finally:
            self.socket.close()
        lines = heard.split(b"\r\n")
        return [int(line.split()[1]) for line in lines if line.startswith(b"HTTP/1.1 ")]


def post(host: str, fields: str) -> str:
    return f"POST /oauth/revoke HTTP/1.1\r\nHost: {host}\r\n{FORM}{fields}\r\n"


@pytest.mark.holds("ASVS 4.2.1")
@pytest.mark.parametrize("what", UNCLEAR)
def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(server: Server, what: str) -> None:
    fields, body = UNCLEAR[what]
    raw = Raw(server)
    raw.say(post(raw.host, fields) + body + HIDDEN.format(host=raw.host))
    # Chunks beside a length may be read as chunks, when the connection is closed after it (RFC 9112 section 6.1).
    answers = raw.hear()
    assert answers in ([400], [200]) if "length and chunks" in what or "chunks and a length" in what else answers == [400]


@pytest.mark.holds("ASVS 4.2.1")
def test_what_is_clear_is_answered_request_after_request(server: Server) -> None:
    """The ones above are refused for what is wrong with them: written rightly, the same two are two."""
    for fields, body in ((f"Content-Length: {len(BODY)}\r\n", BODY), ("Transfer-Encoding: chunked\r\n", CHUNKED)):
        raw = Raw(server)
        raw.say(post(raw.host, fields) + body + HIDDEN.format(host=raw.host).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
        assert raw.hear() == [200, 200]


@pytest.mark.holds("ASVS 4.2.1")
def test_whoever_leaves_in_the_middle_leaves_nothing_behind(server: Server) -> None:
    for _ in range(20):
        raw = Raw(server)
        raw.say(post(raw.host, "Content-Length: 4000\r\n") + "token=")
        raw.socket.close()
    eventually(lambda: server.log.read_text().count("POST /oauth/revoke 400") >= 20)
    assert server.get("/readyz")[0] == 200
    assert "Traceback" not in server.log.read_text()


@pytest.mark.holds("ASVS 13.4.4")
def test_nothing_is_traced(server: Server) -> None:
    for method in ("TRACE", "TRACK", "CONNECT", "DEBUG"):
        raw = Raw(server)
        raw.say(f"{method} /signin HTTP/1.1\r\nHost: {raw.host}\r\nX-Secret: echo me\r\nConnection: close\r\n\r\n")
        assert raw.hear() in ([405], [404], [400]), method
    assert "echo me" not in server.log.read_text()

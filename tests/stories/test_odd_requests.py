"""Requests that nobody sends by accident: none gets a 500, none harms the next one."""

import http.client
import itertools
import random

import pytest
from outside import Server

pytestmark = pytest.mark.story

PATHS = [
    "/",
    "//",
    "/%",
    "/%00",
    "/%ff%fe",
    "/..%2f..%2fetc%2fpasswd",
    "/../../etc/passwd",
    "/static/../app.py",
    "/static/%2e%2e/style.css",
    "/graphql",
    "/graphql/",
    "/storage/",
    "/storage/" + "A" * 5_000,
    "/storage/%ff",
    "/files/a/b/c/file_stream",
    "/files/%ff/%00/%2f/file_stream",
    "/.well-known/runkey",
    "/.well-known/runkey?challenge=%ff",
    "/.well-known/runkey?challenge=" + "A" * 100,
    "/a/b/runs/c",
    "/%f0%9f%92%a9",
    "/signin?next=//evil.example",
    "/sdk/otel/v1/x",
    "/healthz",
    "/x" * 2_000,
    "/a%0d%0aSet-Cookie:x=y",
    "/setup",
    "/welcome",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
HEADERS = [
    {},
    {"Authorization": "Bearer " + "x" * 3_000},
    {"Authorization": "Basic ÿ"},
    {
        "Cookie": 'runkey-session=; runkey-form="; a=b; ;;; =',
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
    },
    {"Cookie": "runkey-session=" + "x" * 4_000, "Accept": "text/html"},
    {"Content-Type": "text/html; charset=utf-7", "Origin": "null"},
    {"X-Forwarded-For": "1.2.3.4, evil\x0b", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
]


def ask(server: Server, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_no_combination_is_a_500(server: Server) -> None:
    for number, (method, path, headers) in enumerate(itertools.product(METHODS, PATHS, HEADERS)):
        if number % 3:
            continue
        status, given = ask(server, method, path, headers, b"" if method in ("GET", "HEAD") else b"\x00\xffjunk")
        assert status < 500, (method, path[:50], headers)
        assert "evil.example" not in given.get("location", "")
        assert "set-cookie" not in given or "x=y" not in given["set-cookie"]
    assert server.get("/readyz")[0] == 200


def test_ten_thousand_bytes_of_noise_are_400_or_401(server: Server) -> None:
    key = server.key("noise")
    chance = random.Random(7)
    good = b'{"query":"query A($n: String) { project(name: $n) { id runs { edges { node { id } } } } }","variables":{"n":"x"}}'
    for _ in range(300):
        body = bytearray(good)
        for _ in range(chance.randint(1, 12)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        status, _ = ask(server, "POST", "/graphql", {"Authorization": f"Bearer {key}"}, bytes(body))
        assert status in (200, 400), bytes(body)


@pytest.mark.holds("ASVS 3.4.4")
@pytest.mark.holds("ASVS 3.4.5")
@pytest.mark.holds("ASVS 3.4.6")
def test_every_answer_carries_the_headers(server: Server) -> None:
    for method, path in (
        ("GET", "/"),
        ("GET", "/signin"),
        ("GET", "/nothing/here"),
        ("POST", "/graphql"),
        ("GET", "/healthz"),
        ("PUT", "/storage/x"),
    ):
        _, given = ask(server, method, path, {}, b"")
        assert given["x-content-type-options"] == "nosniff", path
        assert given["referrer-policy"] == "same-origin", path
        assert "frame-ancestors 'none'" in given["content-security-policy"] or "sandbox" in given["content-security-policy"], path
        assert "unsafe" not in given["content-security-policy"], path
        assert given["x-request-id"], path

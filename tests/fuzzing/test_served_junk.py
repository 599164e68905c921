"""Junk on the wire, to a server as everybody serves it: what stands below the application has its part in what is answered."""

import contextlib
import json
import random
import re
import select
import socket
import time
from collections.abc import Iterator

import pytest
from asking import LONGEST_SECONDS, routes
from budget import Budget
from hypothesis import strategies as st
from junk_documents import bodies, odd_graphql_bodies, spots
from junk_requests import Request, requests
from junk_values import Land
from outside import Server, eventually, start_server

pytestmark = pytest.mark.story

# 501: of the server below, for a method or a coding that it does not know. 0: it closed the connection on what is no HTTP.
ANSWERS = {0, 200, 204, 206, 303, 304, 400, 401, 403, 404, 405, 410, 411, 413, 414, 415, 417, 421, 429, 431, 501}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server(tmp_path_factory.mktemp("junk") / "data")
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    key = server.key("mira")
    made = 'mutation { upsertBucket(input: {name: "r1", modelName: "p"}) { inserted } }'
    assert server.post("/graphql", {"query": made}, key)[0] == 200
    return key


LAND = Land(
    good={
        "route.entity": ["mira"],
        "route.project": ["p"],
        "route.run": ["r1"],
        "entityName": ["mira"],
        "projectName": ["p"],
        "modelName": ["p"],
        "runName": ["r1"],
        "Query.project.name": ["p"],
        "Query.model.name": ["p"],
        "Project.run.name": ["r1"],
        "Project.bucket.name": ["r1"],
        "runs": ["r1"],
        "client_id": ["runkey"],
    }
)


def on_the_wire(request: Request, url: str, *, is_chunked: bool) -> bytes:
    """Write a request as a client would that does not care. A body of which the end is missing is declared longer than it is."""
    whole = b"".join(piece for piece in request.pieces if piece)
    headers = [(b"Host", url.partition("://")[2].encode()), *request.headers, (b"Connection", b"close")]
    if is_chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in request.pieces if piece)
        body += b"" if None in request.pieces else b"0\r\n\r\n"
    else:
        headers.append((b"Content-Length", str(len(whole) + 100 * (None in request.pieces)).encode()))
        body = whole
    head = b"%b %b HTTP/1.1\r\n" % (request.method.encode(), request.target)
    return head + b"".join(b"%b: %b\r\n" % each for each in headers) + b"\r\n" + body


def send(server: Server, data: bytes, *, is_whole: bool) -> tuple[int, bytes]:
    """Send bytes; give the status that came back, and all of what did. is_whole: an answer is owed; else it is not waited for for long."""
    host, port = server.url.partition("://")[2].split(":")
    began, answer = time.monotonic(), b""
    with socket.create_connection((host, int(port)), timeout=LONGEST_SECONDS) as connection, contextlib.suppress(ConnectionError):
        # It may close before it has read everything, and has said why.
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        if not is_whole and not select.select([connection], [], [], 0.2)[0]:
            # The server below takes this for somebody who wants no answer either.
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65_536):
            answer += piece
            # What is followed live ends when whoever follows goes.
            if b"text/event-stream" in answer or len(answer) > 10_000_000:
                break
    assert time.monotonic() - began < LONGEST_SECONDS, data[:500]
    # A word in between (100 Continue) is none of its answer yet.
    answer = re.sub(rb"\AHTTP/1\.1 1\d\d [^\r]*\r\n\r\n", b"", answer)
    line = answer.partition(b"\r\n")[0].split(b" ")
    return (int(line[1]) if len(line) > 1 else 0), answer


def check(server: Server, *secrets: str) -> None:
    """See that it still serves, and what it said meanwhile."""
    assert server.get("/readyz")[0] == 200
    log = server.log.read_text()
    assert "Traceback" not in log
    assert " failed: " not in log
    assert not any(secret in log for secret in secrets)


def test_addresses_take_junk(server: Server, key: str, budget: Budget) -> None:
    known = ((b"Authorization", f"Bearer {key}".encode()),)
    one = st.sampled_from(routes()).flatmap(lambda route: requests(*route, LAND, [known, known, ()]))

    def try_one(drawn: tuple[Request, bool]) -> None:
        request, is_chunked = drawn
        # What says twice how long it is may be waited for.
        odd = any(name in (b"content-length", b"transfer-encoding", b"expect", b"upgrade") for name, _ in request.headers)
        status, answer = send(server, on_the_wire(request, server.url, is_chunked=is_chunked), is_whole=not (None in request.pieces or odd))
        assert status in ANSWERS, (request.method, request.target[:300], request.headers, status, answer[:500])

    budget.spend(st.tuples(one, st.booleans()), try_one, examples=300)
    check(server, key)


def test_fields_take_junk(server: Server, key: str, budget: Budget) -> None:
    keys = [key]
    one = st.sampled_from(spots()).flatmap(lambda spot: bodies(spot, LAND))

    def post(body: bytes) -> int:
        headers = ((b"Authorization", f"Bearer {keys[-1]}".encode()), (b"Content-Type", b"application/json"))
        status, answer = send(
            server, on_the_wire(Request("POST", b"/graphql", headers, (body,)), server.url, is_chunked=False), is_whole=True
        )
        assert status in (200, 400, 401, 413, 429), (status, answer[:500], body[:2_000])
        return status

    def try_one(body: bytes) -> None:
        if post(body) == 401:
            # It was made to end itself.
            keys.append(server.key("mira"))

    budget.spend(one, try_one, examples=60)
    for body in odd_graphql_bodies():
        try_one(body)
    assert json.loads(server.post("/graphql", {"query": "{ viewer { username } }"}, keys[-1])[1]) == {
        "data": {"viewer": {"username": "mira"}}
    }
    check(server, *keys)


def test_what_is_no_http_at_all(server: Server, key: str, budget: Budget) -> None:
    good = on_the_wire(
        Request("POST", b"/graphql", ((b"Authorization", f"Bearer {key}".encode()),), (b'{"query": "{ viewer { id } }"}',)),
        server.url,
        is_chunked=False,
    )

    def spoiled(number: int) -> bytes:
        chance, data = random.Random(number), bytearray(good)
        for _ in range(chance.randint(1, 10)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 20)]
                case 2:
                    data[at:at] = chance.choice([b"\r\n", b"\0", b":", b" ", b"\xff" * 100, b"Content-Length: 5\r\n", b"A" * 5_000])
        return bytes(data)

    def try_one(number: int) -> None:
        status, answer = send(server, spoiled(number), is_whole=False)
        assert status in ANSWERS, (spoiled(number)[:500], answer[:500])

    budget.spend(st.integers(0, 10**9), try_one, examples=60)
    check(server, key)


def test_the_log_is_where_it_is_looked_for(server: Server) -> None:
    assert server.get("/nothing-like-this-is-here")[0] == 403
    # It is written down after it is answered.
    eventually(lambda: "/nothing-like-this-is-here" in server.log.read_text())

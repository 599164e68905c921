"""What answers is bounded: in time, however slowly it comes, and in length, however well it is packed."""

import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from answering import Answering, Request, answering

from runkey import transport
from runkey.errors import ConnectionFailed


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as started:
        yield started


def test_an_answer_that_comes_byte_by_byte_has_one_deadline(server: Answering) -> None:
    over = threading.Event()

    def drip(request: Request) -> None:
        request.send_response(200)
        request.send_header("content-length", "1000")
        request.end_headers()
        while not over.wait(0.1):
            request.wfile.write(b" ")
            request.wfile.flush()

    server.answers["/drip"] = drip
    began = time.monotonic()
    with pytest.raises(ConnectionFailed) as failed:
        transport.send("GET", f"{server.url}/drip", timeout_seconds=0.8)
    over.set()
    assert failed.value.layer == "timeout"
    # The server would have gone on for ever: that this line is reached at all is the point.
    assert time.monotonic() - began >= 0.8


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-A"])
def test_so_have_its_headers(first: bytes) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(first)
                while not over.wait(0.1):
                    connection.sendall(b"a" if first else b"")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            with pytest.raises(ConnectionFailed) as failed:
                transport.send("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_seconds=0.8)
        finally:
            over.set()
            thread.join()
    assert failed.value.layer == "timeout"


def test_a_body_that_is_not_taken_has_the_same(server: Answering) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(ConnectionFailed) as failed:
        # Accepted by the system, read by nobody.
        transport.send("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/", body=bytes(20_000_000), timeout_seconds=0.8)
    assert failed.value.layer == "timeout"


def test_a_connection_is_used_again_after_an_answer_and_not_after_a_broken_one(server: Answering) -> None:
    server.answers["/long"] = (200, b"x" * (transport.MAX_ANSWER_BYTES * 2))
    server.answers["/good"] = (200, b"y" * transport.MAX_ANSWER_BYTES)
    ports = []
    for path in ("/good", "/good", "/long", "/good"):
        try:
            assert len(transport.send("GET", server.url + path).body) == transport.MAX_ANSWER_BYTES
        except ConnectionFailed as failed:
            assert path == "/long"
            assert "longer than 8 MiB" in str(failed)
        ports.append(server.requests[-1].port)
    assert ports[0] == ports[1] == ports[2] != ports[3]


def test_a_small_answer_that_unpacks_to_a_large_one_is_left(server: Answering) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    server.answers["/"] = lambda request: request.answer(200, packed, content_encoding="gzip")
    tracemalloc.start()
    with pytest.raises(ConnectionFailed, match="longer than 8 MiB"):
        transport.send("GET", f"{server.url}/")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000


def test_packed_answers_are_unpacked(server: Answering) -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b"abc" * 10_000) + packer.flush()
    server.answers["/"] = lambda request: request.answer(200, packed, content_encoding="gzip")
    assert transport.send("GET", f"{server.url}/").body == b"abc" * 10_000

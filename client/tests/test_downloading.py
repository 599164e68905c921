"""Something large over a connection that may break: half of it never passes for the whole."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from runkey import transport
from runkey.errors import ConnectionFailed

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"


@pytest.fixture
def serving() -> Iterator[Callable[[bytes], str]]:
    """Answers one request with some bytes, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(answer: bytes) -> str:
        def once() -> None:
            connection, _ = listener.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65_536):
                    pass
                connection.sendall(answer)

        threads.append(threading.Thread(target=once))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/x"

    yield serve
    for thread in threads:
        thread.join(10)
    listener.close()


def fetched(url: str) -> bytes:
    with transport.download(url, headers={}, timeout_seconds=5) as answer:
        assert answer.status == 200
        return b"".join(answer.pieces())


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 5\r\n\r\na,b\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\na,b\r\n2\r\n\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_whole_answer(serving: Callable[[bytes], str], answer: bytes) -> None:
    assert fetched(serving(answer)) == b"a,b\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 50\r\n\r\na,b\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\na,b\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n500\r\na,b",
    ],
)
def test_an_answer_that_breaks_off(serving: Callable[[bytes], str], answer: bytes) -> None:
    with pytest.raises(ConnectionFailed, match="stopped before all of it had come"):
        fetched(serving(answer))


def test_no_answer_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed) as failure:
        fetched(f"http://127.0.0.1:{port}/x")
    assert failure.value.layer == "connect"


def test_an_error_is_read_no_further_than_needed(serving: Callable[[bytes], str]) -> None:
    url = serving(b"HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
    with transport.download(url, headers={}, timeout_seconds=5) as answer:
        assert (answer.status, len(answer.reply().body) < 400_000) == (404, True)

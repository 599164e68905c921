"""The sender against a real HTTP server that answers from a script."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runkey import session
from runkey.clock import SystemClock
from runkey.credentials.model import Credential, Secret
from runkey.stream import MAX_LINE_CHARACTERS, LineIsTooLong, Queue, Sender


class Scripted:
    """A server that keeps lines by their number, and answers each post with the next status of a script (200 when it is over)."""

    def __init__(self) -> None:
        self.script: list[int | str] = []
        self.lines: dict[int, str] = {}
        self.posts: list[tuple[int, str]] = []
        self.last: dict[str, object] = {}
        self.good_key = "good"
        self.largest = 0
        self.before_answering: Callable[[], None] = lambda: None
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                scripted.answer(self, body)

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, body: dict) -> None:
        self.largest = max(self.largest, int(handler.headers["Content-Length"]))
        self.before_answering()
        key = handler.headers["Authorization"].removeprefix("Bearer ")
        step: int | str = self.script.pop(0) if self.script else 200
        if step == 200 and key != self.good_key:
            step = 401
        self.posts.append((step if isinstance(step, int) else 0, key))
        if step in (200, "lost", "stop"):
            chunk = body.get("files", {}).get("wandb-history.jsonl")
            if chunk:
                for index, line in enumerate(chunk["content"]):
                    assert self.lines.setdefault(chunk["offset"] + index, line) == line
            self.last = body
        if step == "lost":
            handler.connection.close()
            return
        handler.send_response(200 if step == "stop" else int(step))
        if step == 503:
            handler.send_header("Retry-After", "0")
        reply = b'{"stopped": true}' if step == "stop" else b"{}"
        handler.send_header("Content-Length", str(len(reply)))
        handler.end_headers()
        handler.wfile.write(reply)


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    # Whoever began the run had it prove who it is.
    session.process.proved[scripted.url] = "proved"
    yield scripted
    del session.process.proved[scripted.url]
    scripted.server.shutdown()
    scripted.server.server_close()


class Source:
    """What a run tells its sender: each is taken once."""

    def __init__(self, summary: str | None = None, config: str | None = None) -> None:
        self.summary, self.config = summary, config

    def take_summary(self) -> str | None:
        taken, self.summary = self.summary, None
        return taken

    def take_config(self) -> str | None:
        taken, self.config = self.config, None
        return taken


class Sending:
    """A sender with everything around it."""

    def __init__(
        self,
        server: Scripted,
        key: str = "good",
        find: Callable[[Credential], Credential | None] = lambda _: None,
        source: Source | None = None,
    ) -> None:
        self.said: list[str] = []
        self.stopped: list[int] = []
        self.queue = Queue()
        self.credential = Credential(server.url, Secret(key), "a test", account="mira")
        self.sender = Sender(
            self.queue,
            source or Source(),
            self.credential,
            ("mira", "a project", "r/1"),
            clock=SystemClock(),
            say=self.said.append,
            stop=lambda: self.stopped.append(1),
            find_credential=find,
            flush_seconds=0.01,
        )
        self.sender.start()

    def log(self, first: int, count: int) -> None:
        for i in range(first, first + count):
            self.queue.put(json.dumps({"_step": i}))

    def finish(self, seconds: float = 20.0) -> bool:
        return self.sender.finish(0, seconds, lambda _: None)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def whole(server: Scripted, count: int) -> bool:
    return [json.loads(server.lines[i])["_step"] for i in sorted(server.lines)] == list(range(count)) and sorted(server.lines) == list(
        range(count)
    )


@pytest.mark.parametrize("script", [[], [503, 503], ["lost"], [500, "lost", 429], [408, 502, 504]])
def test_whatever_passes_loses_nothing_and_doubles_nothing(server: Scripted, script: list[int | str]) -> None:
    server.script = list(script)
    sending = Sending(server)
    sending.log(0, 50)
    wait_for(lambda: len(server.lines) == 50)
    sending.log(50, 50)
    assert sending.finish()
    assert whole(server, 100)
    assert (server.last["complete"], server.last["exitcode"]) == (True, 0)


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 422, 501])
def test_what_is_final_is_said_once_and_ends_sending(server: Scripted, status: int) -> None:
    server.script = [status]
    sending = Sending(server)
    sending.log(0, 10)
    wait_for(lambda: sending.sender.failure is not None)
    sending.log(10, 10)
    assert not sending.finish()
    assert len(server.posts) == 1
    assert len(sending.said) == 1
    assert "rows were not sent" in sending.said[0]


def test_a_refused_key_holds_back_until_another_comes(server: Scripted) -> None:
    sending = Sending(server)
    sending.log(0, 10)
    wait_for(lambda: len(server.lines) == 10)
    server.good_key = "renewed"
    sending.log(10, 10)
    wait_for(lambda: bool(sending.said))
    assert "refused the key" in sending.said[0]
    assert "runkey login" in sending.said[0]
    sending.log(20, 10)
    posts = len(server.posts)
    sending.sender.adopt(sending.credential.replaced(secret=Secret("renewed")))
    assert sending.finish()
    assert whole(server, 30)
    assert len(sending.said) == 1
    assert len(server.posts) > posts


def test_a_key_that_another_terminal_stored_is_found(server: Scripted) -> None:
    server.good_key = "renewed"
    sending = Sending(server, find=lambda old: old.replaced(secret=Secret("renewed")))
    sending.log(0, 10)
    wait_for(lambda: len(server.lines) == 10)
    assert sending.finish()
    assert whole(server, 10)


def test_finish_does_not_wait_for_a_key_that_nobody_brings(server: Scripted) -> None:
    server.good_key = "another"
    sending = Sending(server)
    sending.log(0, 10)
    wait_for(lambda: bool(sending.said))
    began = time.monotonic()
    assert not sending.finish(30.0)
    assert time.monotonic() - began < 10
    assert len(sending.queue) == 10


def test_stop_reaches_the_script_once(server: Scripted) -> None:
    server.script = ["stop"] * 3
    sending = Sending(server)
    for number in range(3):
        sending.log(number, 1)
        wait_for(lambda: len(server.lines) == number + 1)
    assert sending.finish()
    assert len(sending.stopped) == 1


def test_a_refusal_of_a_key_that_was_replaced_meanwhile_is_not_minded(server: Scripted) -> None:
    server.good_key = "renewed"
    sending = Sending(server)

    def adopt() -> None:
        server.before_answering = lambda: None
        sending.sender.adopt(sending.credential.replaced(secret=Secret("renewed")))

    server.before_answering = adopt
    sending.log(0, 10)
    assert sending.finish()
    assert whole(server, 10)
    assert sending.said == []


def test_a_config_that_is_refused_costs_no_row(server: Scripted) -> None:
    server.script = [503, 422]
    sending = Sending(server, source=Source(config="{}"))
    sending.log(0, 10)
    assert sending.finish()
    assert whole(server, 10)
    assert [status for status, _ in server.posts][:2] == [503, 422]
    assert [text for text in sending.said if "config" in text] == sending.said[-1:]


def test_no_body_is_larger_than_a_server_takes_whatever_its_letters(server: Scripted) -> None:
    sending = Sending(server, source=Source(summary=json.dumps({"s": "😀" * 500_000}, ensure_ascii=False)))
    for _ in range(12):
        assert sending.queue.put(json.dumps({"text": "😀" * 500_000}, ensure_ascii=False))
    assert sending.finish(60)
    assert len(server.lines) == 12
    assert 2_000_000 < server.largest <= 16 * 1024 * 1024


def test_a_line_that_fits_in_no_request_is_refused() -> None:
    queue = Queue()
    assert queue.put("x" * MAX_LINE_CHARACTERS)
    with pytest.raises(LineIsTooLong):
        queue.put("x" * (MAX_LINE_CHARACTERS + 1))
    assert (len(queue), queue.refused) == (1, 1)


def test_a_full_queue_refuses_and_counts() -> None:
    queue = Queue(max_lines=10, max_characters=1_000)
    assert [queue.put("x") for _ in range(12)] == [True] * 10 + [False] * 2
    assert (len(queue), queue.refused, queue.is_nearly_full) == (10, 2, True)
    assert queue.peek(3) == (0, ("x", "x", "x"))
    queue.acknowledge(3)
    assert queue.peek(100) == (3, ("x",) * 7)
    assert queue.put("x" * 2_000) is False

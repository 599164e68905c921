"""A server that answers from a script, and a sender with a real journal before it."""

import gzip
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from runkey.clock import SystemClock
from runkey.credentials.model import Credential, Secret
from runkey.stream import Journal, Position, Sender, framing

ODD = {
    "page": (200, b"<html><title>Sign in to this network</title></html>"),
    "elsewhere": (302, b""),
    "nothing behind": (404, b"404 page not found"),
    "errors": (200, b'{"errors": [{"message": "not now"}]}'),
    "list": (200, b"[]"),
}


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
        self.features: list[dict[str, object]] = []
        self.gzipped = 0
        self.files: dict[str, bytes] = {}
        self.file_script: list[int] = []
        self.uploaded: list[str] = []
        self.addresses: object = None
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    scripted.gzipped += 1
                    data = gzip.decompress(data)
                body = json.loads(data)
                if self.path == "/graphql" and "serverInfo" in body["query"]:
                    scripted.reply(self, 200, json.dumps({"data": {"serverInfo": {"features": scripted.features}}}).encode())
                elif self.path == "/graphql" and "createRunFiles" in body["query"]:
                    scripted.give_addresses(self, body["variables"])
                else:
                    scripted.answer(self, body)

            def do_PUT(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                status = scripted.file_script.pop(0) if scripted.file_script else 200
                if status == 200:
                    scripted.files[self.path] = data
                scripted.reply(self, status, b"")

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
            self.uploaded += body.get("uploaded", [])
        if step == "lost":
            handler.connection.close()
            return
        if step in ODD:
            self.reply(handler, *ODD[step])
            return
        self.reply(handler, 200 if step == "stop" else int(step), b'{"stopped": true}' if step == "stop" else b"{}")

    def give_addresses(self, handler: BaseHTTPRequestHandler, variables: dict) -> None:
        if self.addresses is not None:
            self.reply(handler, 200, json.dumps({"data": {"createRunFiles": self.addresses}}).encode())
            return
        made = [{"name": name, "uploadUrl": f"{self.url}/put/{name}"} for name in variables["files"]]
        answer = {"createRunFiles": {"runID": "1", "uploadHeaders": ["X-Odd:yes"], "files": made}}
        self.reply(handler, 200, json.dumps({"data": answer}).encode())

    def reply(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        if status == 503:
            handler.send_header("Retry-After", "0")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class Source:
    """What a run tells its sender: each is taken once."""

    def __init__(self, summary: str | None = None, changes: dict[str, object] | None = None) -> None:
        self.summary, self.changes = summary, changes
        self.journal: Journal | None = None

    def take_summary(self) -> str | None:
        taken, self.summary = self.summary, None
        return taken

    def take_changes(self) -> dict[str, object] | None:
        taken, self.changes = self.changes, None
        return taken

    def end(self) -> Position | None:
        assert self.journal is not None
        return self.journal.end

    def drop_before(self, position: Position) -> None:
        assert self.journal is not None
        self.journal.drop_before(position)


class Sending:
    """A sender with everything around it."""

    def __init__(
        self,
        server: Scripted,
        folder: Path,
        key: str = "good",
        find: Callable[[Credential], Credential | None] = lambda _: None,
        source: Source | None = None,
        segment_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self.find = find
        self.said: list[str] = []
        self.stopped: list[int] = []
        self.folder = folder
        self.source = source or Source()
        self.journal = self.source.journal = Journal(str(folder), lambda: b"{}", self.said.append, segment_bytes=segment_bytes)
        self.credential = Credential(server.url, Secret(key), "a test", account="mira")
        self.sender = self.make_sender()
        self.sender.start()

    def make_sender(self) -> Sender:
        return Sender(
            str(self.folder),
            self.source,
            self.credential,
            ("mira", "a project", "r/1"),
            clock=SystemClock(),
            say=self.said.append,
            stop=lambda: self.stopped.append(1),
            find_credential=lambda old: self.find(old),
            flush_seconds=0.01,
        )

    def log(self, first: int, count: int) -> None:
        for i in range(first, first + count):
            self.journal.append(framing.HISTORY, b'%d {"_step":%d}' % (i, i))

    def log_file(self, name: str, data: bytes) -> None:
        (self.folder / name).write_bytes(data)
        self.journal.append(framing.FILE, json.dumps({"name": name, "path": name}).encode())

    def finish(self, seconds: float = 20.0) -> bool:
        self.journal.append(framing.END, b'{"exit_code":0}')
        return self.sender.finish(seconds, lambda: None)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def whole(server: Scripted, count: int) -> bool:
    return [json.loads(server.lines[i])["_step"] for i in sorted(server.lines)] == list(range(count)) and sorted(server.lines) == list(
        range(count)
    )

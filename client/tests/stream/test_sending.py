"""The sender, with a real journal, against a real HTTP server that answers from a script."""

import errno
import gzip
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runkey import session
from runkey.clock import SystemClock
from runkey.credentials.model import Credential, Secret
from runkey.stream import MAX_LINE_BYTES, Journal, Position, Sender, framing

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


@pytest.mark.parametrize("script", [[], [503, 503], ["lost"], [500, "lost", 429], [408, 502, 504], [520, 524]])
def test_whatever_passes_loses_nothing_and_doubles_nothing(server: Scripted, tmp_path: Path, script: list[int | str]) -> None:
    server.script = list(script)
    sending = Sending(server, tmp_path)
    sending.log(0, 50)
    wait_for(lambda: len(server.lines) == 50)
    sending.log(50, 50)
    assert sending.finish()
    assert whole(server, 100)
    assert (server.last["complete"], server.last["exitcode"]) == (True, 0)


@pytest.mark.parametrize("odd", sorted(ODD))
def test_an_answer_of_something_in_between_acknowledges_nothing(server: Scripted, tmp_path: Path, odd: str) -> None:
    sending = Sending(server, tmp_path)
    server.script = [200, odd, odd]
    sending.log(0, 10)
    wait_for(lambda: len(server.lines) == 10)
    sending.log(10, 10)
    assert sending.finish()
    assert whole(server, 20)


@pytest.mark.parametrize("addresses", [{}, {"files": []}, {"files": [{"name": "other", "uploadUrl": "x"}]}, {"files": "x"}, [1]])
def test_a_file_without_an_address_is_given_up_and_asked_for_once(server: Scripted, tmp_path: Path, addresses: object) -> None:
    server.addresses = addresses
    sending = Sending(server, tmp_path)
    sending.log_file("a", b"x")
    sending.log(0, 5)
    assert sending.finish()
    assert sending.sender.uploader.failed == ["a"]
    assert whole(server, 5)


def test_heartbeats_do_not_keep_finish_waiting(server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runkey.stream.sending.HEARTBEAT_SECONDS", 0.05)
    server.file_script = [503] * 10_000
    sending = Sending(server, tmp_path)
    sending.log_file("late", bytes(1_000_000))
    posts = len(server.posts)
    assert not sending.finish(1.0)
    assert len(server.posts) > posts + 3


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 422, 501])
def test_what_is_final_is_said_once_and_ends_sending(server: Scripted, tmp_path: Path, status: int) -> None:
    server.script = [status]
    sending = Sending(server, tmp_path)
    sending.log(0, 10)
    wait_for(lambda: sending.sender.failure is not None)
    sending.log(10, 10)
    assert not sending.finish()
    assert len(server.posts) == 1
    assert len(sending.said) == 1
    assert "kept in its journal" in sending.said[0]


def test_a_refused_key_holds_back_until_another_comes(server: Scripted, tmp_path: Path) -> None:
    sending = Sending(server, tmp_path)
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


def test_a_key_that_another_terminal_stored_is_found(server: Scripted, tmp_path: Path) -> None:
    server.good_key = "renewed"
    sending = Sending(server, tmp_path, find=lambda old: old.replaced(secret=Secret("renewed")))
    sending.log(0, 10)
    wait_for(lambda: len(server.lines) == 10)
    assert sending.finish()
    assert whole(server, 10)


def test_finish_does_not_wait_for_a_key_that_nobody_brings(server: Scripted, tmp_path: Path) -> None:
    server.good_key = "another"
    sending = Sending(server, tmp_path)
    sending.log(0, 10)
    wait_for(lambda: bool(sending.said))
    began = time.monotonic()
    assert not sending.finish(30.0)
    assert time.monotonic() - began < 10
    assert sending.sender.acknowledged.rows == 0


def test_stop_reaches_the_script_once(server: Scripted, tmp_path: Path) -> None:
    server.script = ["stop"] * 3
    sending = Sending(server, tmp_path)
    for number in range(3):
        sending.log(number, 1)
        wait_for(lambda: len(server.lines) == number + 1)
    assert sending.finish()
    assert len(sending.stopped) == 1


def test_a_refusal_of_a_key_that_was_replaced_meanwhile_is_not_minded(server: Scripted, tmp_path: Path) -> None:
    server.good_key = "renewed"
    sending = Sending(server, tmp_path)

    def adopt() -> None:
        server.before_answering = lambda: None
        sending.sender.adopt(sending.credential.replaced(secret=Secret("renewed")))

    server.before_answering = adopt
    sending.log(0, 10)
    assert sending.finish()
    assert whole(server, 10)
    assert sending.said == []


def test_a_config_that_is_refused_costs_no_row(server: Scripted, tmp_path: Path) -> None:
    server.script = [503, 422]
    sending = Sending(server, tmp_path, source=Source(changes={"config": "{}"}))
    sending.log(0, 10)
    assert sending.finish()
    assert whole(server, 10)
    assert [status for status, _ in server.posts][:2] == [503, 422]
    assert [text for text in sending.said if "config" in text] == sending.said[-1:]


def test_no_body_is_larger_than_a_server_takes_whatever_its_letters(server: Scripted, tmp_path: Path) -> None:
    sending = Sending(server, tmp_path, source=Source(summary=json.dumps({"s": "😀" * 250_000}, ensure_ascii=False)))
    quotes = json.dumps({"text": '"' * (MAX_LINE_BYTES // 2 - 20)}).encode()
    assert len(quotes) <= MAX_LINE_BYTES
    for i in range(6):
        assert sending.journal.append(framing.HISTORY, b"%d %b" % (i, quotes))
    assert sending.finish(60)
    assert len(server.lines) == 6
    assert 2_000_000 < server.largest <= 16 * 1024 * 1024


def test_another_process_goes_on_where_one_stopped(server: Scripted, tmp_path: Path) -> None:
    sending = Sending(server, tmp_path)
    sending.log(0, 100)
    wait_for(lambda: len(server.lines) == 100)
    wait_for(lambda: (tmp_path / "sent.json").exists() and json.loads((tmp_path / "sent.json").read_text())["rows"] == 100)
    sending.sender.abandon()
    sending.log(100, 50)
    sent_before = set(server.lines)
    server.lines.clear()
    sending.sender = sending.make_sender()
    sending.sender.start()
    assert sending.finish()
    assert sorted(server.lines) == list(range(100, 150))
    assert sent_before == set(range(100))


def test_a_note_that_is_damaged_or_gone_costs_no_row(server: Scripted, tmp_path: Path) -> None:
    sending = Sending(server, tmp_path)
    sending.log(0, 100)
    wait_for(lambda: len(server.lines) == 100)
    sending.sender.abandon()
    (tmp_path / "sent.json").write_text('{"position": [1, ')
    sending.sender = sending.make_sender()
    sending.sender.start()
    sending.log(100, 10)
    assert sending.finish()
    assert whole(server, 110)


def test_parts_of_a_journal_that_the_server_has_go_while_the_run_lasts(server: Scripted, tmp_path: Path) -> None:
    sending = Sending(server, tmp_path, segment_bytes=20_000)
    sending.journal._look_at = 0  # so that a short journal is looked at, too
    for first in range(0, 3_000, 100):
        sending.log(first, 100)
        sending.journal._look_at = 0
    wait_for(lambda: len(server.lines) == 3_000)
    wait_for(lambda: len(list(tmp_path.glob("journal.*"))) == 1)
    assert sending.finish()
    assert whole(server, 3_000)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_bodies_are_packed_where_the_server_says_so(server: Scripted, tmp_path: Path, is_enabled: bool) -> None:
    server.features = [{"name": "FILESTREAM_GZIP", "isEnabled": is_enabled}]
    sending = Sending(server, tmp_path)
    sending.log(0, 1_000)
    assert sending.finish()
    assert whole(server, 1_000)
    assert (server.gzipped > 0) is is_enabled


def test_files_arrive_and_are_named_before_the_last_word(server: Scripted, tmp_path: Path) -> None:
    server.file_script = [503, 403]
    sending = Sending(server, tmp_path)
    sending.log(0, 5)
    sending.log_file("a.txt", b"first")
    sending.log_file("b.bin", bytes(100_000))
    assert sending.finish()
    assert server.files == {"/put/a.txt": b"first", "/put/b.bin": bytes(100_000)}
    assert sorted(server.uploaded) == ["a.txt", "b.bin"]
    assert server.last["complete"] is True
    assert whole(server, 5)


def test_a_file_that_the_server_will_not_take_costs_only_itself(server: Scripted, tmp_path: Path) -> None:
    server.file_script = [413]
    sending = Sending(server, tmp_path)
    sending.log_file("large", b"x")
    wait_for(lambda: sending.sender.uploader.failed == ["large"])
    sending.log_file("small", b"y")
    sending.log(0, 5)
    assert sending.finish()
    assert (server.files, server.uploaded) == ({"/put/small": b"y"}, ["small"])
    assert [text for text in sending.said if "large" in text] == sending.said


def test_a_file_waits_while_too_many_are_open(server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def open_third(*words: Any) -> Any:
        tries.append(words)
        if len(tries) < 3:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return open(*words)

    monkeypatch.setattr("runkey.stream.uploading.open", open_third, raising=False)
    sending = Sending(server, tmp_path)
    sending.log_file("a", b"x")
    assert sending.finish()
    assert (server.files, sending.sender.uploader.failed, sending.said) == ({"/put/a": b"x"}, [], [])


def test_files_that_were_not_sent_are_sent_by_the_next_process(server: Scripted, tmp_path: Path) -> None:
    server.file_script = [503] * 1_000
    sending = Sending(server, tmp_path)
    sending.log_file("late", b"z")
    wait_for(lambda: (tmp_path / "sent.json").exists())
    sending.sender.abandon()
    server.file_script = []
    sending.sender = sending.make_sender()
    sending.sender.start()
    assert sending.finish()
    assert (server.files, server.uploaded) == ({"/put/late": b"z"}, ["late"])


def test_a_last_word_that_cannot_be_read_ends_the_run_all_the_same(server: Scripted, tmp_path: Path) -> None:
    sending = Sending(server, tmp_path)
    sending.log(0, 10)
    wait_for(lambda: len(server.lines) == 10)
    assert sending.journal.append(framing.END, b'{"exit_code":3}')
    os.truncate(tmp_path / "journal.000001", sending.journal.end.offset - 5)
    assert sending.sender.finish(20.0, lambda: None, 3)
    assert (server.last["complete"], server.last["exitcode"]) == (True, 3)
    assert sending.sender.unreadable == 1


def test_a_journal_that_cannot_be_read_is_named(server: Scripted, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "journal.000001").mkdir()
    with pytest.raises(OSError, match="journal"):
        Journal(str(folder), lambda: b"{}", lambda _: None)
    (folder / "journal.000001").rmdir()
    sending = Sending(server, folder)
    sending.sender.abandon()
    (folder / "journal.000001").unlink()
    (folder / "journal.000001").mkdir()
    sending.sender = sending.make_sender()
    sending.sender.start()
    assert not sending.finish()
    assert [text for text in sending.said if f"The journal in {folder} cannot be read: Is a directory." in text]


def test_a_file_outside_of_the_runs_folder_is_not_sent(server: Scripted, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "secret").write_text("x")
    sending = Sending(server, tmp_path / "run")
    for name, path in (("up", "../secret"), ("absolute", str(tmp_path / "secret")), ("beside", "../run-other/secret")):
        sending.journal.append(framing.FILE, json.dumps({"name": name, "path": path}).encode())
    assert sending.finish()
    assert server.files == {}
    assert sorted(sending.sender.uploader.failed) == ["absolute", "beside", "up"]

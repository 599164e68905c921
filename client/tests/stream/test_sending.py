"""The sender, with a real journal, against a real HTTP server that answers from a script."""

import json
import os
import time
from pathlib import Path

import pytest
from scripted import ODD, Scripted, Sending, Source, wait_for, whole

from runkey.credentials.model import Secret
from runkey.stream import MAX_LINE_BYTES, Journal, framing


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

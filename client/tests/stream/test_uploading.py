"""A run's files on their way, beside its rows."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted, Sending, wait_for, whole

from runkey.stream import framing


@pytest.mark.parametrize("addresses", [{}, {"files": []}, {"files": [{"name": "other", "uploadUrl": "x"}]}, {"files": "x"}, [1]])
def test_a_file_without_an_address_is_given_up_and_asked_for_once(server: Scripted, tmp_path: Path, addresses: object) -> None:
    server.addresses = addresses
    sending = Sending(server, tmp_path)
    sending.log_file("a", b"x")
    sending.log(0, 5)
    assert sending.finish()
    assert sending.sender.uploader.failed == ["a"]
    assert whole(server, 5)


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


def test_a_file_outside_of_the_runs_folder_is_not_sent(server: Scripted, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "secret").write_text("x")
    sending = Sending(server, tmp_path / "run")
    for name, path in (("up", "../secret"), ("absolute", str(tmp_path / "secret")), ("beside", "../run-other/secret")):
        sending.journal.append(framing.FILE, json.dumps({"name": name, "path": path}).encode())
    assert sending.finish()
    assert server.files == {}
    assert sorted(sending.sender.uploader.failed) == ["absolute", "beside", "up"]

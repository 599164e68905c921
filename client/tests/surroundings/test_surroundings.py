"""Git's state, the packages, the code and the words about a program, each asked of something real."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runkey.runs import Settings
from runkey.scrubbing import NOTE, Scrubber
from runkey.surroundings import git, log_code, packages, start
from runkey.surroundings.describing import Program, describe, this_program
from runkey_wire import api_key

KEY = api_key.join("user", "3" * 30)


class Told:
    """A run, as far as the gathering knows one."""

    def __init__(self, folder: str | None = None, **settings: Any) -> None:
        self.settings, self.scrubber, self.folder, self.started = Settings(**settings), Scrubber(lambda _: None), folder, 0.0
        self.files: dict[str, bytes] = {}
        self.private: dict[str, Any] = {}
        self.origin: dict[str, str | None] = {}

    def upload(self, name: str, path: str | None = None, *, data: bytes | None = None) -> bool:
        self.files[name] = data or b""
        return True

    def describe(self, **members: Any) -> None:
        self.private |= members

    def describe_start(self, **given: str | None) -> None:
        self.origin |= given


def run_git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit and a change, that a program stands in."""
    place = tmp_path / "place"
    place.mkdir()
    run_git(place, "init", "-q")
    (place / "train.py").write_text("one = 1\n")
    run_git(place, "add", ".")
    run_git(place, "commit", "-qm", "first")
    run_git(place, "remote", "add", "origin", "https://someone:secret@example.org/a/b.git")
    (place / "train.py").write_text(f"one = 2\nkey = '{KEY}'\n")
    monkeypatch.chdir(place)
    return place


def test_a_repository_is_found_from_below(repository: Path) -> None:
    (repository / "deep").mkdir()
    found = git.find_repository(str(repository / "deep"))
    assert found is not None
    assert os.path.realpath(found.root) == os.path.realpath(repository)
    assert found.commit == run_git(repository, "rev-parse", "HEAD")
    assert found.remote == "https://example.org/a/b.git"
    assert b"+one = 2" in (git.difference(found.root) or b"")


def test_where_there_is_none_none_is_found(tmp_path: Path) -> None:
    assert git.find_repository(str(tmp_path)) is None
    assert git.find_repository(str(tmp_path / "absent")) is None
    run_git(tmp_path, "init", "-q")
    assert git.find_repository(str(tmp_path)) is None


def test_no_program_that_a_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o700)
    for name in ("core.fsmonitor", "diff.external", "diff.x.textconv", "diff.x.command", "core.pager"):
        run_git(repository, "config", name, str(trap))
    (repository / ".gitattributes").write_text("* diff=x\n")
    found = git.find_repository(str(repository))
    assert found is not None
    assert git.difference(found.root)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        ("https://token@example.org/a", "https://example.org/a"),
        ("https://a:b@example.org:8443/a", "https://example.org:8443/a"),
        ("ssh://git@example.org/a", "ssh://example.org/a"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("/a/folder", "/a/folder"),
        ("", ""),
    ],
)
def test_no_remote_names_who_is_let_in(remote: str, said: str) -> None:
    assert git.without_password(remote) == said


def test_the_packages_are_those_that_can_be_imported() -> None:
    found = packages.list_packages()
    assert f"pytest=={pytest.__version__}" in found
    assert found == sorted(found, key=lambda line: line.lower().partition("==")[0])


def test_code_is_sent_without_keys_and_byte_for_byte_otherwise(tmp_path: Path) -> None:
    for name in (
        "a.py",
        "deep/b.py",
        "requirements.txt",
        "Dockerfile",
        "c.txt",
        ".hidden/d.py",
        "env/e.py",
        "runkey/f.py",
        "__pycache__/g.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff" + KEY.encode())
    (tmp_path / "env/pyvenv.cfg").touch()
    run = Told(folder=str(tmp_path / "runkey" / "run-1"))
    assert log_code(run, str(tmp_path)) == ["code/Dockerfile", "code/a.py", "code/requirements.txt", "code/deep/b.py"]
    assert run.files["code/a.py"] == b"\xff" + f"rku_…{NOTE}".encode()
    assert log_code(run, str(tmp_path), lambda path: path.endswith(".txt"), lambda path, root: "req" in path) == ["code/c.txt"]
    assert log_code(run, None) == []


def test_a_program_is_described_in_the_official_clients_words(tmp_path: Path) -> None:
    program = Program(str(tmp_path / "deep/train.py"), ("--lr", "0.1"), str(tmp_path / "deep"))
    said = describe(program, git.Repository(str(tmp_path), "c0ffee", None), 0.0, [{"name": "card"}])
    assert (said["codePath"], said["codePathLocal"]) == ("deep/train.py", "train.py")
    assert (said["args"], said["git"], said["startedAt"]) == (["--lr", "0.1"], {"remote": None, "commit": "c0ffee"}, "1970-01-01T00:00:00Z")
    assert (said["gpu"], said["gpu_count"]) == ("card", 1)
    assert said["cpu_count_logical"] == os.cpu_count()
    assert "codePath" not in describe(program, git.Repository(str(tmp_path / "else"), "c", None), 0.0, [])
    nothing = describe(Program(None, (), ""), None, 0.0, [])
    assert nothing["program"].startswith("<")
    assert not {"root", "git", "args", "codePath"} & set(nothing)


def test_this_program_is_the_one_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--a", "b"])
    assert this_program().arguments == ("--a", "b")
    assert this_program().folder == os.getcwd()


def test_what_surrounds_a_run_is_gathered_without_keys(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", f"--token={KEY}"])
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(repository / "train.py"), raising=False)
    run_git(repository, "remote", "set-url", "origin", f"https://example.org/a/b.git?token={KEY}")
    run = Told(save_code=True)
    start(run)(0)
    assert set(run.files) == {"wandb-metadata.json", "requirements.txt", "diff.patch", "code/train.py"}
    assert b"+one = 2" in run.files["diff.patch"]
    assert run.origin == {
        "program": str(repository / "train.py"),
        "repo": f"https://example.org/a/b.git?token=rku_…{NOTE}",
        "commit": run_git(repository, "rev-parse", "HEAD"),
    }
    assert run.private["code_path"] == "code/train.py"
    for data in (*run.files.values(), repr(run.private).encode()):
        assert KEY.encode() not in data


def test_nothing_is_said_of_the_program_where_that_is_off(repository: Path) -> None:
    run = Told(x_disable_meta=True)
    start(run)(0)
    assert "wandb-metadata.json" not in run.files
    assert (run.private, run.origin) == ({}, {})


def test_git_is_not_asked_where_that_is_off(repository: Path) -> None:
    run = Told(disable_git=True)
    start(run)(0)
    assert run.origin["commit"] is None
    assert "diff.patch" not in run.files

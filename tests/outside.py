"""A server and machines seen from outside, as a user sees them: real processes, real ports, nothing of ours imported."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


CHROMIUM = "/usr/bin/chromium"


@dataclass
class Server:
    """One `runkey-server serve`, and what an operator does beside it."""

    data: Path
    process: "subprocess.Popen[bytes]"
    url: str
    first_link: str | None
    log: Path
    users: set[str] = field(default_factory=set)

    def operate(self, *words: str, stdin: str | None = None, status: int = 0) -> str:
        """Run `runkey-server …` on this folder; give what it printed."""
        done = subprocess.run(
            [str(BIN / "runkey-server"), *words, "--data", str(self.data)], input=stdin, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr if status else done.stdout

    def key(self, user: str) -> str:
        """Make an account, if it is new, and a key of it."""
        if user in self.users:
            return self.operate("key", "create", "--user", user).strip()
        self.users.add(user)
        # A process costs most of a second: both commands are given in one. Whether the account is there is not asked first.
        words = [sys.executable, "-c", _CREATE_USER_AND_KEY, user, str(self.data)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1].strip()

    def get(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        """GET a path."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {key}"} if key else {})
        return _answer(request)

    def post(self, path: str, body: object, key: str | None = None) -> tuple[int, bytes]:
        """POST JSON to a path."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        return _answer(urllib.request.Request(self.url + path, data=json.dumps(body).encode(), headers=headers))

    def kill(self) -> None:
        """End it and its workers at once, without a word (SIGKILL): the main process first, which would begin new ones."""
        workers = self.workers()
        self.process.kill()
        self.process.wait()
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Give the ids of its worker processes."""
        done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(word) for word in done.stdout.split()]

    def cpu_seconds(self) -> float:
        """Tell how much CPU it and its workers have used."""
        used = 0.0
        for pid in (self.process.pid, *self.workers()):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used

    def stop(self) -> int:
        """End it politely; give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


_CREATE_USER_AND_KEY = """
import sys
from runkey_server.cli import main
_, user, data = sys.argv
main(["user", "create", user, "--data", data])
sys.exit(main(["key", "create", "--user", user, "--data", data]))
"""


def _answer(request: urllib.request.Request) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def start_server(data: Path, *words: str, logs: Path | None = None) -> Server:
    """Start a server and wait until it answers: on a free loopback port, unless the words tell another.

    logs: where to keep what it says, by default beside its folder.
    """
    words = ("--listen", "127.0.0.1:0", *words)
    kept = (logs or data.parent) / data.name
    log, out = kept.with_suffix(".log"), kept.with_suffix(".out")
    with log.open("w") as errors, out.open("w") as said:
        process = subprocess.Popen(
            [str(BIN / "runkey-server"), "serve", "--data", str(data), *words],
            stdout=said,
            stderr=errors,
            env={name: value for name, value in os.environ.items() if not name.startswith(("RUNKEY_", "WANDB_"))},
        )
    deadline = time.monotonic() + 30
    while " answers at " not in out.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise AssertionError(log.read_text())
        time.sleep(0.02)
    told = out.read_text()
    links = [line.strip() for line in told.splitlines() if "/setup#" in line]
    return Server(data, process, told.split(" answers at ")[1].split()[0], links[0] if links else None, log)


@dataclass
class Machine:
    """A computer of somebody's: a home folder, and an environment with nothing of ours in it."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What its programs see."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RUNKEY_", "WANDB_", "XDG_")) and name not in ("NETRC", "PYTHONPATH")
        }
        # The official client's own error reports would try to leave the machine.
        return kept | {"HOME": str(self.home), "WANDB_ERROR_REPORTING": "false", "PATH": f"{BIN}:{os.environ['PATH']}"} | self.extra

    def run(self, *words: str, stdin: str | None = "", timeout: float = 120, **extra: str) -> "subprocess.CompletedProcess[str]":
        """Run a program without a terminal."""
        return subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.home,
            env=self.environment | extra,
        )

    def python(self, script: str, *words: str, **extra: str) -> "subprocess.CompletedProcess[str]":
        """Run a script with this Python."""
        path = self.home / "script.py"
        path.write_text(script)
        return self.run(sys.executable, str(path), *words, **extra)


def eventually(check: object, seconds: float = 10.0, words: str = "") -> None:
    """Wait until something holds; fail with its own words when it never does. words: what is waited for, where it has none."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            assert check(), words  # type: ignore[operator]
            return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def need(program: str, package: str) -> str:
    """Give the path of a program. Without it a test is skipped, but fails in continuous integration."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is not None:
        return found
    reason = f"{program} is missing. Install it: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def need_chromium() -> str:
    """Give the path of Chromium. Without it a browser test is skipped, but fails in continuous integration."""
    if os.path.exists(CHROMIUM):
        return CHROMIUM
    reason = "Chromium is missing. Install it: apt-get install chromium"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def runkey(machine: Machine, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return machine.run(str(BIN / "runkey"), *words, **more)


def log_in(machine: Machine, server: Server, user: str) -> str:
    key = server.key(user)
    done = runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=key)
    assert done.returncode == 0, done.stderr
    return key


def status(machine: Machine, *words: str, **more: str) -> dict[str, object]:
    return json.loads(runkey(machine, "status", "--json", *words, **more).stdout)


def stored(machine: Machine) -> Path:
    """Where its client keeps what it is logged in with."""
    return machine.home / ".config" / "runkey" / "credentials.json"

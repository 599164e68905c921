"""What the benchmarks that serve share: a real `runkey-server serve` on a core of its own, a person at a browser, forms and GraphQL."""

import contextlib
import http.client
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import process_cpu_seconds

BIN = Path(sys.executable).parent
PASSWORD = "seven slow herons before rain"
# A sign-in counts as fresh for five minutes, and an approval asks for a fresh one.
_SIGNED_IN_SECONDS = 200.0
# The server on one core and whoever asks it on the others, where the machine has more than one.
_ALL_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _ALL_CORES[0]
_LOAD_CORES = set(_ALL_CORES[1:] or _ALL_CORES)


def leave_the_servers_core() -> None:
    """Keep this process, and those that it starts from now on, off the core on which servers run."""
    os.sched_setaffinity(0, _LOAD_CORES)


def clean_environment() -> dict[str, str]:
    """Give this process's environment without anything that our programs would act on."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RUNKEY_", "WANDB_", "XDG_"))}


def let_open_files(count: int) -> None:
    """Let this process open so many files. A server that it started before keeps the limit it was born with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Server:
    """One `runkey-server serve` that answers."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.data = folder / "data"
        self.log = folder / "log"
        self.url = url
        self.process = process
        self.port = urllib.parse.urlsplit(url).port or 0

    @property
    def workers(self) -> list[int]:
        """The worker processes."""
        found: list[int] = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            found += [int(pid) for pid in (task / "children").read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """Give the CPU seconds that its processes have taken so far."""
        return sum(process_cpu_seconds(pid) for pid in [self.process.pid, *self.workers])

    def operate(self, *words: str) -> str:
        """Run `runkey-server …` on its folder; give what it printed."""
        command = [str(BIN / "runkey-server"), *words, "--data", str(self.data)]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=clean_environment()).stdout

    def make_key(self, user: str) -> str:
        """Make an account and a key of it."""
        self.operate("user", "create", user)
        return self.operate("key", "create", "--user", user).strip()


@contextlib.contextmanager
def serving(folder: Path, *words: str) -> Iterator[Server]:
    """Serve from a new folder on a free loopback port and the servers' core, until the block ends."""
    folder.mkdir(mode=0o700)
    out, log = folder / "out", folder / "log"
    command = [str(BIN / "runkey-server"), "serve", "--data", str(folder / "data"), "--listen", "127.0.0.1:0", *words]
    mine = os.sched_getaffinity(0)
    with out.open("w") as said, log.open("w") as errors:
        # From its first thread on: a core that is given to a running process holds for one of its threads alone.
        os.sched_setaffinity(0, {SERVER_CORE})
        try:
            process = subprocess.Popen(command, stdout=said, stderr=errors, env=clean_environment())
        finally:
            os.sched_setaffinity(0, mine)
    try:
        deadline = time.monotonic() + 30
        while " answers at " not in out.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The server did not start: {log.read_text()}")
            time.sleep(0.02)
        yield Server(folder, process, out.read_text().split(" answers at ")[1].split()[0])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Browser:
    """One person at a browser: cookies, forms, and a password given a moment ago."""

    def __init__(self, server: Server, name: str) -> None:
        """Sign up."""
        self._server = server
        self._name = name
        self._cookies: dict[str, str] = {}
        self._signed_in_at = float("-inf")
        self._enter("/signup")

    @property
    def cookies(self) -> str:
        """What it sends with every request."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def open_approval(self, user_code: str) -> str:
        """Open the page of the machine that waits under a code, signed in a moment ago; give the form that lets it in."""
        if time.monotonic() - self._signed_in_at > _SIGNED_IN_SECONDS:
            self._cookies = {}
            self._enter("/signin")
        page = self._ask("GET", f"/device?user_code={user_code}", expected=200)
        return urllib.parse.urlencode({"form_token": _form_token(page), "user_code": user_code, "decision": "approve"})

    def approve(self, form: str) -> None:
        """Click on Approve."""
        self._ask("POST", "/device", form)

    def _enter(self, path: str) -> None:
        token = _form_token(self._ask("GET", path, expected=200))
        self._ask("POST", path, urllib.parse.urlencode({"form_token": token, "name": self._name, "password": PASSWORD}))
        self._signed_in_at = time.monotonic()

    def _ask(self, method: str, path: str, form: str | None = None, *, expected: int = 303) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        headers = {"Accept": "text/html", "Cookie": self.cookies}
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        with contextlib.closing(connection):
            connection.request(method, path, form, headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, rest = cookie.partition("=")
                self._cookies[name] = rest.partition(";")[0]
            page = answer.read().decode()
        if answer.status != expected:
            raise SystemExit(f"{method} {path.partition('?')[0]} was answered {answer.status}.")
        return page


def _form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return found.group(1)


def post_form(port: int, path: str, **fields: str) -> tuple[int, dict[str, Any]]:
    """Send a form as a program does; give the status and the JSON that was answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", path, urllib.parse.urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def graphql(port: int, key: str, document: str, **variables: Any) -> dict[str, Any]:
    """Ask one operation; give its data."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"query": document, "variables": variables})
    with contextlib.closing(connection):
        connection.request("POST", "/graphql", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        data: dict[str, Any] = json.loads(answer.read())["data"]
    return data

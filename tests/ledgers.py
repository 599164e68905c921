"""Writers that behave as clients do, and a ledger of what they sent and what was acknowledged, kept outside the server.

Acknowledged means: a whole 2xx answer was read. What was sent and not acknowledged may be there or not, wholly, and is sent again.
"""

import base64
import hashlib
import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field

from outside import Server

HISTORY = "wandb-history.jsonl"
TRANSIENT = frozenset({429, 503, 507})


@dataclass
class RunLedger:
    """What one run sent. rows: acknowledged lines; pending: lines that were sent after them, or None; files: name to MD5."""

    name: str
    rows: list[str] = field(default_factory=list)
    pending: list[str] | None = None
    is_open: bool = False
    files: dict[str, str] = field(default_factory=dict)


@dataclass
class Ledger:
    """What all writers sent. wrong: answers that no client may ever get. turned_away: how often each transient status came."""

    account: str
    project: str
    key: str
    runs: list[RunLedger] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    turned_away: dict[int, int] = field(default_factory=dict)
    without_retry_after: int = 0
    acknowledged_requests: int = 0
    acknowledged_rows: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open_run(self, name: str) -> RunLedger:
        """Begin the ledger of a run."""
        run = RunLedger(name)
        with self.lock:
            self.runs.append(run)
        return run

    def compare(self, server: Server, runs: list[RunLedger] | None = None) -> tuple[int, int, list[str]]:
        """Compare with what the server gives back: rows lost, rows too many, and what is wrong in words. Writers must rest meanwhile."""
        lost, doubled, words = 0, 0, []
        for run in self.runs if runs is None else runs:
            if not run.is_open:
                continue
            there, count, files = self.read(server, run.name)
            possible = [run.rows] if run.pending is None else [run.rows, run.rows + run.pending]
            if there not in possible:
                missing, more = len(set(run.rows) - set(there)), len(there) - len(set(there))
                lost, doubled = lost + missing, doubled + more
                words.append(
                    f"{run.name}: {len(run.rows)} acknowledged, {len(there)} there, {missing} lost, {more} doubled, or out of order"
                )
            if count != len(there):
                words.append(f"{run.name}: says {count} lines and gives {len(there)}")
            gone = [name for name, md5 in run.files.items() if files.get(name) != md5]
            if gone:
                words.append(f"{run.name}: files lost: {gone}")
        return lost, doubled, words

    def read(self, server: Server, run: str) -> tuple[list[str], int, dict[str, str]]:
        """Read a run back through the public API: its rows, its count of lines, its files' MD5."""
        query = """query($p: String, $r: String!) { project(name: $p) { run(name: $r) {
            historyLineCount history(minStep: 0, maxStep: 100000000) files(first: 1000) { edges { node { name md5 } } } } } }"""
        status, body = server.post("/graphql", {"query": query, "variables": {"p": self.project, "r": run}}, self.key)
        assert status == 200, body
        found = json.loads(body)["data"]["project"]["run"]
        rows = [json.dumps(json.loads(line), sort_keys=True) for line in found["history"]]
        return rows, found["historyLineCount"], {edge["node"]["name"]: edge["node"]["md5"] for edge in found["files"]["edges"]}


class Connection:
    """One kept-open connection to the server of the moment."""

    def __init__(self, url: str, key: str) -> None:
        self._host, _, self._port = url.removeprefix("http://").partition(":")
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: bytes, *, with_key: bool = True) -> tuple[int, bytes, str | None]:
        """Send a request and read the whole answer: status, body, Retry-After. Raises OSError or HTTPException."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, int(self._port), timeout=30)
        try:
            self._connection.request(method, path, body, self._headers if with_key else {})
            answer = self._connection.getresponse()
            return answer.status, answer.read(), answer.headers["Retry-After"]
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Writer:
    """One writer with several runs at once. It is stopped and begun again with the server; its runs go on where they were."""

    def __init__(self, ledger: Ledger, number: int, runs: int, seed: int, *, longest_run: int = 1_500, padding: int = 0) -> None:
        """padding: random characters in each row, so that a disk is soon full."""
        self._padding = padding
        self._ledger = ledger
        self._number = number
        self._random = random.Random(seed)
        self._runs = [self._new_run() for _ in range(runs)]
        self._longest_run = longest_run
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def begin(self, server: Server) -> None:
        """Write until told to rest, or until the server is gone."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._write, args=(server,))
        self._thread.start()

    def rest(self) -> None:
        """Stop and wait for the end of what is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _new_run(self) -> RunLedger:
        return self._ledger.open_run(f"w{self._number}-{self._random.getrandbits(40):x}")

    def _write(self, server: Server) -> None:
        connection = Connection(server.url, self._ledger.key)
        try:
            while not self._stop.is_set():
                index = self._random.randrange(len(self._runs))
                try:
                    self._one(connection, self._runs[index])
                except (OSError, http.client.HTTPException):
                    # Gone, or between two workers. What was under way stays pending.
                    time.sleep(0.02)
                    continue
                if len(self._runs[index].rows) >= self._longest_run and self._runs[index].pending is None:
                    self._runs[index] = self._new_run()
        finally:
            connection.close()

    def _one(self, connection: Connection, run: RunLedger) -> None:
        if not run.is_open:
            self._open(connection, run)
        elif run.pending is None and self._random.random() < 0.03:
            self._upload(connection, run)
        else:
            again = run.pending is None and bool(run.rows) and self._random.random() < 0.03
            if run.pending is None and not again:
                run.pending = [self._row(run, index) for index in range(self._random.choice((1, 1, 2, 5, 40)))]
            # A client whose answer was lost sends the same once more.
            lines, offset = (run.rows[-1:], len(run.rows) - 1) if again else (run.pending, len(run.rows))
            body = json.dumps({"files": {HISTORY: {"offset": offset, "content": lines}}}).encode()
            path = f"/files/{self._ledger.account}/{self._ledger.project}/{run.name}/file_stream"
            if self._is_kept(*connection.send("POST", path, body)) and not again:
                assert run.pending is not None
                run.rows, run.pending, sent = run.rows + run.pending, None, len(run.pending)
                with self._ledger.lock:
                    self._ledger.acknowledged_requests += 1
                    self._ledger.acknowledged_rows += sent

    def _open(self, connection: Connection, run: RunLedger) -> None:
        query = "mutation($p: String, $r: String) { upsertBucket(input: {name: $r, modelName: $p}) { inserted } }"
        body = json.dumps({"query": query, "variables": {"p": self._ledger.project, "r": run.name}}).encode()
        status, text, retry = connection.send("POST", "/graphql", body)
        run.is_open = self._is_kept(status, text, retry)

    def _upload(self, connection: Connection, run: RunLedger) -> None:
        name, content = f"f{len(run.files)}-{self._random.getrandbits(30):x}.bin", self._random.randbytes(self._random.randrange(1, 5_000))
        query = """mutation($e: String!, $p: String!, $r: String!, $f: [String!]!) {
            createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: $f}) { files { uploadUrl } } }"""
        variables = {"e": self._ledger.account, "p": self._ledger.project, "r": run.name, "f": [name]}
        status, text, retry = connection.send("POST", "/graphql", json.dumps({"query": query, "variables": variables}).encode())
        if not self._is_kept(status, text, retry):
            return
        url = json.loads(text)["data"]["createRunFiles"]["files"][0]["uploadUrl"]
        if self._is_kept(*connection.send("PUT", "/" + url.split("/", 3)[3], content, with_key=False)):
            run.files[name] = base64.b64encode(hashlib.md5(content).digest()).decode()

    def _row(self, run: RunLedger, index: int) -> str:
        step = len(run.rows) + index
        row = {"_step": step, "loss": self._random.random(), "n": step * 3, f"k{step % 5}": f"{run.name}/{step}", "deep": {"x": step / 7}}
        if self._padding:
            row["padding"] = self._random.randbytes(self._padding // 2).hex()
        return json.dumps(row, sort_keys=True)

    def _is_kept(self, status: int, body: bytes, retry_after: str | None) -> bool:
        if status == 200 and b'"errors"' not in body:
            return True
        with self._ledger.lock:
            if status in TRANSIENT:
                self._ledger.turned_away[status] = self._ledger.turned_away.get(status, 0) + 1
                self._ledger.without_retry_after += retry_after is None
            else:
                self._ledger.wrong.append(f"{status} {body[:200]!r}")
        # Less than a client waits: a fault is to be met often, not seldom.
        self._stop.wait(0.05)
        return False

"""`runkey export` against a real server: files that are whole or not there, and what is said when they cannot be."""

import csv
import io
import json
import re
import socket

import psutil
import pyarrow.parquet as pq
import pytest
from outside import Machine, Server
from terminals import Terminal

pytestmark = pytest.mark.story

ROWS = 30_000


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    key = server.key("mira")
    for run, count in (("r1", ROWS), ("r2", 3)):
        query = 'mutation U($n: String) { upsertBucket(input: {name: $n, modelName: "my p"}) { inserted } }'
        assert server.post("/graphql", {"query": query, "variables": {"n": run}}, key)[0] == 200
        for first in range(0, count, 10_000):
            rows = [json.dumps({"_step": i, "loss": 1 / (i + 1), "text": "x" * 20}) for i in range(first, min(first + 10_000, count))]
            body = {"files": {"wandb-history.jsonl": {"offset": first, "content": rows}}}
            assert server.post(f"/files/mira/my%20p/{run}/file_stream", body, key)[0] == 200
    return key


@pytest.fixture
def here(machine: Machine, server: Server, key: str) -> Machine:
    machine.extra |= {"RUNKEY_API_KEY": key, "RUNKEY_HOST": server.url}
    return machine


def files(machine: Machine) -> list[str]:
    return sorted(path.name for path in machine.home.iterdir() if path.is_file())


def test_a_run_and_a_project_as_files(here: Machine) -> None:
    done = here.run("runkey", "export", "mira/my p/runs/r1")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"runkey: Wrote my_p-r1.csv: {(here.home / 'my_p-r1.csv').stat().st_size:,} bytes.\n"
    rows = list(csv.DictReader(io.StringIO((here.home / "my_p-r1.csv").read_bytes().decode(), newline="")))
    assert (len(rows), rows[-1]["_step"], float(rows[-1]["loss"])) == (ROWS, str(ROWS - 1), 1 / ROWS)
    done = here.run("runkey", "export", "mira/my p", "--output", "all.parquet", "--json")
    assert json.loads(done.stdout) == {
        "ok": True,
        "file": str(here.home / "all.parquet"),
        "kind": "history",
        "format": "parquet",
        "bytes": (here.home / "all.parquet").stat().st_size,
    }
    table = pq.read_table(here.home / "all.parquet")
    assert (table.num_rows, table["loss"].to_pylist()[-3:]) == (ROWS + 3, [1.0, 0.5, 1 / 3])
    done = here.run("runkey", "export", "mira/my p", "--kind", "runs", "--output", "-")
    assert [row["run"] for row in csv.DictReader(io.StringIO(done.stdout, newline=""))] == ["r1", "r2"]
    assert done.stderr == ""
    assert files(here) == ["all.parquet", "my_p-r1.csv"]


def test_somebody_who_watches_sees_how_far_it_is_and_then_the_result_alone(here: Machine) -> None:
    watched = Terminal(here, "runkey", "export", "mira/my p/r1", "--output", "seen.csv")
    assert watched.end() == 0
    assert re.search(r"\r\x1b\[Krunkey: \d\.\d MB", watched.seen)
    assert watched.seen.rpartition("\x1b[K")[2].startswith("runkey: Wrote seen.csv: ")
    watched = Terminal(here, "runkey", "export", "mira/my p/r1", "--output", "-", "--format", "parquet")
    assert watched.end() == 2
    assert "Parquet is nothing to look at" in watched.seen


def test_nothing_is_overwritten_unless_asked(here: Machine) -> None:
    kept = here.home / "my_p-r2.csv"
    kept.write_text("mine")
    done = here.run("runkey", "export", "mira/my p/r2")
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert kept.read_text() == "mine"
    assert here.run("runkey", "export", "mira/my p/r2", "--force").returncode == 0
    assert kept.read_bytes().startswith(b"_step,_runtime,_timestamp,loss,text\r\n0,,,1.0,")
    (here.home / "folder").mkdir()
    for output in ("folder", "absent/x.csv"):
        done = here.run("runkey", "export", "mira/my p/r2", "--output", output, "--force")
        assert done.returncode == 2, done.stderr
    assert files(here) == ["my_p-r2.csv"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["mira"], 2, "neither ENTITY/PROJECT"),
        (["mira/my p/absent"], 4, "There is no such run."),
        (["mira/absent"], 4, "There is no such project."),
        (["mira/my p/r1", "--kind", "runs"], 2, "is of a project"),
        (["mira/my p/r1", "--output", "-", "--json"], 2, "both want standard output"),
        (["mira/my p/r1", "--host", "http://127.0.0.1:9"], 7, "Cannot reach"),
    ],
)
def test_what_is_said_when_it_cannot_be(here: Machine, words: list[str], code: int, said: str) -> None:
    done = here.run("runkey", "export", *words)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert files(here) == []


def test_a_refused_key(here: Machine) -> None:
    done = here.run("runkey", "export", "mira/my p/r1", RUNKEY_API_KEY="0" * 40)
    assert done.returncode == 4
    assert "refused the key" in done.stderr
    assert files(here) == []


LARGE = 24_000


@pytest.fixture(scope="module")
def large(server: Server, key: str) -> str:
    """A run whose export is 24 MB."""
    query = 'mutation U($n: String) { upsertBucket(input: {name: $n, modelName: "q"}) { inserted } }'
    assert server.post("/graphql", {"query": query, "variables": {"n": "large"}}, key)[0] == 200
    text = "x" * 1_000
    for first in range(0, LARGE, 8_000):
        write(server, key, first, [json.dumps({"_step": i, "t": f"{i}{text}"}) for i in range(first, first + 8_000)])
    return key


def write(server: Server, key: str, first: int, rows: list[str]) -> None:
    body = {"files": {"wandb-history.jsonl": {"offset": first, "content": rows}}}
    assert server.post("/files/mira/q/large/file_stream", body, key)[0] == 200


def asking(server: Server, key: str) -> socket.socket:
    """Somebody who asks for the large run and has read no more than the beginning."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    head = f"GET /mira/q/runs/large/export HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n\r\n"
    connection.sendall(head.encode())
    assert connection.recv(1_000).startswith(b"HTTP/1.1 200")
    return connection


def test_who_does_not_read_costs_little_memory_and_no_writer_waits(server: Server, large: str) -> None:
    before = memory(server)
    asked = [asking(server, large) for _ in range(14)]
    for number in range(20):
        write(server, large, LARGE + number, ['{"late": 1}'])
    assert memory(server) - before < 260, "of the 340 MB that were asked for"
    for connection in asked:
        connection.close()
    assert server.get("/healthz")[0] == 200
    with asking(server, large) as connection:
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(1 << 20)
    assert len(received) > LARGE * 1_000


def test_a_run_that_is_overwritten_meanwhile_breaks_off(server: Server, large: str) -> None:
    """Half of a file never passes for the whole: the connection ends without the mark of its end."""
    with asking(server, large) as connection:
        write(server, large, 0, ['{"other": 1}'])
        received = b""
        while piece := connection.recv(1 << 20):
            received += piece
    assert not received.endswith(b"0\r\n\r\n")
    assert len(received) < LARGE * 1_000


def memory(server: Server) -> float:
    """MB of the server and its workers."""
    process = psutil.Process(server.process.pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 1e6

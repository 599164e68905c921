"""Points a server CPU second through the real door (`file_stream`), 1, 8 and 64 runs at once, against the raw append-and-sync floor."""

import argparse
import asyncio
import json
import os
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

from measuring import process_cpu_seconds
from serving import Server, graphql, leave_the_servers_core, serving

METRICS = 10
LINES = 500
"""A request of the official client under load: what gathers between two sends, up to some megabytes."""

UPSERT = (
    """mutation ($run: String) { upsertBucket(input: {modelName: "bench", name: $run}) { bucket { id project { entity { name } } } } }"""
)
SHAPES = {
    "noise": lambda r: r.gauss(0, 1),
    "float32": lambda r: struct.unpack("f", struct.pack("f", r.gauss(0, 1)))[0],
    "rounded": lambda r: round(r.gauss(0, 1), 4),
    "bf16": lambda r: struct.unpack("f", b"\0\0" + struct.pack("f", r.gauss(0, 1))[2:])[0],
}


def body_of(first: int, shape: str, lines: int, seed: int) -> bytes:
    """Make one request in the official client's shape."""
    draw, value = random.Random(seed), SHAPES[shape]
    began = 1_760_000_000.0
    content = []
    for line in range(first, first + lines):
        row = {f"metric_{number}": value(draw) for number in range(METRICS)}
        runtime = round(line * 0.25 + draw.random() / 100, 9)
        content.append(json.dumps({**row, "_step": line, "_runtime": runtime, "_timestamp": began + runtime}))
    return json.dumps({"files": {"wandb-history.jsonl": {"offset": first, "content": content}}}).encode()


class Writer:
    """One run on one connection."""

    def __init__(self, server: Server, key: str, run: str) -> None:
        self._server = server
        self._head = (
            f"POST /files/mira/bench/{run}/file_stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {key}\r\n"
        )

    async def connect(self) -> None:
        """Open the connection."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port)

    async def send(self, body: bytes) -> None:
        """Send one request and wait for its acknowledgement."""
        self._writer.write(f"{self._head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())


async def write_all(server: Server, key: str, runs: list[str], bodies: list[bytes]) -> None:
    """Let every run send all bodies, all runs at once."""
    writers = [Writer(server, key, run) for run in runs]

    async def one(writer: Writer) -> None:
        await writer.connect()
        for body in bodies:
            await writer.send(body)

    await asyncio.gather(*(one(writer) for writer in writers))


def unfolded(server: Server) -> int:
    """Count the segments that wait to be folded."""
    import sqlite3

    with sqlite3.connect(f"file:{server.data / 'runkey.db'}?mode=ro", uri=True) as database:
        return int(database.execute("SELECT count(*) FROM history_segments").fetchone()[0])


def measure(server: Server, key: str, runs: int, requests: int, lines: int, shape: str = "noise") -> tuple[float, float, int]:
    """Write; give CPU seconds of the door, CPU seconds with folding, and points."""
    names = [f"r{runs}-{lines}-{shape}-{number}" for number in range(runs)]
    for name in names:
        graphql(server.port, key, UPSERT, run=name)
    bodies = [body_of(number * lines, shape, lines, number) for number in range(requests)]
    before = server.cpu_seconds()
    asyncio.run(write_all(server, key, names, bodies))
    door = server.cpu_seconds() - before
    while unfolded(server):
        time.sleep(0.5)
    return door, server.cpu_seconds() - before, runs * requests * lines * METRICS


def floor(folder: Path, requests: int) -> float:
    """Points a CPU second of a process that only appends the same bytes to a file and syncs, a request at a time."""
    bodies = [body_of(number * LINES, "noise", LINES, number) for number in range(requests)]
    path = folder / "floor"
    child = os.fork()
    if child == 0:
        with path.open("wb", buffering=0) as file:
            for body in bodies:
                file.write(body)
                os.fsync(file.fileno())
        os.write(1, b"")
        spent = process_cpu_seconds(os.getpid())
        (folder / "spent").write_text(str(spent))
        os._exit(0)
    os.waitpid(child, 0)
    return requests * LINES * METRICS / max(float((folder / "spent").read_text()), 0.01)


def database_bytes(server: Server) -> int:
    """Give the size of what history keeps, by SQLite's own pages."""
    import sqlite3

    with sqlite3.connect(f"file:{server.data / 'runkey.db'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT sum(length(body)) FROM history_bodies UNION ALL SELECT sum(length(outline) + length(facts)) FROM history_chunks"
        )
        return sum(int(row[0] or 0) for row in rows)


def main() -> None:
    """Print points a CPU second by the number of runs, and bytes a point by the kind of values."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200, metavar="N", help="requests of 500 lines in all, for each number of runs")
    arguments = parser.parse_args()
    leave_the_servers_core()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder / "served") as server:
            key = server.make_key("mira")
            measure(server, key, 1, 4, LINES)
            raw = floor(folder, arguments.requests)
            print(f"floor: append and sync alone   {raw:12,.0f} points/CPU s")
            for runs in (1, 8, 64):
                door, whole, points = measure(server, key, runs, max(1, arguments.requests // runs), LINES)
                shown = f"{points / whole:10,.0f} points/CPU s with folding, {points / door:10,.0f} at the door"
                print(f"{runs:3} runs, {LINES} lines a request  {shown}   {points / whole / raw:6.1%} of the floor")
            door, whole, points = measure(server, key, 8, 250, 1)
            print(
                f"  8 runs, 1 line a request     {points / whole:10,.0f} points/CPU s with folding, "
                f"{whole / 2_000 * 1000:.2f} ms of CPU a request"
            )
        for shape in SHAPES:
            with serving(folder / shape) as server:
                key = server.make_key("mira")
                _, _, points = measure(server, key, 1, 33, LINES, shape)
                print(f"{shape:8} {database_bytes(server) / points:5.2f} bytes a point, 10 metrics a row, step and two times included")
    print("goals: 300,000 points a CPU second; 8 bytes a point for noise, 4 for the others")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()

"""Key checks a second (`viewer` over HTTP, one worker), against the same stack answering a constant in the same run."""

import asyncio
import http.client
import json
import multiprocessing
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measuring import memory_mib, process_cpu_seconds

VIEWER = {
    "query": "query Viewer { viewer { id entity username email flags teams { edges { node { name } } } } }",
    "variables": None,
    "operationName": "Viewer",
}
SECONDS = 3.0
CONNECTIONS = 8
ROUNDS = 5


class Constant:
    """The same route and the same body read, answered with fixed bytes, without a key check."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        from runkey_server.asgi.requests import read_body
        from runkey_server.asgi.responses import send_bytes
        from runkey_wire import limits

        await read_body(scope, receive, limits.MAX_GRAPHQL_BYTES)
        await send_bytes(send, 200, self.answer, ((b"content-type", b"application/json"), (b"cache-control", b"no-store")))


def build(settings, answer: bytes | None):  # type: ignore[no-untyped-def]
    """Build the application; with an answer, its GraphQL route gives that constant. No access log, in either."""
    from runkey_server import app

    built = app.build(settings)
    if answer is not None:
        for index, route in enumerate(built._app.routes):
            if getattr(route, "path", "") == "/graphql":
                built._app.routes[index] = app._route("/graphql", Constant(answer), "POST")
    return built


def serve(data: str, port: int, answer: bytes | None) -> None:
    """Serve in this process until it is ended."""
    from functools import partial

    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    from runkey_server.settings import Settings

    settings = Settings(data=Path(data), listen_port=port)
    server = Server("x", address="127.0.0.1", port=port, interface=Interfaces.ASGI, websockets=False, log_level=LogLevels.error)
    server.serve(target_loader=partial(build, settings, answer), wrap_loader=False)


def load(port: int, key: str, seconds: float) -> tuple[int, bytes]:
    """Ask on several connections for a while; give how many answers came, and the last."""
    body = json.dumps(VIEWER).encode()
    request = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def ask(deadline: float) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count, last = 0, b""
        while time.monotonic() < deadline:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head[:200]
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            last = await reader.readexactly(length)
            count += 1
        writer.close()
        return count, last

    async def all_of_them() -> list[tuple[int, bytes]]:
        deadline = time.monotonic() + seconds
        return await asyncio.gather(*(ask(deadline) for _ in range(CONNECTIONS)))

    results = asyncio.run(all_of_them())
    return sum(count for count, _ in results), results[0][1]


def worker_of(parent: int) -> int:
    """Find the worker process of a server."""
    with open(f"/proc/{parent}/task/{parent}/children") as file:
        return int(file.read().split()[0])


class Served:
    """One server on its own core, where the machine has more than one."""

    def __init__(self, data: str, answer: bytes | None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        began = time.monotonic()
        # Not a daemon: a daemon may have no children, and a server has a worker.
        self.process = multiprocessing.Process(target=serve, args=(data, self.port, answer))
        self.process.start()
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                break
            except OSError:
                time.sleep(0.01)
        self.first_answer_seconds = time.monotonic() - began
        self.worker = worker_of(self.process.pid or 0)
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(self.worker, {0})

    def rate(self, key: str) -> tuple[float, float, bytes]:
        """Give answers a second, CPU microseconds of the server for each, and an answer."""
        before = process_cpu_seconds(self.worker)
        began = time.monotonic()
        count, answer = load(self.port, key, SECONDS)
        spent = process_cpu_seconds(self.worker) - before
        return count / (time.monotonic() - began), spent / count * 1e6, answer

    def stop(self) -> None:
        """End it."""
        os.kill(self.process.pid or 0, signal.SIGTERM)
        self.process.join()


def main() -> None:
    """Print key checks a second, and their ratio to the constant."""
    from runkey_server import accounts, clock, keys, secret_keys
    from runkey_server.database import Database
    from runkey_server.database.migrating import migrate
    from runkey_server.settings import Settings

    with tempfile.TemporaryDirectory() as data:
        os.chmod(data, 0o700)
        database = Database(Settings(data=Path(data)).sqlalchemy_url)
        migrate(database)
        pepper = secret_keys.load_or_make(Path(data)).pepper
        with database.writing() as transaction:
            account = accounts.create_account(transaction, "mira", at=clock.now())
            _, key = keys.mint(transaction, pepper, account.id, kind="user", at=clock.now())
        database.close()
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(0, set(range(1, os.cpu_count() or 2)))
        real = Served(data, None)
        _, _, answer = real.rate(key)
        constant = Served(data, answer)
        constant.rate(key)
        rates: dict[str, list[tuple[float, float]]] = {"viewer": [], "constant": []}
        try:
            for _ in range(ROUNDS):
                for name, server in (("viewer", real), ("constant", constant)):
                    per_second, microseconds, given = server.rate(key)
                    assert given == answer
                    rates[name].append((per_second, microseconds))
            rss = [memory_mib(pid)[0] for pid in (real.worker, real.process.pid or 0)]
        finally:
            real.stop()
            constant.stop()
    middle = {name: [statistics.median(column) for column in zip(*taken, strict=True)] for name, taken in rates.items()}
    for name, (per_second, microseconds) in middle.items():
        print(f"{name:10} {per_second:8.0f} answers/s   {microseconds:6.0f} us of server CPU each")
    ratio = middle["constant"][1] / middle["viewer"][1]
    print(f"key checks: {middle['viewer'][0]:.0f}/s (goal 1000), {ratio:.0%} of the constant by CPU (goal 40 %)")
    print(f"worker {rss[0]:.0f} MiB resident after this, first answer after {real.first_answer_seconds:.2f} s (imports warm)")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()

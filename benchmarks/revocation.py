"""From a key's revocation to the last request that it opens, over four worker processes, against one worker."""

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from measuring import percentile
from serving import Server, graphql, leave_the_servers_core, serving

VIEWER = "query Viewer { viewer { username } }"
CREATE = "mutation CreateApiKey { createApiKey(input: {}) { apiKey { id } secret } }"
REVOKE = "mutation RevokeApiKey($id: ID) { revokeApiKey(input: {id: $id}) { apiKey { state } } }"
GOAL_SECONDS = 1.0
CONNECTIONS_A_WORKER = 2
ASK_EVERY_SECONDS = 0.01
# Two readings of the credential epoch and more: by then every worker answers from memory. Of random length, so that revocations fall on
# every part of the time between two readings.
REMEMBER_SECONDS = (0.5, 0.8)
QUIET_SECONDS = 0.5
PATIENCE_SECONDS = 10.0


class Asker:
    """One connection, which asks `viewer` again and again with a key until it is refused for good."""

    def __init__(self, port: int, key: str) -> None:
        body = json.dumps({"query": VIEWER}).encode()
        self._request = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        self._port = port
        self.last_let_in = float("-inf")
        self.first_refused = float("inf")

    async def open(self) -> int:
        """Connect anew and ask once; give the port at this end."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        assert await self._ask() == 200
        port: int = self._writer.get_extra_info("sockname")[1]
        return port

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    async def ask_on(self, until: asyncio.Event) -> None:
        """Ask until it is said, at a steady pace."""
        await asyncio.sleep(random.uniform(0, ASK_EVERY_SECONDS))
        while not until.is_set():
            status = await self._ask()
            now = time.monotonic()
            if status == 200:
                self.last_let_in = now
            elif status == 401:
                self.first_refused = min(self.first_refused, now)
            else:
                raise SystemExit(f"viewer was answered {status}.")
            await asyncio.sleep(ASK_EVERY_SECONDS)

    async def _ask(self) -> int:
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return int(head[9:12])


def worker_behind(server: Server, workers: list[int], port: int) -> int:
    """Find which worker holds the other end of a connection (Linux): the socket's number in the kernel's list, then among their files."""
    wanted = f"0100007F:{server.port:04X} 0100007F:{port:04X}"
    with open("/proc/net/tcp") as file:
        number = next(line.split()[9] for line in file if wanted in line)
    for worker in workers:
        for entry in os.scandir(f"/proc/{worker}/fd"):
            try:
                if os.readlink(entry.path) == f"socket:[{number}]":
                    return worker
            except FileNotFoundError:  # closed meanwhile
                continue
    raise SystemExit("A connection is at no worker.")


async def ask_every_worker(server: Server, key: str) -> list[Asker]:
    """Open fresh connections until each worker has some."""
    workers = server.workers
    behind: dict[int, list[Asker]] = {worker: [] for worker in workers}
    while any(len(askers) < CONNECTIONS_A_WORKER for askers in behind.values()):
        asker = Asker(server.port, key)
        askers = behind[worker_behind(server, workers, await asker.open())]
        if len(askers) < CONNECTIONS_A_WORKER:
            askers.append(asker)
        else:
            asker.close()
    return [asker for askers in behind.values() for asker in askers]


async def time_revocation(server: Server, owner: str) -> float:
    """Make a key, let every worker remember it, revoke it; give the seconds from that answer to the last request it opened."""
    made = (await asyncio.to_thread(graphql, server.port, owner, CREATE))["createApiKey"]
    askers = await ask_every_worker(server, made["secret"])
    over = asyncio.Event()
    asking = asyncio.gather(*(asker.ask_on(over) for asker in askers))
    try:
        await asyncio.sleep(random.uniform(*REMEMBER_SECONDS))
        before = time.monotonic()
        assert all(asker.first_refused > before for asker in askers)
        ended = await asyncio.to_thread(graphql, server.port, owner, REVOKE, id=made["apiKey"]["id"])
        revoked = time.monotonic()
        assert ended["revokeApiKey"]["apiKey"]["state"] == "revoked"
        # On until none was let in for a while: a worker that forgot a refusal would be seen.
        while time.monotonic() - max(revoked, *(asker.last_let_in for asker in askers)) < QUIET_SECONDS:
            if time.monotonic() - revoked > PATIENCE_SECONDS:
                raise SystemExit(f"A revoked key still opened requests after {PATIENCE_SECONDS:.0f} s.")
            await asyncio.sleep(ASK_EVERY_SECONDS)
        assert all(asker.first_refused < float("inf") for asker in askers)
    finally:
        over.set()
        await asking
        for asker in askers:
            asker.close()
    return max(0.0, *(asker.last_let_in - revoked for asker in askers))


def main() -> None:
    """Print median, 99th percentile and worst, over four workers and over one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="how many revocations (default: 100)")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="over so many worker processes (default: 4)")
    arguments = parser.parse_args()
    taken: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "several", "--workers", str(arguments.workers)) as several,
        serving(Path(folder) / "one") as one,
    ):
        leave_the_servers_core()
        assert len(several.workers) == arguments.workers
        servers = {f"{arguments.workers} workers": several, "1 worker": one}
        owners = {name: server.make_key("mira") for name, server in servers.items()}
        for _ in range(arguments.rounds):
            for name, server in servers.items():
                taken.setdefault(name, []).append(asyncio.run(time_revocation(server, owners[name])))
    for name, values in taken.items():
        print(
            f"{name:10} median {statistics.median(values) * 1000:4.0f} ms   p99 {percentile(values, 0.99) * 1000:4.0f} ms   "
            f"worst {max(values) * 1000:4.0f} ms   of {len(values)}"
        )
    figures, single = taken.values()
    print(
        f"revocation to the last request let in, {arguments.workers} workers: p99 {percentile(figures, 0.99):.2f} s "
        f"(goal {GOAL_SECONDS:.0f} s), {percentile(figures, 0.99) / percentile(single, 0.99):.1f} x that of one worker"
    )


if __name__ == "__main__":
    main()

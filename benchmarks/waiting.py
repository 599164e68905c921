"""1,000 machines that wait for a click: held requests against polling every five seconds; errors, a page's latency, CPU of the server."""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import resource
import socket
import statistics
import tempfile
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from measuring import busy_seconds, memory_mib, percentile
from serving import SERVER_CORE, Browser, Server, leave_the_servers_core, let_open_files, serving

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
HOLD_SECONDS = 25
SLOW_DOWN_SECONDS = 5
PAGE_EVERY_SECONDS = 0.25
IDLE_SECONDS = 5.0
APPROVALS = 20
GOAL_SECONDS = 0.1
# Held or not, an answer later than this is none.
PATIENCE_SECONDS = 40.0
_FORK = multiprocessing.get_context("fork")
FAILURES = (OSError, asyncio.IncompleteReadError, TimeoutError)


class Machine:
    """One machine that waits: a connection of its own, a device code of its own."""

    def __init__(self, port: int, counts: "Counter[str]", *, holds: bool) -> None:
        """counts: what was answered, of all machines together. holds: whether it asks to be held."""
        self._port = port
        self._counts = counts
        self._prefers = f"Prefer: wait={HOLD_SECONDS}\r\n" if holds else ""
        self._holds = holds
        self._writer: asyncio.StreamWriter | None = None
        self.user_code = ""
        self._interval = 5
        self.let_in_at = float("inf")

    async def log_in(self, has_codes: asyncio.Event) -> None:
        """Ask for codes, say so, and ask for the key until there is one."""
        await self._ask_for_codes()
        has_codes.set()
        await self._wait()

    async def _ask_for_codes(self) -> None:
        while True:
            try:
                status, answer, _ = await self._post("/oauth/device_authorization", {"client_id": "runkey", "scope": "runs"})
            except FAILURES as error:
                await self._begin_anew(error)
                continue
            if status == 200:
                break
            self._counts[f"error: {status} instead of codes"] += 1
            await asyncio.sleep(1)
        self.user_code, self._device_code, self._interval = answer["user_code"], answer["device_code"], answer["interval"]

    async def _wait(self) -> None:
        form = {"grant_type": DEVICE_GRANT, "device_code": self._device_code, "client_id": "runkey"}
        while True:
            try:
                status, answer, was_held = await self._post("/oauth/token", form, self._prefers)
            except FAILURES as error:
                await self._begin_anew(error)
                continue
            if status == 200:
                self.let_in_at = time.monotonic()
                self._counts["let in"] += 1
                return
            reason = str(answer.get("error"))
            if status != 400 or reason not in ("authorization_pending", "slow_down"):
                self._counts[f"error: {status} {reason}"] += 1
            self._counts[f"{reason}, held" if was_held else reason] += 1
            if reason == "slow_down":
                self._interval += SLOW_DOWN_SECONDS
            if not was_held:
                await asyncio.sleep(self._interval)

    async def _begin_anew(self, error: Exception) -> None:
        self._counts[f"error: {type(error).__name__}"] += 1
        self.close()
        await asyncio.sleep(self._interval)

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _post(self, path: str, form: dict[str, str], more: str = "") -> tuple[int, dict[str, Any], bool]:
        """Send a form; give status, JSON, and whether the server says that it held the request."""
        if self._writer is None or self._reader.at_eof():
            self.close()
            self._counts["connections"] += 1
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        body = urllib.parse.urlencode(form).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{more}Content-Type: application/x-www-form-urlencoded\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        async with asyncio.timeout(PATIENCE_SECONDS):
            status, headers, answer = await read_answer(self._reader)
        return status, json.loads(answer), b"\r\npreference-applied: wait" in headers


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Read one answer: status, head in lower case, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head[9:12]), head, await reader.readexactly(length)


# --- the pages, asked for from a process of its own: a busy load must not make them look slow ----------------------------

BARE = "/bare"
BARE_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nform_token"


@dataclass(frozen=True)
class Sample:
    """One page that was asked for. took: seconds, infinite when no page came."""

    page: str
    began: float
    took: float


class Sampling:
    """Pages are asked for at a steady pace, each time on a fresh connection, until `end`."""

    def __init__(self, server: Server, cookies: str) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        bare = socket.create_server(("127.0.0.1", 0))
        # A page that needs no database, one that needs it, and what the machine lets any program do at the same time on the same core.
        pages = {"/signin": (server.port, ""), "/device": (server.port, f"Cookie: {cookies}\r\n"), BARE: (bare.getsockname()[1], "")}
        self._processes = [
            _FORK.Process(target=_sample, args=(pages, theirs), daemon=True),
            _FORK.Process(target=_answer_barely, args=(bare,), daemon=True),
        ]
        for process in self._processes:
            process.start()
        theirs.close()
        bare.close()

    async def end(self) -> list[Sample]:
        """Stop it; give what was seen."""
        self._pipe.send("enough")
        seen: list[Sample] = await asyncio.to_thread(self._pipe.recv)
        for process in self._processes:
            process.terminate()
            process.join()
        return seen


def _answer_barely(listener: socket.socket) -> None:
    os.sched_setaffinity(0, {SERVER_CORE})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(BARE_ANSWER)
        writer.close()

    async def serve() -> None:
        await (await asyncio.start_server(answer, sock=listener)).serve_forever()

    asyncio.run(serve())


def _sample(pages: dict[str, tuple[int, str]], pipe: Connection) -> None:
    pipe.send(asyncio.run(_sample_pages(pages, pipe)))
    pipe.close()


async def _sample_pages(pages: dict[str, tuple[int, str]], pipe: Connection) -> list[Sample]:
    began = time.monotonic()
    tasks: list[asyncio.Task[Sample]] = []
    turn = 0
    while not pipe.poll():
        await asyncio.sleep(max(0.0, began + turn * PAGE_EVERY_SECONDS - time.monotonic()))
        # A task each: a slow answer must not keep the next question back, or slow times would be counted too seldom.
        tasks += [asyncio.create_task(_get_page(page, port, cookies)) for page, (port, cookies) in pages.items()]
        turn += 1
    return list(await asyncio.gather(*tasks))


async def _get_page(page: str, port: int, cookies: str) -> Sample:
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {page} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\n{cookies}\r\n".encode())
            status, _, body = await read_answer(reader)
            writer.close()
    except FAILURES:
        return Sample(page, began, float("inf"))
    return Sample(page, began, time.monotonic() - began if status == 200 and b"form_token" in body else float("inf"))


# --- one way to wait ---------------------------------------------------------------------------------------------------


@dataclass
class Figures:
    """What was seen while so many machines waited one way. cpu: seconds a minute; others_cpu: of other programs on the server's core."""

    counts: "Counter[str]" = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    asking_at: float = 0.0
    waiting_at: float = 0.0
    ended_at: float = 0.0
    idle_cpu: float = 0.0
    cpu: float = 0.0
    load_cpu: float = 0.0
    others_cpu: float = 0.0
    memory_mib: float = 0.0
    approved_in: list[float] = field(default_factory=list)

    def page(self, page: str, when: str = "waiting") -> list[float]:
        """Give how long a page took: `before` the machines came, while they were `asking` for codes, while they were `waiting`."""
        ends = {
            "before": (0.0, self.asking_at),
            "asking": (self.asking_at, self.waiting_at),
            "waiting": (self.waiting_at, self.ended_at),
        }
        first, last = ends[when]
        return [sample.took for sample in self.samples if sample.page == page and first <= sample.began < last]

    @property
    def errors(self) -> int:
        """How many answers were none that RFC 8628 foresees, and how many pages did not come."""
        failed = sum(sample.took == float("inf") for sample in self.samples)
        return failed + sum(count for name, count in self.counts.items() if name.startswith("error"))


async def watch(server: Server, count: int, seconds: float, *, holds: bool) -> Figures:
    """Let machines come all at once and wait for a while, then let some of them in."""
    figures = Figures()
    browser = await asyncio.to_thread(Browser, server, "mira")
    sampling = Sampling(server, browser.cookies)
    before = server.cpu_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    figures.idle_cpu = (server.cpu_seconds() - before) / IDLE_SECONDS * 60

    machines = [Machine(server.port, figures.counts, holds=holds) for _ in range(count)]
    figures.asking_at = time.monotonic()
    have_codes = [asyncio.Event() for _ in machines]
    tasks = [asyncio.create_task(machine.log_in(has_codes)) for machine, has_codes in zip(machines, have_codes, strict=True)]
    try:
        for has_codes in have_codes:
            await has_codes.wait()
        figures.waiting_at = time.monotonic()
        before, mine, busy = server.cpu_seconds(), _own_cpu_seconds(), busy_seconds(SERVER_CORE)
        await asyncio.sleep(seconds)
        figures.ended_at = time.monotonic()
        minutes = (figures.ended_at - figures.waiting_at) / 60
        figures.cpu = (server.cpu_seconds() - before) / minutes
        figures.others_cpu = (busy_seconds(SERVER_CORE) - busy) / minutes - figures.cpu
        figures.load_cpu = (_own_cpu_seconds() - mine) / minutes
        figures.memory_mib = sum(memory_mib(worker)[0] for worker in server.workers)
        figures.samples = await sampling.end()
        figures.approved_in = await _approve(browser, random.sample(machines, min(APPROVALS, count)))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for machine in machines:
            machine.close()
    return figures


async def _approve(browser: Browser, machines: list[Machine]) -> list[float]:
    """Let machines in, one after another; give the seconds from each click to the key's arrival."""
    clicked = []
    for machine in machines:
        form = await asyncio.to_thread(browser.open_approval, machine.user_code)
        clicked.append(time.monotonic())
        await asyncio.to_thread(browser.approve, form)
        await asyncio.sleep(random.uniform(0.1, 0.4))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(machine.let_in_at == float("inf") for machine in machines) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return [machine.let_in_at - at for machine, at in zip(machines, clicked, strict=True)]


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def print_times(name: str, seconds: list[float]) -> None:
    """Print a line of milliseconds; nothing when too few machines came for anything to be seen."""
    if not seconds:
        return
    figures = {"median": statistics.median(seconds), "p99": percentile(seconds, 0.99), "worst": max(seconds)}
    print(f"{'':8} {name:16}" + "".join(f"   {which} {value * 1000:6.0f} ms" for which, value in figures.items()) + f"   of {len(seconds)}")


def main() -> None:
    """Print what each way of waiting costs, and what a page's visitor notices of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they wait each way (default: 60)")
    parser.add_argument("--machines", type=int, default=1_000, help="how many wait (default: 1000)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="worker processes of the server (default: 1)")
    arguments = parser.parse_args()
    seen: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, holds in (("held", True), ("polling", False)):
            # A server each: one address may ask for 1,500 codes at once, not for 2,000.
            with serving(Path(folder) / name, "--workers", str(arguments.workers)) as server:
                leave_the_servers_core()
                let_open_files(arguments.machines + 200)
                seen[name] = asyncio.run(watch(server, arguments.machines, arguments.seconds, holds=holds))
    print(f"{arguments.machines} machines, {arguments.seconds:.0f} s each way, {arguments.workers} worker(s)")
    for name, figures in seen.items():
        print(
            f"{name:8} errors {figures.errors}   server CPU {figures.cpu:.1f} s/min (nobody waiting {figures.idle_cpu:.1f}; the load "
            f"itself {figures.load_cpu:.1f}, others on the server's core {figures.others_cpu:.0f})   "
            f"workers {figures.memory_mib:.0f} MiB   codes for all in {figures.waiting_at - figures.asking_at:.1f} s"
        )
        for when in ("before", "asking", "waiting"):
            for page in ("/signin", "/device", BARE):
                print_times(f"{page} {when}", figures.page(page, when))
        print_times("click to key", figures.approved_in)
        print(f"{'':8} answers: {', '.join(f'{what} {count}' for what, count in sorted(figures.counts.items()))}")
    held, polling = seen["held"], seen["polling"]
    pages = held.page("/signin") + held.page("/device")
    print(
        f"waiting: with {arguments.machines} held a page takes {percentile(pages, 0.99) * 1000:.0f} ms (p99; worst "
        f"{max(pages) * 1000:.0f}; goal {GOAL_SECONDS * 1000:.0f}), errors {held.errors + polling.errors} (goal 0), "
        f"server CPU {held.cpu:.1f} s/min, {held.cpu / polling.cpu:.2f} x that of polling "
        f"(a bare answer on that core: {percentile(held.page(BARE), 0.99) * 1000:.0f} ms)"
    )


if __name__ == "__main__":
    main()

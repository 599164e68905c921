"""A project's page at first view (200 runs, 100 metrics, 10,000 steps): server CPU, time to the charts, frames, live, bytes."""

import argparse
import gzip
import http.client
import json
import statistics
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import Any

from serving import Browser, Server, graphql, leave_the_servers_core, serving

RUNS, METRICS, STEPS = 200, 100, 10_000
CHROMIUM = "/usr/bin/chromium"
_COPIED = {
    "history_streams": "stream, next_line, folded_to, segments, segment_bytes, revision, written_at",
    "history_keys": "stream, key_id, path, name, facts",
    "history_chunks": "stream, key_id, first_index, points, first_line, last_line, facts, outline",
    "history_bodies": "stream, key_id, first_index, body",
}
UPSERT = (
    "mutation ($run: String, $config: JSONString) "
    '{ upsertBucket(input: {modelName: "digits", name: $run, config: $config}) { bucket { id } } }'
)
# Of the frames that a browser shows while it scrolls, how long each took, in milliseconds.
SCROLL = """
async () => {
  const times = [];
  let last = performance.now();
  const height = document.documentElement.scrollHeight - innerHeight;
  await new Promise((done) => {
    function frame(now) {
      times.push(now - last);
      last = now;
      const at = scrollY + 40;
      scrollTo(0, at);
      if (at >= height || times.length > 2000) done();
      else requestAnimationFrame(frame);
    }
    requestAnimationFrame(frame);
  });
  return times.slice(2);
}
"""


def seed(server: Server, key: str, runs: int, metrics: int, steps: int) -> None:
    """Log one run, and copy its history to all others: what the page reads is the same, and writing it is not what is measured."""
    import sqlalchemy as sa
    from filling import fill

    from runkey_server.database import Database

    for run in range(runs):
        config = {"lr": {"value": 0.1 / (run + 1)}, "batch": {"value": 32 << run % 3}, "seed": {"value": run}}
        graphql(server.port, key, UPSERT, run=f"run{run:04}", config=json.dumps(config))
        summary = {f"loss{metric}": run / (metric + 1) for metric in range(metrics)} | {"_step": steps - 1, "_runtime": steps / 4}
        ends = {"files": {"wandb-summary.json": {"offset": 0, "content": [json.dumps(summary)]}}, "complete": True, "exitcode": 0}
        send(server, key, f"run{run:04}", ends)
    database = Database(f"sqlite:///{server.data / 'runkey.db'}")
    with database.reading() as transaction:
        ids = list(transaction.execute(sa.text("SELECT id FROM runs ORDER BY id")).scalars())
    fill(database, ids[0], steps, metrics)
    for run_id in ids[1:]:
        with database.writing() as transaction:
            for table, columns in _COPIED.items():
                transaction.execute(
                    sa.text(f"INSERT INTO {table} (run_id, {columns}) SELECT :to, {columns} FROM {table} WHERE run_id = :of"),
                    {"to": run_id, "of": ids[0]},
                )
    database.close()


def send(server: Server, key: str, run: str, body: dict[str, Any], project: str = "digits") -> None:
    """Send one request of a run."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", f"/files/mira/{project}/{run}/file_stream", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"file_stream was answered {answer.status}.")


def first_view(server: Server, page: Any) -> tuple[float, float, float]:
    """Load the page; give milliseconds to the first chart, to all in sight, and CPU milliseconds of the server."""
    before, began = server.cpu_seconds(), time.perf_counter()
    page.goto(f"{server.url}/mira/digits")
    page.wait_for_selector("figure .uplot canvas")
    first = time.perf_counter() - began
    page.locator("figure .uplot canvas").nth(3).wait_for()
    page.wait_for_load_state("load")
    whole = time.perf_counter() - began
    # What panels just below the edge ask for belongs to the view too.
    time.sleep(1.0)
    return first * 1000, whole * 1000, (server.cpu_seconds() - before) * 1000


def live(server: Server, key: str, page: Any, rounds: int) -> list[float]:
    """Log a row again and again; give seconds from the request's end to the first picture that shows the step."""
    graphql(server.port, key, UPSERT, run="living", config="{}")
    page.goto(f"{server.url}/mira/digits/runs/living")
    page.wait_for_selector("h1")
    taken = []
    for step in range(rounds):
        row = json.dumps({"_step": step, "_runtime": step, "loss0": 0.5})
        files = {"wandb-history.jsonl": {"offset": step, "content": [row]}, "wandb-summary.json": {"offset": 0, "content": [row]}}
        send(server, key, "living", {"files": files})
        began = time.perf_counter()
        page.wait_for_selector(f'[data-panel="loss0"] .chart[data-points="{step + 1}"]', timeout=20_000)
        taken.append(time.perf_counter() - began)
    return taken


def many_live(server: Server, key: str, page: Any, runs: int, seconds: float) -> tuple[float, float]:
    """Let many runs log a row a second; give the share of a core that the server takes without a page, and with one that follows all."""
    names = [f"many{run}" for run in range(runs)]
    for name in names:
        graphql(server.port, key, UPSERT.replace('"digits"', '"many"'), run=name, config="{}")
    line = 0

    def log_for(length: float) -> float:
        nonlocal line
        before, began = server.cpu_seconds(), time.monotonic()
        while time.monotonic() - began < length:
            turn = time.monotonic()
            for name in names:
                row = json.dumps({"_step": line, "_runtime": line, **{f"loss{metric}": line * 0.5 for metric in range(10)}})
                files = {"wandb-history.jsonl": {"offset": line, "content": [row]}, "wandb-summary.json": {"offset": 0, "content": [row]}}
                send(server, key, name, {"files": files}, project="many")
            line += 1
            page.wait_for_timeout(max(1.0, 1000 * (1 - (time.monotonic() - turn))))
        return (server.cpu_seconds() - before) / (time.monotonic() - began)

    page.goto("about:blank")
    alone = log_for(seconds)
    layout = json.dumps({"shown": names})
    page.goto(f"{server.url}/mira/many#layout={urllib.parse.quote(layout)}")
    page.locator("figure .uplot canvas").nth(3).wait_for()
    return alone, log_for(seconds)


def script_bytes(server: Server, page: Any) -> int:
    """Give the compressed bytes of all scripts that the page loads."""
    addresses = page.evaluate("[...document.scripts].map((each) => each.src).filter(Boolean)")
    addresses += page.evaluate("[...document.querySelectorAll('link[rel=modulepreload]')].map((each) => each.href)")
    total = 0
    for address in set(addresses):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/" + address.split("/", 3)[3], headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        total += len(body) if answer.headers["Content-Encoding"] == "gzip" else len(gzip.compress(body))
    return total


def engine_alone(server: Server) -> float:
    """Give CPU milliseconds of the same charts asked of the engine alone: ten runs, the panels of a first view."""
    from filling import cost_of

    from runkey_server import history
    from runkey_server.database import Database
    from runkey_server.history import Stream

    database = Database(f"sqlite:///{server.data / 'runkey.db'}")
    names = [f"loss{metric}" for metric in (0, 1, 10, 11, 12, 13)]
    try:
        return cost_of(
            database, lambda at: [history.chart(at, run, Stream.HISTORY, names, buckets=500) for run in range(RUNS - 9, RUNS + 1)]
        )[0]
    finally:
        database.close()


def main() -> None:
    """Print the figures of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    leave_the_servers_core()
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "served") as server, sync_playwright() as playwright:
        browser = Browser(server, "mira")
        key = server.operate("key", "create", "--user", "mira").strip()
        seed(server, key, arguments.runs, METRICS, STEPS)
        print(f"{arguments.runs} runs of {METRICS} metrics and {STEPS:,} steps, the newest ten shown", flush=True)
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        for pair in browser.cookies.split("; "):
            cookie, _, value = pair.partition("=")
            context.add_cookies([{"name": cookie, "value": value, "url": server.url}])
        page = context.new_page()
        views = [first_view(server, page) for _ in range(arguments.rounds)]
        alone = engine_alone(server)
        first, whole, spent = (statistics.median(column) for column in zip(*views, strict=True))
        print(f"first view   {first:7.0f} ms to the first chart, {whole:.0f} ms to all in sight   goal: 1,500 ms")
        print(f"             {spent:7.0f} ms of server CPU   {spent / alone:.1f} x the engine alone ({alone:.0f} ms)   goal: 1,000 ms")
        print(f"script       {script_bytes(server, page) / 1000:7.1f} kB compressed   goal: 120 kB")
        before = server.cpu_seconds()
        frames = sorted(page.evaluate(SCROLL))
        shown = f"{statistics.median(frames):.0f} ms median, {frames[int(len(frames) * 0.95)]:.0f} ms at 95 %, {frames[-1]:.0f} ms worst"
        print(f"scrolling    {shown} a frame of {len(frames)}, {server.cpu_seconds() - before:.1f} s of server CPU for all panels")
        seconds = sorted(live(server, key, page, 10))
        print(f"live         {statistics.median(seconds):7.2f} s median, {seconds[-1]:.2f} s worst from a row to its point   goal: 2 s")
        alone, followed = many_live(server, key, page, 50, 15)
        print(f"50 live      {alone:7.0%} of a core for a row a second each, {followed:.0%} with a page that follows all")
        chromium.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()

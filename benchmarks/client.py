"""What logging costs a training: microseconds a log() call, and client CPU a 100,000 points, beside the official client in the same run."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
ROWS, METRICS, ROUNDS = 10_000, 10, 5
"""10,000 calls of 10 metrics: 100,000 points."""

# Runs in a process of its own. The import is not counted, nor what the script itself does to make its numbers; what the client starts
# beside it (W&B's service) is, once it has ended.
SCRIPT = """
import json, random, resource, sys, time

name, what = sys.argv[1].split()
rows, metrics, pause = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
if name == "runkey":
    import runkey as client, urllib3
    import runkey.runs, runkey.runs.beginning
elif name == "wandb":
    import wandb as client
else:
    import trackio as client
values = random.Random(1)
made = [{f"metric_{k}": values.random() for k in range(metrics)} for _ in range(rows)]

def used():
    return [each for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN) for each in resource.getrusage(who)[:2]]

before = used()
began = time.perf_counter()
options = {}
if name in ("runkey", "wandb") and what == "rows":
    options = {"settings": client.Settings(console="off", x_disable_stats=True, x_disable_meta=True, disable_git=True, silent=True)}
client.init(project="bench", config={"lr": 0.1}, **options)
calls = []
clock = time.perf_counter_ns
log = client.log
for row in made:
    start = clock()
    log(row)
    calls.append(clock() - start)
    if pause:
        time.sleep(pause)
logged = time.perf_counter()
client.finish()
finished = time.perf_counter()
if name == "wandb":
    client.teardown()
cpu = sum(after - earlier for after, earlier in zip(used(), before))
calls.sort()
print("FIGURES" + json.dumps({
    "cpu": cpu, "median_us": calls[len(calls) // 2] / 1000, "p99_us": calls[int(len(calls) * 0.99)] / 1000, "worst_us": calls[-1] / 1000,
    "log_s": logged - began, "finish_s": finished - logged,
}))
"""


def main() -> None:
    """Print a line a client: medians over the rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two calls, as a training step takes")
    parser.add_argument("--trackio", metavar="PYTHON", help="a Python that has trackio installed; it logs to its own folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, url = start_server(Path(folder))
        try:
            key = make_key(Path(folder))
            # "rows": nothing but what log() is given; "all": with console, system figures and surroundings, as they are by default.
            clients = dict.fromkeys(("runkey rows", "wandb rows", "runkey all", "wandb all"), sys.executable)
            if arguments.trackio:
                clients["trackio all"] = arguments.trackio
            found: dict[str, list[dict[str, float]]] = {name: [] for name in clients}
            for _ in range(arguments.rounds):
                for name, python in clients.items():
                    found[name].append(measure(name, python, Path(folder), url, key, arguments))
        finally:
            server.terminate()
            server.wait(timeout=30)
    points = arguments.rows * METRICS
    for name, figures in found.items():
        median = {each: statistics.median(figure[each] for figure in figures) for each in figures[0]}
        goal = "   goals: 0.6 s, 20 us" if name == "runkey rows" else ""
        print(
            f"{name:11} {median['cpu'] * 100_000 / points:6.3f} s CPU per 100,000 points   "
            f"log() {median['median_us']:6.1f} us median, {median['p99_us']:6.1f} at 99 %, {median['worst_us'] / 1000:6.1f} ms worst   "
            f"finish() {median['finish_s']:5.2f} s{goal}"
        )


def start_server(folder: Path) -> "tuple[subprocess.Popen[bytes], str]":
    """Start a server on a free loopback port; give it and its address."""
    out = folder / "server.out"
    command = [str(BIN / "runkey-server"), "serve", "--data", str(folder / "data"), "--listen", "127.0.0.1:0"]
    with out.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=clean())
    deadline = time.monotonic() + 30
    while " answers at " not in out.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise SystemExit(out.read_text())
        time.sleep(0.05)
    return process, out.read_text().split(" answers at ")[1].split()[0]


def make_key(folder: Path) -> str:
    """Make an account and a key of it."""
    for words in (["user", "create", "bench"], ["key", "create", "--user", "bench"]):
        done = subprocess.run(
            [str(BIN / "runkey-server"), *words, "--data", str(folder / "data")], capture_output=True, text=True, check=True, env=clean()
        )
    return done.stdout.strip()


def measure(name: str, python: str, folder: Path, url: str, key: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Run one client once."""
    home = Path(tempfile.mkdtemp(dir=folder))
    environment = clean() | {"HOME": str(home), "WANDB_ERROR_REPORTING": "false", "RUNKEY_SILENT": "true"}
    environment |= (
        {"RUNKEY_HOST": url, "RUNKEY_API_KEY": key} if name.startswith("runkey") else {"WANDB_BASE_URL": url, "WANDB_API_KEY": key}
    )
    words = [name, str(arguments.rows), str(METRICS), str(arguments.pause)]
    done = subprocess.run([python, "-c", SCRIPT, *words], cwd=home, env=environment, capture_output=True, text=True, timeout=600)
    if "FIGURES" not in done.stdout:
        raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.split("FIGURES")[1])


def clean() -> dict[str, str]:
    """Give an environment with nothing of any client's in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RUNKEY_", "WANDB_", "TRACKIO_", "XDG_"))}


if __name__ == "__main__":
    main()

"""`./dev spy`: see what a client asks, and what it is answered. Without `--to` a server of its own is begun in a folder that goes again.

    ./dev spy                         waits; set WANDB_BASE_URL (or RUNKEY_HOST) to the address it prints
    ./dev spy -- python train.py      runs a script through it, and sums up at the end
    ./dev spy --to https://track.example.org --record seen.jsonl -- python train.py

Keys, signed addresses and passwords are left out of what is printed and of what is recorded.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from noting import Note, note_of
from relaying import Exchange, Relay
from telling import Teller, sum_up

_BIN = Path(sys.executable).parent
_USER = "spied-on"


def main(words: list[str]) -> int:
    """Spy as the words say; give the script's exit code."""
    command = words[words.index("--") + 1 :] if "--" in words else []
    asked = _parse(words[: words.index("--")] if "--" in words else words)
    out = sys.stderr if command else sys.stdout
    with contextlib.ExitStack() as ending:
        url, key = (asked.to.rstrip("/"), None) if asked.to else ending.enter_context(_scratch_server())
        record = ending.enter_context(open(asked.record, "a", encoding="utf-8")) if asked.record else None
        teller = Teller(out, in_colour=out.isatty() and not os.environ.get("NO_COLOR"), is_quiet=asked.quiet)
        notes: list[Note] = []
        relay = Relay(_address_of(asked.listen), url, _keeping(notes, teller, record))
        ending.callback(relay.stop)
        print(f"spy: {relay.url} leads to {url}", file=out, flush=True)
        if command:
            code = _run(command, relay.url, key)
        else:
            _explain(relay.url, key, out)
            code = _wait()
        relay.wait_until_idle()
        print(sum_up(notes), file=out, flush=True)
    return code


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev spy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", metavar="URL", help="the server to spy on; by default one is begun")
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:0", help="where to wait for the client (a free port)")
    parser.add_argument("--record", metavar="FILE", help="keep what was seen, a JSON object a line; what is there stays")
    parser.add_argument("--quiet", action="store_true", help="print the summary alone")
    return parser.parse_args(words)


def _address_of(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise SystemExit("spy: --listen takes HOST:PORT, as in 127.0.0.1:8081.")
    return host or "127.0.0.1", int(port)


def _keeping(notes: list[Note], teller: Teller, record: IO[str] | None) -> Callable[[Exchange], None]:
    lock = threading.Lock()

    def keep(exchange: Exchange) -> None:
        note = note_of(exchange)
        with lock:
            notes.append(note)
            teller.tell(note)
            if record is not None:
                record.write(json.dumps(note) + "\n")
                record.flush()

    return keep


def _run(command: list[str], url: str, key: str | None) -> int:
    environment = dict(os.environ, WANDB_BASE_URL=url, RUNKEY_HOST=url)
    # The official client's own error reports would leave the machine, past the relay.
    environment.setdefault("WANDB_ERROR_REPORTING", "false")
    if key is not None:
        environment |= {"WANDB_API_KEY": key, "RUNKEY_API_KEY": key}
    process = subprocess.Popen(command, env=environment)
    with contextlib.suppress(ValueError):
        # Ctrl-C is the script's: it has the last word, and then there is a summary.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return process.wait()


def _explain(url: str, key: str | None, out: IO[str]) -> None:
    print(f"  export WANDB_BASE_URL={url} RUNKEY_HOST={url}", file=out)
    if key is not None:
        # Of a server that is gone with this process; whoever reads this terminal may have it.
        print(f"  export WANDB_API_KEY={key}", file=out)
    print("Ctrl-C ends it and sums up.", file=out, flush=True)


def _wait() -> int:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    return 0


@contextlib.contextmanager
def _scratch_server() -> Iterator[tuple[str, str]]:
    """Serve from a folder that goes again; give the address, and the key of an account."""
    with tempfile.TemporaryDirectory(prefix="runkey-spy-") as folder:
        data, said, log = (Path(folder) / name for name in ("data", "said", "log"))
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("RUNKEY_", "WANDB_"))}
        with said.open("w") as out, log.open("w") as errors:
            # A group of its own: Ctrl-C ends it after the script, not with it.
            process = subprocess.Popen(
                [_BIN / "runkey-server", "serve", "--data", data, "--listen", "127.0.0.1:0"],
                stdout=out,
                stderr=errors,
                env=mine,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + 30
            while " answers at " not in said.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"spy: the server did not start.\n{log.read_text()}")
                time.sleep(0.02)
            for words in (["user", "create", _USER], ["key", "create", "--user", _USER]):
                done = subprocess.run(
                    [_BIN / "runkey-server", *words, "--data", data], check=True, capture_output=True, text=True, env=mine
                )
            yield said.read_text().split(" answers at ")[1].split()[0], done.stdout.strip()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

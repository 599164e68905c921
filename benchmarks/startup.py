"""CPU of `runkey login --help`, of `runkey status`, and of `import runkey`, against bare Python in the same run."""

import json
import os
import sys
import tempfile
from pathlib import Path

from measuring import cpu_seconds, interleaved

BIN = Path(sys.executable).parent
ROUNDS = 25
ENTRY = {
    "host": "https://track.example.org",
    "account": "mira",
    "key": "rku_000000000000000000000000000000000000",
    "store": "file",
    "checked": "2026-01-01T00:00:00Z",
}


def main() -> None:
    """Print a line a measure: median CPU milliseconds, and how many times bare Python's."""
    # The key in the entry has to be one: made here, so that no secret lies in the repository.
    from runkey_wire import api_key

    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / ".config" / "runkey"
        folder.mkdir(parents=True, mode=0o700)
        path = folder / "credentials.json"
        entry = {**ENTRY, "key": api_key.join("user", "0" * 30)}
        path.write_text(json.dumps({"version": 1, "default": "x", "entries": {"x": entry}}))
        path.chmod(0o600)
        environment = {**os.environ, "HOME": home}
        for name in [name for name in environment if name.startswith(("RUNKEY_", "WANDB_", "XDG_"))]:
            del environment[name]
        # An installed package has its byte code; without this, a machine that is told to write none compiles it anew each time.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        commands = {
            "bare Python": [sys.executable, "-c", "pass"],
            "import runkey": [sys.executable, "-c", "import runkey"],
            "runkey login --help": [str(BIN / "runkey"), "login", "--help"],
            "runkey status": [str(BIN / "runkey"), "status"],
        }
        found = interleaved({name: lambda c=c: cpu_seconds(c, environment) for name, c in commands.items()}, ROUNDS)
    bare = found["bare Python"]
    goals = {"import runkey": "goal: 30 ms above bare Python", "runkey login --help": "goal: 60 ms", "runkey status": "goal: 60 ms"}
    for name, seconds in found.items():
        print(f"{name:22} {seconds * 1000:6.1f} ms CPU   {seconds / bare:4.2f} x bare Python   {goals.get(name, '')}".rstrip())


if __name__ == "__main__":
    main()

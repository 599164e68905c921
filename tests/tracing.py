"""What a process asks of the system, seen by strace, and faults put into it there."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

STRACE = shutil.which("strace")


def need_strace() -> str:
    """Give the path of strace. Without it a test is skipped, but fails in continuous integration."""
    if STRACE:
        return STRACE
    reason = "strace is missing. Install it: apt-get install strace"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Call:
    """One call that returned: its name, its arguments as strace writes them, what it gave."""

    name: str
    arguments: str
    result: str

    @property
    def is_good(self) -> bool:
        """Whether it did not fail."""
        return not self.result.startswith("-") and self.result != "?"


_WHOLE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\w+|\?)")
_BEGUN = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\w+|\?)")


def read_calls(trace: Path) -> Iterator[Call]:
    """Give the calls of all threads, in the order in which they returned."""
    begun: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        if found := _WHOLE.match(line):
            yield Call(*found.groups()[1:])
        elif found := _BEGUN.match(line):
            begun[found[1]] = found[3]
        elif found := _RESUMED.match(line):
            yield Call(found[2], begun.pop(found[1], "") + found[3], found[4])


@contextlib.contextmanager
def tracing(pid: int, calls: str, seen: Path, *, fault: str | None = None) -> Iterator[None]:
    """Write down some calls of a running process and its threads for a while; let them fail by a fault such as `error=EIO`."""
    injection = [] if fault is None else ["-e", f"inject={calls}:{fault}"]
    tracer = subprocess.Popen(
        [need_strace(), "-f", "-y", "-s", "400", "-p", str(pid), "-o", str(seen), "-e", f"trace={calls}", *injection],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    try:
        # Its own word that it has hold of the process and of every thread that there is.
        line = tracer.stderr.readline()
        if "attached" not in line:
            tracer.wait(timeout=10)
            reason = f"strace cannot take hold of a process here: {line.strip()}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        yield
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            tracer.wait(timeout=10)
        if tracer.poll() is None:
            tracer.kill()
            tracer.wait()
        tracer.stderr.close()
        deadline = time.monotonic() + 10
        while _is_traced(pid) and time.monotonic() < deadline:
            time.sleep(0.02)


def _is_traced(pid: int) -> bool:
    try:
        return not re.search(r"^TracerPid:\s+0$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return False

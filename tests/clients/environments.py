"""Environments with an official client of some version, each made once from its lock and kept beside the user's other caches.

`RUNKEY_TEST_CLIENTS` names another folder to keep them in.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from outside import BIN

_LOCKS = Path(__file__).parents[2] / "requirements" / "clients"
_UV = str(BIN / "uv")

VERSIONS = sorted((path.stem for path in _LOCKS.glob("*.txt")), key=lambda version: [int(part) for part in version.split(".")])
"""Every version there is a lock of, the oldest first."""


class NotMade(Exception):
    """An environment could not be made; the message says why."""


def python_of(version: str) -> Path:
    """Give the Python of a version's environment; make it when it is not there. Raises NotMade."""
    lock = _LOCKS / f"{version}.txt"
    folder = _kept() / f"{version}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        # Two tests of two processes may want the same one.
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _run(_UV, "venv", "--quiet", "--clear", "--python", _base_python(), str(folder))
            _run(_UV, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock))
            (folder / "ready").touch()
    return python


def need(version: str) -> Path:
    """Do the same for a test. Where no package index can be reached it is skipped, but fails in continuous integration."""
    try:
        return python_of(version)
    except NotMade as problem:
        pytest.fail(str(problem)) if os.environ.get("CI") else pytest.skip(str(problem))


def _kept() -> Path:
    named = os.environ.get("RUNKEY_TEST_CLIENTS")
    if named:
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        (cache / "runkey").mkdir(parents=True, exist_ok=True)
    except OSError:
        cache = BIN.parent
    return cache / "runkey" / "clients"


def _base_python() -> str:
    """Give a Python 3.11, the last that all of them run on; uv finds or fetches one where this is another."""
    return sys.executable if sys.version_info[:2] == (3, 11) else "3.11"


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise NotMade(f"An old official client cannot be installed; a package index is needed: {done.stderr[-300:]}")

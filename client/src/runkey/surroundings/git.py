"""The state of the git repository that a program lies in, asked of `git` itself.

Each question has a deadline, takes no lock, asks nobody and runs no program that the repository's own settings name.
"""

import subprocess
import threading
import urllib.parse
from typing import NamedTuple

DEADLINE_SECONDS = 5.0
MAX_DIFF_BYTES = 4 * 1024 * 1024
"""A longer difference is data that came into the repository, and is left out."""

_QUIET = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")


class Repository(NamedTuple):
    """root: its folder. commit: what is checked out. remote: where it came from, without a password."""

    root: str
    commit: str
    remote: str | None


def find_repository(folder: str) -> Repository | None:
    """Give the repository that a folder lies in; None where there is none, none with a commit, or no git."""
    found = _ask(folder, "rev-parse", "--show-toplevel", "HEAD")
    lines = (found or b"").decode(errors="replace").splitlines()
    if len(lines) != 2:
        return None
    remote = (_ask(folder, "config", "--get", "remote.origin.url") or b"").decode(errors="replace").strip()
    return Repository(lines[0], lines[1], without_password(remote) or None)


def difference(root: str) -> bytes | None:
    """Give what differs from the commit in the files that git knows; None where nothing does, or too much."""
    return _ask(root, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD") or None


def without_password(remote: str) -> str:
    """Drop who is named in an address with a scheme: the name alone may be a token. `git@host:path` has no scheme, and no secret."""
    parts = urllib.parse.urlsplit(remote) if "://" in remote else None
    if parts is None or "@" not in parts.netloc:
        return remote
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _ask(folder: str, *words: str) -> bytes | None:
    """Give what git answers; None when it fails, takes too long or says too much."""
    try:
        process = subprocess.Popen(
            [*_QUIET, "-C", folder, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None
    watch = threading.Timer(DEADLINE_SECONDS, process.kill)
    watch.daemon = True
    watch.start()
    try:
        with process:
            assert process.stdout is not None
            answer = process.stdout.read(MAX_DIFF_BYTES + 1)
            if len(answer) > MAX_DIFF_BYTES:
                process.kill()
    finally:
        watch.cancel()
    return answer if process.returncode == 0 else None

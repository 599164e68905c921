"""The code that a run was made by, sent as files under `code/`, scrubbed of keys."""

import os
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from runkey.scrubbing import Scrubber

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Of a file of code; what is larger is data."""

MAX_FILES = 2_000

_FOLDER = "code"
_OTHERS_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "wandb"})


class Carrier(Protocol):
    """What is asked of a run."""

    scrubber: Scrubber

    @property
    def folder(self) -> str | None:
        """Its own folder."""

    def upload(self, name: str, path: str | None = None, *, data: bytes | None = None) -> bool:
        """Send a file; whether it could be kept."""


def log_code(
    run: Carrier,
    root: str | None = ".",
    include: Callable[..., Any] | None = None,
    exclude: Callable[..., Any] | None = None,
) -> list[str]:
    """Send the code below a folder; give the names that its files have.

    include, exclude: are asked with a file's path, or with it and the root. By default Python files, requirements and Dockerfiles count.
    Hidden folders, virtual environments and the runs' own folder are passed over.
    """
    if root is None:
        return []
    root = os.path.abspath(root)
    wants, refuses = _with_root(include or _is_code), _with_root(exclude or (lambda path, root: False))
    sent: list[str] = []
    for path in _walk(root, os.path.dirname(run.folder) if run.folder else None):
        if len(sent) >= MAX_FILES:
            break
        if wants(path, root) and not refuses(path, root):
            name = send_code_file(run, path, os.path.relpath(path, root).replace(os.sep, "/"))
            sent += [name] if name else []
    return sent


def send_code_file(run: Carrier, path: str, place: str) -> str | None:
    """Send one file of code; give its name, None when it could not be read or is none. place: below the root, with slashes."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None
    if len(data) > MAX_FILE_BYTES:
        return None
    # Whatever the encoding, what is no key comes out byte for byte.
    clean = run.scrubber.scrub(data.decode("utf-8", "surrogateescape"), f"the code ({place})")
    name = f"{_FOLDER}/{place}"
    return name if run.upload(name, data=clean.encode("utf-8", "surrogateescape")) else None


def _walk(root: str, without: str | None) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _OTHERS_FOLDERS
            and os.path.join(folder, name) != without
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        )
        yield from (os.path.join(folder, name) for name in sorted(files))


def _is_code(path: str, root: str) -> bool:
    name = os.path.basename(path)
    return name.endswith(".py") or (name.startswith("requirements") and name.endswith(".txt")) or name.startswith("Dockerfile")


def _with_root(asked: Callable[..., Any]) -> Callable[[str, str], Any]:
    """Let a function be asked with a path and a root, whichever of the two it takes."""
    import inspect  # slow import

    try:
        takes_both = len(inspect.signature(asked).parameters) >= 2
    except (TypeError, ValueError):
        takes_both = False
    return asked if takes_both else (lambda path, root: asked(path))

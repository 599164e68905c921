"""Says what runs, on what: the members of `wandb-metadata.json`, in the official client's words."""

import contextlib
import datetime
import os
import platform
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from runkey.machine import machine_name
from runkey.surroundings.git import Repository

NO_FILE = "<python with no main file>"
"""The official client's word for a program that is none: a notebook, `python -c`."""


class Program(NamedTuple):
    """What was started. path: of the script, None where there is none. It is asked for in the run's own thread, before anything changes."""

    path: str | None
    arguments: tuple[str, ...]
    folder: str

    @property
    def shown(self) -> str:
        """Its name, for people."""
        return self.path or NO_FILE

    def code_path(self, root: str) -> str | None:
        """Give its place below a folder, with slashes; None where it lies elsewhere."""
        if self.path is None:
            return None
        place = os.path.relpath(os.path.realpath(self.path), os.path.realpath(root))
        return None if place.startswith(os.pardir) or os.path.isabs(place) else place.replace(os.sep, "/")


def this_program() -> Program:
    """Say what this process runs."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = ""
    with contextlib.suppress(OSError):  # the folder may be gone
        folder = os.getcwd()
    return Program(
        os.path.abspath(path) if path and os.path.isfile(path) else None,
        tuple(word.encode("utf-8", "replace").decode() for word in sys.argv[1:]),
        folder,
    )


def describe(program: Program, repository: Repository | None, started: float, cards: list[dict[str, Any]]) -> dict[str, Any]:
    """Give all that is known."""
    root = repository.root if repository else program.folder
    said: dict[str, Any] = {
        "os": platform.platform(aliased=True),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "startedAt": datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat().replace("+00:00", "Z"),
        "program": program.shown,
        "args": list(program.arguments) or None,
        "codePath": program.code_path(root) if root else None,
        "codePathLocal": program.code_path(program.folder) if program.folder else None,
        "git": {"remote": repository.remote, "commit": repository.commit} if repository else None,
        "root": root or None,
        "host": machine_name(),
        "executable": sys.executable,
        "writerId": uuid.uuid4().hex,
        **_hardware(),
        **_cards(cards),
    }
    return {name: value for name, value in said.items() if value is not None}


def _hardware() -> dict[str, Any]:
    said: dict[str, Any] = {"cpu_count_logical": os.cpu_count()}
    with contextlib.suppress(OSError):
        usage = shutil.disk_usage(os.sep)
        said["disk"] = {"/": {"total": str(usage.total), "used": str(usage.used)}}
    with contextlib.suppress(OSError, ValueError, AttributeError):
        said["memory"] = {"total": str(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))}
    processors = _processors()
    cores = {(each.get("physical id"), each.get("core id")) for each in processors}
    said["cpu_count"] = len(cores) or os.cpu_count()
    model = next((each["model name"] for each in processors if "model name" in each), platform.processor())
    said["cpu"] = {"model": model} if model else None
    return said


def _processors() -> list[dict[str, str]]:
    """Read /proc/cpuinfo, where it is: a paragraph a logical processor."""
    with contextlib.suppress(OSError):
        paragraphs = Path("/proc/cpuinfo").read_text(errors="replace").strip().split("\n\n")
        pairs = [[line.partition(":") for line in paragraph.splitlines()] for paragraph in paragraphs]
        return [found for each in pairs if "processor" in (found := {name.strip(): value.strip() for name, _, value in each})]
    return []


def _cards(cards: list[dict[str, Any]]) -> dict[str, Any]:
    return {"gpu": cards[0].get("name"), "gpu_count": len(cards), "gpu_nvidia": cards} if cards else {}

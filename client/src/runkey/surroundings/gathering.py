"""Gathers what surrounds a run, in a thread of its own, and sends it along."""

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any, Protocol

from runkey.scrubbing import Scrubber
from runkey.surroundings import git
from runkey.surroundings.code import send_code_file
from runkey.surroundings.describing import Program, describe, this_program

LAST_SECONDS = 5.0
"""How long the end of a run waits for what is still being gathered: a run of a second has its surroundings too."""


class Described(Protocol):
    """What is asked of a run."""

    settings: Any
    scrubber: Scrubber

    @property
    def folder(self) -> str | None:
        """Its own folder."""

    @property
    def started(self) -> float:
        """When it began."""

    def upload(self, name: str, path: str | None = None, *, data: bytes | None = None) -> bool:
        """Send a file."""

    def describe(self, **members: Any) -> None:
        """Add to W&B's own part of the config."""

    def describe_start(self, **given: str | None) -> None:
        """Add what belongs to the run itself."""

    def tell_failure(self, part: str, fault: Exception) -> None:
        """Hear that the gathering is over too early, and why."""


def start(run: Described) -> Callable[[int], None]:
    """Begin to gather for a run; give what waits for the end of it."""
    gathering = Gathering(run, this_program())
    gathering.start()
    return gathering.stop


class Gathering:
    """The gathering for one run."""

    def __init__(self, run: Described, program: Program) -> None:
        """program: what runs."""
        self._run = run
        self._program = program
        self._thread = threading.Thread(target=self._gather, name="runkey-surroundings", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, exit_code: int = 0) -> None:
        """Wait for the rest, a few seconds at most."""
        self._thread.join(LAST_SECONDS)

    def _gather(self) -> None:
        try:
            self._gather_parts()
        except Exception as fault:
            self._run.tell_failure("The gathering of what surrounds the run", fault)

    def _gather_parts(self) -> None:
        settings, repository = self._run.settings, None
        if not getattr(settings, "disable_git", None) and self._program.folder:
            repository = git.find_repository(self._program.folder)
        # Each part for itself: what fails costs that part.
        if not getattr(settings, "x_disable_meta", None):
            with contextlib.suppress(Exception):
                self._send_description(repository)
        if getattr(settings, "save_code", None):
            with contextlib.suppress(Exception):
                self._send_code(repository)
        if repository is not None:
            with contextlib.suppress(Exception):
                patch = git.difference(repository.root) or b""
                self._send("diff.patch", patch.decode("utf-8", "surrogateescape"), "the difference to git's commit")
        with contextlib.suppress(Exception):
            from runkey.surroundings import packages  # slow import

            self._send("requirements.txt", "".join(f"{line}\n" for line in packages.list_packages()), "the list of packages")

    def _send_description(self, repository: git.Repository | None) -> None:
        from runkey.system.sampling import find_cards  # slow import

        cards = find_cards()
        said = describe(self._program, repository, self._run.started, cards.describe() if cards is not None else [])
        text = self._send("wandb-metadata.json", json.dumps(said, indent=2, ensure_ascii=False), "the program's arguments")
        self._run.describe(e={said["writerId"]: json.loads(text)})
        remote, commit = (repository.remote, repository.commit) if repository else (None, None)
        clean = self._run.scrubber.scrub(remote, "the address of the repository") if remote else None
        self._run.describe_start(program=self._program.shown, repo=clean, commit=commit)

    def _send_code(self, repository: git.Repository | None) -> None:
        place = self._program.code_path(repository.root if repository else self._program.folder)
        if self._program.path is None or place is None:
            return
        name = send_code_file(self._run, self._program.path, place)
        if name:
            self._run.describe(code_path=name)

    def _send(self, name: str, text: str, what: str) -> str:
        """Send a text without its keys, if there is any; give it."""
        clean = self._run.scrubber.scrub(text, what)
        if clean:
            self._run.upload(name, data=clean.encode("utf-8", "surrogateescape"))
        return clean

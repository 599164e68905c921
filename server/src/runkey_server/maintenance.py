"""What one worker does for all: the one that holds a lock on the folder, which another takes over when it dies."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO

EVERY_SECONDS = 5.0


class Maintenance:
    """One worker's try at the lock, and the acts to do once it has it."""

    def __init__(self, data: Path, acts: list[Callable[[], None]]) -> None:
        """acts: done in turn, each safe to be done again after it failed half-way."""
        self._path = data / "maintenance.lock"
        self._acts = acts
        self._lock: IO[bytes] | None = None

    def take_turn(self) -> None:
        """Do every act, unless another worker does. One that fails keeps no other from its turn; its error is raised afterwards."""
        if self._lock is None:
            file = self._path.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return
            self._lock = file
        failures = []
        for act in self._acts:
            try:
                act()
            except Exception as failure:
                failures.append(failure)
        if failures:
            raise failures[0]

    def end(self) -> None:
        """Let another worker take over."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

"""Files that `save()` was told to follow: sent again when they change ("live"), or at the end of the run ("end")."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from runkey.runs.copying import Mark, mark

LOOK_SECONDS = 10.0
"""Between two looks at the files. One that is being written is sent when it was left alone from one look to the next."""


class Follower:
    """Follows the files of one run. send(name, path) sends one. Its thread begins with the first file that is to be looked after."""

    def __init__(self, send: Callable[[str, str], Any], seconds: float = LOOK_SECONDS) -> None:
        """seconds: between two looks."""
        self._send = send
        self._seconds = seconds
        # Without a lock: a signal's handler, which may come in the middle of a call, ends this too.
        self._files: dict[str, _File] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="runkey-files", daemon=True)

    def follow(self, name: str, path: str, *, is_live: bool, sent: Mark | None = None) -> None:
        """Send a file again when it changes, or (not live) only at the end. sent: how it was when it was sent; by default, as it is now."""
        self._files[name] = _File(path, (sent or mark(path)) if is_live else None, is_live=is_live)
        if is_live and not self._ended.is_set() and self._thread.ident is None:
            with contextlib.suppress(RuntimeError):  # two calls at once, or no thread to be had: then what changed is sent at the end
                self._thread.start()

    def stop(self, exit_code: int = 0) -> None:
        """Send what is to be sent at the end, and what changed since it was sent last."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        for name, file in self._all():
            now = mark(file.path)
            if now is not None and now != file.sent:
                self._send(name, file.path)

    def look(self) -> None:
        """Send what changed and is at rest."""
        for name, file in self._all():
            now = mark(file.path)
            if file.is_live and now is not None and now != file.sent and now == file.seen:
                file.sent = now
                self._send(name, file.path)
            file.seen = now

    def _all(self) -> "list[tuple[str, _File]]":
        return list(self._files.copy().items())

    def _look_on(self) -> None:
        while not self._ended.wait(self._seconds):
            with contextlib.suppress(Exception):  # a file that cannot be read now may be at the next look
                self.look()


class _File:
    """One file. sent, seen: how it was when it was sent, and at the last look."""

    def __init__(self, path: str, sent: Mark | None, *, is_live: bool) -> None:
        self.path, self.sent, self.seen, self.is_live = path, sent, sent, is_live


def start(run: Any) -> Callable[[int], None]:
    """Give a run its follower; give its end."""
    run.follower = Follower(run.upload)
    stop: Callable[[int], None] = run.follower.stop
    return stop

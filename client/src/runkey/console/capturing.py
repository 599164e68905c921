"""Listens at standard output and standard error of this process, for its run.

The streams stay the objects that they are; only their `write` is looked through, so that whoever holds them already (logging's handlers, a
notebook) is heard too. A write is done first, and its failure is the program's own. Then what was written is put aside, which costs about
a microsecond; a thread makes lines of it every second. In a forked child nothing is put aside.
"""

import collections
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from runkey.console.lines import Lines
from runkey.scrubbing import Scrubber

LOOK_SECONDS = 1.0
MAX_WAITING_CHARACTERS = 16 * 1024 * 1024
"""Put aside and not looked at yet, when a program prints faster than the thread gets its turn."""

_OFF = "off"


class Logger(Protocol):
    """What is asked of a run."""

    settings: Any
    scrubber: Scrubber
    hear_error: Callable[[str], None] | None

    @property
    def folder(self) -> str | None:
        """Its own folder."""

    def log_console(self, offset: int, lines: list[str]) -> None:
        """Take lines of the log, from a number on."""

    def upload(self, name: str, path: str | None = None, *, data: bytes | None = None) -> None:
        """Send a file."""

    def tell_failure(self, part: str, fault: Exception) -> None:
        """Hear what could not be kept, and why."""


def start(run: Logger) -> Callable[[int], None] | None:
    """Begin to listen for a run; give what ends it. Not when the run's settings say console="off"."""
    if getattr(run.settings, "console", None) == _OFF:
        return None
    capture = Capture(run)
    capture.start()
    run.hear_error = capture.hear_error
    return capture.stop


class Capture:
    """The listening for one run."""

    def __init__(self, run: Logger) -> None:
        """Not yet listening."""
        self._run = run
        self._spool = _open_spool(run.folder)
        self._lines = Lines(run.scrubber, self._spool)
        self._waiting: collections.deque[tuple[bool, float, str]] = collections.deque()
        self._waiting_characters = 0
        self._listening: list[_Listening] = []
        self._pid = os.getpid()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="runkey-console", daemon=True)

    def start(self) -> None:
        """Begin."""
        for is_error, stream in ((False, sys.stdout), (True, sys.stderr)):
            listening = _Listening(stream, self._hear, is_error)
            if listening.begin():
                self._listening.append(listening)
        self._thread.start()

    def stop(self, exit_code: int = 0) -> None:
        """Put the streams back, and hand on what is left: the last lines, and the whole log as a file."""
        for listening in self._listening:
            listening.end()
        self._ended.set()
        self._thread.join()
        self._look(is_last=True)
        if self._spool is None:
            return
        try:
            with self._spool, tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "output.log")
                if self._lines.write_file(path):
                    self._run.upload("output.log", path)
        except OSError as fault:
            self._run.tell_failure("The writing of output.log", fault)

    def hear_error(self, text: str) -> None:
        """Take a text as if it had been printed to standard error."""
        self._hear(True, text)

    def _hear(self, is_error: bool, text: str) -> None:
        if os.getpid() != self._pid or self._waiting_characters > MAX_WAITING_CHARACTERS:
            return
        self._waiting.append((is_error, time.time(), text))
        self._waiting_characters += len(text)

    def _look_on(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self._look()

    def _look(self, *, is_last: bool = False) -> None:
        """Make lines of what was put aside. Whatever goes wrong here costs lines, and nothing else."""
        with contextlib.suppress(Exception):
            self._waiting_characters = 0
            while self._waiting:
                is_error, at, text = self._waiting.popleft()
                self._lines.write(is_error, text, at)
            for number, lines in self._lines.take_changed(time.time(), is_last=is_last):
                self._run.log_console(number, lines)


class _Listening:
    """One stream, looked through."""

    def __init__(self, stream: Any, hear: Callable[[bool, str], None], is_error: bool) -> None:
        self._stream = stream
        self._hear = hear
        self._is_error = is_error
        self._write: Any = None

    def begin(self) -> bool:
        """Look through the stream's `write`; False where that cannot be done, or there is no stream (a Windows program without console)."""
        stream, hear, is_error = self._stream, self._hear, self._is_error
        original = getattr(stream, "write", None)
        if original is None:
            return False
        self._had_own = "write" in getattr(stream, "__dict__", {})
        self._original = original
        self._is_on = True

        def write(text: Any, *others: Any) -> Any:
            written = original(text, *others)
            if self._is_on and isinstance(text, str):
                try:
                    hear(is_error, text)
                except Exception:
                    self._is_on = False  # what cannot be heard must not cost a program that prints
            return written

        try:
            stream.write = write
        except (AttributeError, TypeError):
            return False
        self._write = write
        return True

    def end(self) -> None:
        """Put it back. Where somebody looks through ours by now, it stays in place and hears nothing more."""
        self._is_on = False
        with contextlib.suppress(AttributeError, TypeError):
            if self._stream.write is not self._write:
                return
            if self._had_own:
                self._stream.write = self._original
            else:
                del self._stream.write


def _open_spool(folder: str | None) -> Any:
    """Open a file that has no name any more: it goes with the process, however that ends."""
    with contextlib.suppress(OSError):
        return tempfile.TemporaryFile(dir=folder)
    return None

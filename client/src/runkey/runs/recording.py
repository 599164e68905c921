"""What a run writes to its journal, kind by kind; it counts the lines of each file of its stream."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from runkey.stream import Journal, Lock, framing
from runkey_wire import file_stream


class Recorder:
    """Writes one run. first_line: the number of its first row's. Its caller holds a lock."""

    def __init__(
        self, folder: str, lock: Lock, begin: Callable[[], bytes], warn: Callable[[str], None], first_lines: Mapping[str, int]
    ) -> None:
        """folder: the run's, locked. begin: how the run stands. first_lines: at which line each file begins. Raises OSError."""
        self.folder = folder
        self._lock = lock
        self.first_line = first_lines.get(file_stream.HISTORY, 0)
        self._line = self.first_line
        self._number = -1
        self._is_open = False
        self._event_line = first_lines.get(file_stream.EVENTS, 0)
        self._first_console_line = first_lines.get(file_stream.CONSOLE, 0)
        self.journal = Journal(folder, begin, warn)

    @property
    def rows(self) -> int:
        """How many rows it took."""
        return self.next_line - self.first_line

    @property
    def next_line(self) -> int:
        """The number that the next row's line will have."""
        return self._line + self._is_open

    def write_row(self, number: int, is_complete: bool, line: bytes) -> bool:
        """Write what a call adds to a row. number: which row of the run's it is. False when it was refused."""
        if self._is_open and number != self._number:
            # Another row begins, so the one that was open is complete.
            self._line += 1
            self._is_open = False
        took = self.journal.append(framing.HISTORY if is_complete else framing.OPEN_ROW, b"%d %b" % (self._line, line))
        if took:
            self._line += is_complete
            self._is_open = not is_complete
        self._number = number
        return took

    def write_event(self, line: str) -> None:
        """Write a row of system figures."""
        if self._write(framing.LINES, {"file": file_stream.EVENTS, "offset": self._event_line, "lines": [line]}):
            self._event_line += 1

    def write_console(self, offset: int, lines: list[str]) -> None:
        """Write lines of what the run printed. offset: counted from this run's own first."""
        self._write(framing.LINES, {"file": file_stream.CONSOLE, "offset": self._first_console_line + offset, "lines": lines})

    def write_change(self, kind: bytes, change: dict[str, Any]) -> None:
        """Write what changed in config, summary or what is said of a metric."""
        self._write(kind, change, is_needed=True)

    def write_end(self, exit_code: int) -> bool:
        """Write the run's last word."""
        return self._write(framing.END, {"exit_code": exit_code}, is_needed=True)

    def write_file(self, name: str, place: str) -> None:
        """Write that a file is to be sent. place: where it lies in the run's folder."""
        self._write(framing.FILE, {"name": name, "path": place.replace(os.sep, "/")}, is_needed=True)

    def close(self) -> None:
        """Let go of the journal and its lock."""
        self.journal.close()
        self._lock.release()

    def _write(self, kind: bytes, told: dict[str, Any], *, is_needed: bool = False) -> bool:
        return self.journal.append(kind, to_json(told), is_needed=is_needed)


def to_json(value: Any) -> bytes:
    """Write a value as one line; half of a surrogate pair, which a program may print, becomes a question mark."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")

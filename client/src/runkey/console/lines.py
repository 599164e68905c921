"""The lines of a run's `output.log`: what is new since the last time, as blocks at their place, and the whole of them for the file.

A line is `[ERROR ]<time> text`, the time in UTC without a zone, as the official client writes it. Each is scrubbed of keys first.
"""

import array
import datetime
import io
import os
from collections.abc import Iterator

from runkey.console.screen import Line, Screen
from runkey.scrubbing import Scrubber

MAX_PENDING_LINES = 20_000
"""Between two looks, a second apart: more lines nobody reads. What is beyond is counted, and a line says how many."""

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Of the whole log as a file. Beyond it lines still go to the server, but no more to the file."""

_WHAT = "what was printed"


class Lines:
    """Both streams of a run. spool: a file, open for reading and writing, that lines are kept in until the log is made of them; or None."""

    def __init__(self, scrubber: Scrubber, spool: io.BufferedRandom | None = None) -> None:
        """Begin at line 0."""
        self._scrubber = scrubber
        self._spool = spool
        self._spooled_bytes = 0
        self._places: array.array[int] = array.array("q")
        self._next = 0
        self._changed: dict[int, Line] = {}
        self._left_out = 0
        self._screens = {is_error: Screen(is_error, self._begin, self._note) for is_error in (False, True)}

    def write(self, is_error: bool, text: str, time: float) -> None:
        """Take what was printed to standard output, or to standard error, at a time."""
        if len(self._changed) >= MAX_PENDING_LINES:
            self._left_out += text.count("\n")
            return
        self._screens[is_error].write(text, time)

    def take_changed(self, time: float, *, is_last: bool = False) -> list[tuple[int, list[str]]]:
        """Give what changed since the last time, as (line number, lines from there on). is_last: what is still open is complete now."""
        if self._left_out:
            line = Line(self._begin(), time, True)
            line.text = f"runkey: {self._left_out:,} lines stood here; they were too many at once."
            line.is_complete = True
            self._changed[line.number] = line
            self._left_out = 0
        blocks: list[tuple[int, list[str]]] = []
        for number in sorted(self._changed):
            line = self._changed[number]
            text = self._clean(line, is_last=is_last)
            self._keep(number, text)
            if not blocks or blocks[-1][0] + len(blocks[-1][1]) != number:
                blocks.append((number, []))
            blocks[-1][1].append(f"{'ERROR ' if line.is_error else ''}{_time_text(line.time)} {text}")
        self._changed = {}
        return blocks

    def write_file(self, path: str) -> bool:
        """Write the whole log, its lines in order and as they are at last; whether there is any."""
        if self._spool is None or not self._places:
            return False
        with open(path, "wb") as out:
            out.writelines(self._read_spool(self._spool))
        return True

    def _read_spool(self, spool: io.BufferedRandom) -> Iterator[bytes]:
        spool.flush()
        position = -1
        for place in self._places:
            if place < 0:
                continue
            if place != position:
                spool.seek(place)
            line = spool.readline()
            position = place + len(line)
            yield line

    def _begin(self) -> int:
        number, self._next = self._next, self._next + 1
        return number

    def _note(self, line: Line) -> None:
        self._changed[line.number] = line

    def _clean(self, line: Line, *, is_last: bool) -> str:
        text = line.text if line.text.isascii() else line.text.encode("utf-8", "replace").decode()
        if line.is_cut or not (line.is_complete or is_last):
            return self._scrubber.scrub_open(text, _WHAT).rstrip() + ("…" if line.is_cut else "")
        return self._scrubber.scrub(text, _WHAT).rstrip()

    def _keep(self, number: int, text: str) -> None:
        while len(self._places) <= number:
            self._places.append(-1)
        if self._spool is None or self._spooled_bytes > MAX_FILE_BYTES:
            return
        data = text.encode() + b"\n"
        self._places[number] = self._spool.seek(0, os.SEEK_END)
        self._spool.write(data)
        self._spooled_bytes += len(data)


def _time_text(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="microseconds")[: -len("+00:00")]

"""What a terminal shows of what one stream prints: lines, the last of which may still change. Pure.

Known are the line feed, the carriage return, the backspace, and of the control sequences (ECMA-48) those that progress bars use: cursor up,
down, right, left, to a column, and erasing in a line. Colours stay in the text; the rest is dropped. A program that paints the whole
screen leaves lines that make little sense, as it does in any log.
"""

import re
from collections.abc import Callable

MAX_LINE_CHARACTERS = 65_536
"""What is beyond is not kept: a line that never ends must not grow with the run."""

WINDOW_LINES = 64
"""How far up a cursor can go back: what is above stays as it is. Several bars at once are rarely more."""

_TOKENS = re.compile(
    r"\x1b\[(?P<numbers>[0-?]*)[ -/]*(?P<act>[@-~])"  # a control sequence
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # an operating system's command, such as a window's title
    r"|(?P<held>\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*)?\Z)"  # one that goes on in the next write
    r"|(?P<control>[\r\n\b])"
    r"|(?P<text>[^\x1b\r\n\b]+)"
    r"|\x1b."
)
_MAX_HELD_CHARACTERS = 256


class Line:
    """A line. number: its place in the run's log. time: when it was begun, in seconds since 1970."""

    __slots__ = ("is_complete", "is_cut", "is_error", "number", "text", "time")

    def __init__(self, number: int, time: float, is_error: bool) -> None:
        """Begin empty."""
        self.number = number
        self.time = time
        self.is_error = is_error
        self.text = ""
        self.is_complete = self.is_cut = False


class Screen:
    """One stream's. begin: gives a new line its number. changed: is told of every line that changed."""

    def __init__(self, is_error: bool, begin: Callable[[], int], changed: Callable[[Line], None]) -> None:
        """Begin with nothing."""
        self._is_error = is_error
        self._begin = begin
        self._changed = changed
        self._lines: list[Line] = []
        self._row = self._column = 0
        self._held = ""

    def write(self, text: str, time: float) -> None:
        """Take what was printed at a time."""
        if self._held or "\r" in text or "\x1b" in text or "\b" in text:
            self._write_with_controls(text, time)
        else:
            self._write_plain(text, time)

    def _write_plain(self, text: str, time: float) -> None:
        first, *others = text.split("\n")
        if first:
            self._put(first, time)
        for piece in others:
            self._feed(time)
            if piece:
                self._put(piece, time)

    def _write_with_controls(self, text: str, time: float) -> None:
        text, self._held = self._held + text, ""
        for token in _TOKENS.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                self._put(token[0], time)
            elif kind == "control":
                self._control(token[0], time)
            elif kind == "held":
                self._held = token[0] if len(token[0]) <= _MAX_HELD_CHARACTERS else ""
            elif kind == "act":
                self._act(token["act"], token["numbers"], token[0], time)

    def _control(self, character: str, time: float) -> None:
        if character == "\n":
            self._feed(time)
        elif character == "\r":
            self._column = 0
        else:
            self._column = max(self._column - 1, 0)

    def _act(self, act: str, numbers: str, whole: str, time: float) -> None:
        count = int(numbers) if numbers.isdecimal() and len(numbers) < 6 else 0
        if act == "m":
            self._put(whole, time)
        elif act == "A":
            self._row = max(self._row - max(count, 1), 0)
        elif act == "B":
            self._row = min(self._row + max(count, 1), max(len(self._lines) - 1, 0))
        elif act == "C":
            self._column = min(self._column + max(count, 1), MAX_LINE_CHARACTERS)
        elif act == "D":
            self._column = max(self._column - max(count, 1), 0)
        elif act == "G":
            self._column = max(count - 1, 0)
        elif act == "K" and self._row < len(self._lines):
            self._erase(self._lines[self._row], count)

    def _erase(self, line: Line, what: int) -> None:
        if what == 0:
            line.text = line.text[: self._column]
        elif what == 1:
            line.text = " " * min(self._column, len(line.text)) + line.text[self._column :]
        else:
            line.text = ""
        self._changed(line)

    def _put(self, text: str, time: float) -> None:
        line = self._line(time)
        at = self._column
        if at == 0 and line.text and ("\x1b" in text or "\x1b" in line.text):
            line.text = ""  # columns cannot be counted among colours; a bar rewrites its whole line
        if at > len(line.text):
            line.text += " " * (at - len(line.text))
        if len(text) > MAX_LINE_CHARACTERS - at:
            text = text[: MAX_LINE_CHARACTERS - at]
            line.is_cut = True
        line.text = line.text + text if at == len(line.text) else line.text[:at] + text + line.text[at + len(text) :]
        self._column = at + len(text)
        self._changed(line)

    def _feed(self, time: float) -> None:
        line = self._line(time)
        line.is_complete = True
        self._changed(line)
        self._row += 1
        self._column = 0
        if len(self._lines) > WINDOW_LINES:
            gone = len(self._lines) - WINDOW_LINES
            del self._lines[:gone]
            self._row = max(self._row - gone, 0)

    def _line(self, time: float) -> Line:
        """Give the line where the cursor is. It has its number from its first character or its end on."""
        while self._row >= len(self._lines):
            self._lines.append(Line(self._begin(), time, self._is_error))
        return self._lines[self._row]

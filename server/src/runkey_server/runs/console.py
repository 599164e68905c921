"""What a run prints, as lines at their place. A progress bar rewrites its line; that drops no later one.

A line is kept as it came. The official client writes `[ERROR ]<ISO time> text`, `ERROR ` before what went to stderr, the time in UTC:
that is taken apart when lines are read. What is shown is harmless: without escape sequences and control characters, overwritten parts left
out, cut when very long. A download gives the text as it was printed.
"""

import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from runkey_server.runs import store

MAX_SHOWN = 2_000
"""Characters of a line that are shown."""

MAX_FOUND = 10_000
"""Lines that a search counts; beyond it there are simply more."""

# What is read of a line to show its beginning: escape sequences may be many times its text.
_READ = 16_384
_MAX_SOUGHT = 200
_MAX_REWRITES = 100

_STAMPED = re.compile(r"(ERROR )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?)(?: (.*))?", re.DOTALL)
# ECMA-48: control sequences, strings (operating system commands, device controls …), other escapes; the same by single C1 characters.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?|\x1b[ -/]*[0-~]?"
)
_ERASES = re.compile("(?:\x1b\\[|\x9b)[012]?K")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class ConsoleLine:
    """One line. at: when it was printed, if known. text: what a terminal would show, at most MAX_SHOWN characters; left_out: the rest."""

    number: int
    at: datetime | None
    stream: Literal["stdout", "stderr"]
    text: str
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """Describe it for programs."""
        at = None if self.at is None else self.at.isoformat().replace("+00:00", "Z")
        return {"line": self.number, "at": at, "stream": self.stream, "text": self.text, "leftOut": self.left_out}


@dataclass(frozen=True)
class Found:
    """What a search found. count: lines that hold it, counted up to MAX_FOUND. lines: some of them, in order."""

    count: int
    lines: list[ConsoleLine]


def write_console(transaction: sa.Connection, run_id: int, first: int, lines: tuple[str, ...]) -> None:
    """Write lines from number `first` on, replacing what stands there."""
    # PostgreSQL's text has no place for NUL, and UTF-8 none for lone surrogates; a terminal shows neither.
    clean = [line.replace("\0", "").encode("utf-8", "replace").decode() for line in lines]
    store.put_console_lines(transaction, run_id, first, clean)


def measure_console(transaction: sa.Connection, run_id: int, first: int, count: int) -> tuple[int, int]:
    """Give how many lines stand at the places from number `first` on, and how many bytes they have."""
    return store.measure_console(transaction, run_id, first, count)


def count_console(transaction: sa.Connection, run_id: int) -> int:
    """Give the number of the line after the last. Cost: one indexed look-up."""
    return store.next_console_line(transaction, run_id)


def read_console(
    transaction: sa.Connection,
    run_id: int,
    *,
    first: int | None = None,
    end: int | None = None,
    at_most: int = 1_000,
    characters: int = MAX_SHOWN,
) -> list[ConsoleLine]:
    """Give lines in order: from number `first` on, or the last ones before number `end`, or the last ones. characters: of each."""
    rows = store.read_console_lines(transaction, run_id, first=first, end=end, at_most=at_most, characters=max(_READ, characters))
    return [_line(*row, at_most=characters) for row in rows]


def find_console(transaction: sa.Connection, run_id: int, sought: str, *, end: int | None = None, at_most: int = 200) -> Found:
    """Give the last lines before number `end` that hold a text, whatever its case. Cost: all lines of the run are looked at."""
    sought = _CONTROLS.sub("", sought)[:_MAX_SOUGHT]
    lines: list[ConsoleLine] = []
    count = 0
    # The database looks through the stamps too, and a search for "error" would find all of stderr: what is shown decides.
    with closing(store.search_console_lines(transaction, run_id, sought, characters=_READ)) as rows:
        for number, body, length in rows:
            line = _line(number, body, length)
            if sought.casefold() not in line.text.casefold() and not line.left_out:
                continue
            count += 1
            if (end is None or number < end) and len(lines) < at_most:
                lines.append(line)
            if count == MAX_FOUND:
                break
    return Found(count, lines[::-1])


def read_printed(transaction: sa.Connection, run_id: int, first: int, *, at_most_bytes: int) -> tuple[int, list[str]]:
    """Give the number to go on with, and texts as they were printed, from a line on, about so many bytes; none of them at the end."""
    texts: list[str] = []
    size, number = 0, first
    with closing(store.stream_console_lines(transaction, run_id, first)) as rows:
        for line, body in rows:
            _, _, text = _taken_apart(body)
            texts.append(text)
            size, number = size + len(text), line + 1
            if size > at_most_bytes:
                break
    return number, texts


def _line(number: int, body: str, length: int, at_most: int = MAX_SHOWN) -> ConsoleLine:
    at, stream, text = _taken_apart(body)
    shown = as_shown(text)
    left_out = max(0, len(shown) - at_most) + max(0, length - len(body))
    return ConsoleLine(number, at, stream, shown[:at_most], left_out)


def _taken_apart(body: str) -> tuple[datetime | None, Literal["stdout", "stderr"], str]:
    found = _STAMPED.fullmatch(body)
    if found is None:
        return None, "stdout", body
    try:
        at = datetime.fromisoformat(found[2])
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None, "stdout", body
    return at, "stderr" if found[1] else "stdout", found[3] or ""


def as_shown(text: str) -> str:
    """Give what a terminal would show of a line in the end, without what it would act on."""
    line = ""
    for part in text.rsplit("\r", _MAX_REWRITES):
        new = _CONTROLS.sub("", _ESCAPES.sub("", part)).replace("\n", " ")
        # What is written after a carriage return covers what stood there, as far as it reaches.
        line = new if _ERASES.search(part) else new + line[len(new) :]
    return line

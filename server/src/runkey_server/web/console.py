"""The lines that a run printed, as a part of its page: the newest, older and newer ones by links, and those that hold a text.

`?before=LINE` and `?after=LINE` show the lines next to one, `?find=TEXT` those that hold a text. No script is needed: the newest lines are
followed by loading the page again.
"""

import re
import urllib.parse
from dataclasses import dataclass

import sqlalchemy as sa

from runkey_server import runs
from runkey_server.runs import MAX_FOUND, ConsoleLine

LINES = 200
"""Shown at once."""


@dataclass(frozen=True)
class ShownLine:
    """One line on the page. parts: its text in pieces, every second of which is what was sought. link: to the line among its neighbours."""

    line: ConsoleLine
    parts: list[str]
    link: str | None


@dataclass(frozen=True)
class Console:
    """What the page shows. count: lines there are; found: that hold what is sought. older, newer, newest: where links go."""

    lines: list[ShownLine]
    count: int
    find: str
    found: int
    has_more: bool
    older: str | None
    newer: str | None
    newest: str

    @property
    def is_newest(self) -> bool:
        """Whether these are the newest lines, which are followed."""
        return not self.find and self.newer is None


def read(transaction: sa.Connection, run_id: int, query: dict[str, str]) -> Console:
    """Read what the page's address asks for; what cannot be understood in it is not there."""
    count = runs.count_console(transaction, run_id)
    find, before, after = query.get("find", "").strip(), line_number(query.get("before")), line_number(query.get("after"))
    if find:
        found = runs.find_console(transaction, run_id, find, end=before, at_most=LINES + 1)
        lines = found.lines[-LINES:]
        older = _link(find=find, before=lines[0].number) if len(found.lines) > LINES else None
        newer = _link(find=find) if before is not None else None
        shown = [ShownLine(line, _parts(line.text, find), _context(line.number)) for line in lines]
        return Console(shown, count, find, found.count, found.count >= MAX_FOUND, older, newer, _link())
    if after is not None:
        lines = runs.read_console(transaction, run_id, first=after + 1, at_most=LINES)
    else:
        lines = runs.read_console(transaction, run_id, end=before, at_most=LINES)
    older = _link(before=lines[0].number) if lines and lines[0].number > 0 else None
    newer = _link(after=lines[-1].number) if lines and lines[-1].number + 1 < count else None
    return Console([ShownLine(line, [line.text], None) for line in lines], count, "", 0, False, older, newer, _link())


def line_number(text: str | None) -> int | None:
    """Read the number of a line out of an address; None for anything else."""
    return int(text) if text is not None and text.isascii() and re.fullmatch(r"-?\d{1,17}", text) else None


def _link(**query: str | int) -> str:
    """Lead to some lines; without a question to the last of all."""
    return f"?{urllib.parse.urlencode(query)}#console" if query else "?plain#newest"


def _context(number: int) -> str:
    """Lead to a line among its neighbours."""
    return f"?{urllib.parse.urlencode({'after': max(-1, number - LINES // 2)})}#line-{number + 1}"


def _parts(text: str, find: str) -> list[str]:
    return re.split(f"({re.escape(find)})", text, flags=re.IGNORECASE)

"""What of a journal the server has, in a small file beside it (`sent.json`), so that another process goes on from there.

It may be behind, when a process died between an answer and its note: what is sent again changes nothing. It carries a checksum: a place
that is wrong would cost the rows before it.
"""

import contextlib
import json
import os
from typing import Any
from zlib import crc32

from runkey.stream.reading import BEGINNING, Position, segment_path

_NAME = "sent.json"


class Acknowledged:
    """position: the first record that is not acknowledged. rows: lines of history that are. files: to be sent still, of records before it.

    is_open, first_lines: whether the run was made on the server, and at which line number each file of its stream began there.
    """

    def __init__(self, folder: str) -> None:
        """Read what was noted; a note that is damaged counts as none."""
        self._path = os.path.join(folder, _NAME)
        noted = _read(self._path)
        self.position = Position(*noted.get("position", BEGINNING))
        self.rows: int = noted.get("rows", 0)
        self.files: list[dict[str, str]] = noted.get("files", [])
        self.is_open: bool = noted.get("is_open", False)
        self.is_complete: bool = noted.get("is_complete", False)
        self.first_lines: dict[str, int] = noted.get("first_lines", {})
        with contextlib.suppress(OSError):
            if os.path.getsize(segment_path(folder, self.position.segment)) < self.position.offset:
                # The file was cut, or is another one.
                self.begin_again()

    def begin_again(self) -> None:
        """Let everything that the journal holds be sent again."""
        self.position, self.rows, self.files, self.is_complete = BEGINNING, 0, [], False

    def save(self) -> None:
        """Note it. A disk that takes nothing costs only that something is sent again."""
        noted = {
            "position": list(self.position),
            "rows": self.rows,
            "files": self.files,
            "is_open": self.is_open,
            "is_complete": self.is_complete,
            "first_lines": self.first_lines,
        }
        noted["check"] = _check(noted)
        with contextlib.suppress(OSError):
            with open(self._path + ".new", "w", encoding="utf-8") as file:
                json.dump(noted, file)
            os.replace(self._path + ".new", self._path)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            noted = json.load(file)
        return noted if noted.pop("check") == _check(noted) else {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _check(noted: dict[str, Any]) -> int:
    return crc32(json.dumps(noted, sort_keys=True).encode())

"""What of a journal the server has, in a small file beside it (`sent.json`), so that another process goes on from there.

It may be behind, when a process died between an answer and its note: what is sent again changes nothing.
"""

import contextlib
import json
import os
from typing import Any

from runkey.stream.reading import BEGINNING, Position

_NAME = "sent.json"


class Acknowledged:
    """position: the first record that is not acknowledged. rows: lines of history that are. files: to be sent still, of records before it.

    is_open, first_lines: whether the run was made on the server, and at which line number each file of its stream began there.
    """

    def __init__(self, folder: str) -> None:
        """Read what was noted; a note that is damaged counts as none."""
        self._path = os.path.join(folder, _NAME)
        noted: Any = {}
        with contextlib.suppress(OSError, ValueError), open(self._path, encoding="utf-8") as file:
            noted = json.load(file)
        if not isinstance(noted, dict):
            noted = {}
        self.position = Position(*noted["position"]) if _is_position(noted.get("position")) else BEGINNING
        self.rows = int(noted.get("rows") or 0)
        self.files: list[dict[str, str]] = list(noted.get("files") or [])
        self.is_open = bool(noted.get("is_open"))
        self.is_complete = bool(noted.get("is_complete"))
        self.first_lines: dict[str, int] = dict(noted.get("first_lines") or {})

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
        with contextlib.suppress(OSError):
            with open(self._path + ".new", "w", encoding="utf-8") as file:
                json.dump(noted, file)
            os.replace(self._path + ".new", self._path)


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(each, int) and each >= 0 for each in value)

"""The bounded queue between log() and the sender, and what happens when it is full.

It holds lines until they are acknowledged. Full, it takes no more and counts what it refused: training must not run out of memory because a
server is away.
"""

import threading
from collections import deque

MAX_LINES = 500_000
MAX_CHARACTERS = 128 * 1024 * 1024
MAX_LINE_CHARACTERS = 1024 * 1024
_NEAR = 0.8


class LineIsTooLong(ValueError):
    """A line that fits in no request."""


class Queue:
    """Lines on their way. offset: the number of the first line that is held."""

    def __init__(self, max_lines: int = MAX_LINES, max_characters: int = MAX_CHARACTERS) -> None:
        """Begin empty."""
        self._lines: deque[str] = deque()
        self._characters = 0
        self._max_lines = max_lines
        self._max_characters = max_characters
        self._lock = threading.Lock()
        self.offset = 0
        self.refused = 0

    def put(self, line: str) -> bool:
        """Take a line; False when there is no room. Raises LineIsTooLong."""
        if len(line) > MAX_LINE_CHARACTERS:
            self.refused += 1
            raise LineIsTooLong
        with self._lock:
            if len(self._lines) >= self._max_lines or self._characters + len(line) > self._max_characters:
                self.refused += 1
                return False
            self._lines.append(line)
            self._characters += len(line)
            return True

    def peek(self, max_characters: int) -> tuple[int, tuple[str, ...]]:
        """Give the first lines and the number of the first of them, as many as fit, at least one when there is one; they stay held."""
        with self._lock:
            taken: list[str] = []
            size = 0
            for line in self._lines:
                size += len(line)
                if taken and size > max_characters:
                    break
                taken.append(line)
            return self.offset, tuple(taken)

    def acknowledge(self, count: int) -> None:
        """Let go of the first lines: the server has them."""
        with self._lock:
            for _ in range(count):
                self._characters -= len(self._lines.popleft())
            self.offset += count

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def is_nearly_full(self) -> bool:
        """Whether the bound is near."""
        return len(self._lines) > _NEAR * self._max_lines or self._characters > _NEAR * self._max_characters

"""What history consists of, and what a store of it must do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Protocol

import numpy as np
import sqlalchemy as sa

from runkey_server.history.describing import Facts
from runkey_server.history.outlines import Outline
from runkey_server.history.packing import Columns, Path, Row, pack, read_rows


class Stream(IntEnum):
    """The two files of rows that a run has; the number is what the database keeps."""

    HISTORY = 0
    EVENTS = 1


@dataclass(frozen=True)
class Batch:
    """Rows of one request, read and packed before any transaction is open. first: the number of the first line."""

    first: int
    rows: Sequence[Row]
    body: bytes = field(repr=False)

    @classmethod
    def read(cls, first: int, texts: tuple[str, ...]) -> "Batch":
        """Read lines. Raises Error `invalid` when one is not a JSON object or too long."""
        rows, are_as_written = read_rows(first, texts)
        lines = np.arange(first, first + len(rows), dtype=np.int64)
        return cls(first, rows, pack(lines, rows, texts if are_as_written else None) if rows else b"")


ALL_LINES = (0, 2**62)


class View(Protocol):
    """One stream of one run, as it is in one transaction."""

    @property
    def next_line(self) -> int:
        """The number of the line after the last."""

    def facts(self, names: Iterable[str] | None = None) -> Mapping[Path, Facts]:
        """What is told of the keys of some names, or of all, in the order in which they were first seen."""

    def read(self, lines: tuple[int, int] = ALL_LINES, names: Iterable[str] | None = None) -> Columns:
        """Give the columns of the lines from one up to but not with another, the steps among them; names None: of every key."""

    def outline(self, path: Path) -> Outline:
        """Give the outline of a series, whole."""


class HistoryStore(Protocol):
    """Keeps rows as columns. Every method works within the caller's transaction; a run is a number, and who may is decided elsewhere."""

    def append(self, transaction: sa.Connection, run_id: int, stream: Stream, batch: Batch, at: datetime) -> None:
        """Write rows at their lines.

        Rows that are there already change nothing. Another row in the place of one replaces it, and the later lines are dropped.
        """

    def view(self, transaction: sa.Connection, run_id: int, stream: Stream) -> View:
        """Look at a stream; one that was never written to is empty."""

    def cut(self, transaction: sa.Connection, run_id: int, stream: Stream, line: int, at: datetime) -> None:
        """Drop the lines from one on."""

    def copy(self, transaction: sa.Connection, run_id: int, to_run_id: int, stream: Stream, line: int, at: datetime) -> None:
        """Give another run, which has no lines, the lines of this one before one."""

    def purge(self, transaction: sa.Connection, run_id: int) -> None:
        """Drop everything of a run."""

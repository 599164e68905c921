"""What an export is made of: a table whose rows are read a span at a time, and a few of its columns at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from runkey_server.errors import Error
from runkey_server.history import Column
from runkey_server.history.tables import FULL

SPAN = FULL
"""Rows of one span, at most: as many as a full chunk of history has values."""

_COLUMNS_AT_ONCE = 64


@dataclass(frozen=True)
class Field:
    """A column of the table. is_heavy: its values are texts, lists or media, any of which may be large."""

    name: str
    is_heavy: bool = False


@dataclass(frozen=True)
class Span:
    """Neighbouring rows of one source: a run by its place in the table, and some of its lines."""

    source: int
    first: int
    end: int


class Table(Protocol):
    """Rows and columns. A cell without a value, or whose value is None, is empty."""

    @property
    def fields(self) -> Sequence[Field]:
        """The columns."""

    def spans(self, rows: int) -> Iterator[Span]:
        """Divide all rows into spans of at most so many, in order."""

    def begin(self, span: Span) -> "Rows":
        """Find out which rows a span has. Raises Changed."""


class Rows(Protocol):
    """The rows of a span."""

    count: int

    def read(self, places: Sequence[int]) -> dict[int, Column]:
        """Give columns by their place in the table; `lines` of each are the rows of its values, counted from 0. Raises Changed."""


class Changed(Error):
    """What is exported was overwritten or removed meanwhile: rather no file than one that was never true."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("unavailable", "What is exported was overwritten meanwhile. Try again.", retry_after_seconds=2)


def in_batches(fields: Sequence[Field]) -> Iterator[list[int]]:
    """Give the places of all columns, in order, a few at a time; heavy ones alone."""
    batch: list[int] = []
    for place, field in enumerate(fields):
        if batch and (field.is_heavy or fields[batch[-1]].is_heavy or len(batch) == _COLUMNS_AT_ONCE):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def unlike(name: str, taken: set[str]) -> str:
    """Give a name that no other column has: a second `a.b` is `a.b (2)`. Half of a surrogate pair, which UTF-8 has not, becomes `?`."""
    name = name.encode("utf-8", "replace").decode()
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name} ({number})", number + 1
    taken.add(chosen)
    return chosen

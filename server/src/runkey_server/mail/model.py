"""What a letter is."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Letter:
    """Words to one address, and the page of this server where more is found. path: may hold a code that works once."""

    to: str
    words: str
    path: str = field(repr=False)

    @property
    def subject(self) -> str:
        """The first sentence; one line, as a header must be."""
        return " ".join(self.words.partition(". ")[0].rstrip(".").split())[:150]


@dataclass(frozen=True)
class Waiting:
    """A letter in the database. sealed: its words and path, closed; tries: how often it could not be handed over."""

    id: int
    to: str
    body: bytes = field(repr=False)
    is_sealed: bool
    tries: int
    ends_at: datetime

"""What history consists of."""

from enum import IntEnum


class Stream(IntEnum):
    """The two files of rows that a run has; the number is what the database keeps."""

    HISTORY = 0
    EVENTS = 1

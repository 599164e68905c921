"""What a rule is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Which runs of a project stay: the newest ones, and those that have any of these tags. The others are deleted once they have ended."""

    keep_newest: int
    keep_tags: tuple[str, ...] = ()

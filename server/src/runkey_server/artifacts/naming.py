"""What types, collections, aliases and tags may be called, and what a name means that points to a version."""

import re
import unicodedata

MAX_CHARACTERS = 128
_FORBIDDEN = frozenset("/\\#?%:")
_VERSION = re.compile(r"v(0|[1-9][0-9]{0,8})")


def name_fault(name: str) -> str | None:
    """Say what is wrong with the name of a type, a collection, an alias or a tag, as the end of a sentence; None when nothing is."""
    if not 1 <= len(name) <= MAX_CHARACTERS:
        return f"cannot be used: 1 to {MAX_CHARACTERS} characters are allowed, it has {len(name)}"
    if any(character in _FORBIDDEN or unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "cannot be used: none of / \\ # ? % : and no control characters are allowed"
    return None


def alias_fault(alias: str) -> str | None:
    """Say what is wrong with an alias; a version's number is none."""
    if _VERSION.fullmatch(alias):
        return "cannot be used as an alias: it is the number of a version"
    return name_fault(alias)


def split(name: str) -> tuple[str, str]:
    """Split `collection:alias`; without an alias the latest is meant."""
    collection, _, alias = name.partition(":")
    return collection, alias or "latest"


def version_of(alias: str) -> int | None:
    """Read a version's number out of `v3`; None for an alias."""
    found = _VERSION.fullmatch(alias)
    return None if found is None else int(found.group(1))

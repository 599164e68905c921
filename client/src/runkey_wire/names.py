"""The names of entities, projects and runs: what each may look like.

Each function says what is wrong with a name as the end of a sentence that begins with it, or gives None.
Which entity names are taken by the server's own addresses is the server's to know.
"""

import re
import unicodedata

MAX_ENTITY_CHARACTERS = 63
MAX_NAME_CHARACTERS = 128

_ENTITY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_FORBIDDEN = frozenset("/\\#?%:")


def entity_fault(name: str) -> str | None:
    """Say what is wrong with an entity's name; compared in lower case."""
    if _ENTITY.fullmatch(name):
        return None
    return (
        f"is no account name: 1 to {MAX_ENTITY_CHARACTERS} lower-case letters, digits, dashes and underscores, "
        "beginning with a letter or a digit"
    )


def project_fault(name: str) -> str | None:
    """Say what is wrong with a project's name."""
    return _fault(name, "project name")


def run_id_fault(name: str) -> str | None:
    """Say what is wrong with a run's id."""
    return _fault(name, "run id")


def _fault(name: str, what: str) -> str | None:
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        return f"is no {what}: 1 to {MAX_NAME_CHARACTERS} characters are allowed, it has {len(name)}"
    # Cc: controls; Cs: lone surrogates, which no database takes as text.
    if any(character in _FORBIDDEN or unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return f"is no {what}: none of / \\ # ? % : and no control characters are allowed"
    if name in (".", ".."):
        return f"is no {what}: a browser drops it from an address"
    return None

"""Takes keys out of what goes up with a run by itself: what was printed, config, arguments, differences, requirements, code.

A key of ours is known by its shape and checksum, wherever it stands; the very keys that this process uses are known whatever their shape,
plain and as the Basic header carries them. Each is replaced by a word that tells what stood there, and the person is told once. A line
that is still being printed may end in half a key: `scrub_open` keeps that half back.

Rows, and files that a script saves itself, are left as they are: they were logged on purpose.
"""

import base64
import re
from collections.abc import Callable

from runkey_wire import api_key

NOTE = "(a key stood here)"

_SHORTEST_SECRET_CHARACTERS = 16
"""Shorter ones are no keys of any server's, and would be found by chance."""

_HELD_BACK_CHARACTERS = 4
"""Of the end of an open line that may be the beginning of a key in use: fewer give nothing away."""

_PREFIX = re.compile(r"rk[a-z]_")
_BODY = re.compile(r"[0-9A-Za-z]{36}")
_OPEN_END = re.compile(r"rk[a-z]_[0-9A-Za-z]{0,35}$")


class Scrubber:
    """One run's. tell: is called once, with a sentence, when the first key was found."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Know the shape of our keys alone."""
        self._tell = tell
        self._has_told = False
        # Every form that a key in use may be found in, with what replaces it.
        self._forms: tuple[tuple[str, str], ...] = ()

    def learn(self, secret: str | None) -> None:
        """Know a key that is in use, whatever its shape."""
        if secret and len(secret) >= _SHORTEST_SECRET_CHARACTERS:
            new = tuple((form, _replacement(secret)) for form in _forms(secret))
            # Replaced whole, for the threads that read it; longer ones first, for one may be in another.
            self._forms = tuple(sorted({*self._forms, *new}, key=lambda each: len(each[0]), reverse=True))

    def scrub(self, text: str, what: str) -> str:
        """Give the text without keys. what: it is, for the sentence ("the console output")."""
        clean = _without_ours(text)
        for form, replacement in self._forms:
            if form in clean:
                clean = clean.replace(form, replacement)
        if clean is not text and clean != text and not self._has_told:
            self._has_told = True
            self._tell(
                f"A key was found in {what}. It was taken out of what is sent, where “…{NOTE}” stands now; it is better kept elsewhere."
            )
        return clean

    def scrub_open(self, text: str, what: str) -> str:
        """The same for a text that goes on later: an end that may be the beginning of a key is kept back."""
        clean = self.scrub(text, what)
        found = _OPEN_END.search(clean, max(len(clean) - api_key.LENGTH_CHARACTERS, 0))
        if found:
            clean = clean[: found.start()]
        for form, _ in self._forms:
            for length in range(min(len(form) - 1, len(clean)), _HELD_BACK_CHARACTERS - 1, -1):
                if clean.endswith(form[:length]):
                    clean = clean[:-length]
                    break
        return clean


def _without_ours(text: str) -> str:
    """Replace every key of ours. The prefix is looked for first: it is rare, and found at the speed of memory."""
    pieces: list[str] = []
    done = 0
    for found in _PREFIX.finditer(text):
        at = found.start()
        # The checksum alone decides: a prefix of a kind that is not known yet is a key too.
        if at < done or not _BODY.match(text, found.end()):
            continue
        key = text[at : at + api_key.LENGTH_CHARACTERS]
        if api_key.checksum(key[: -api_key.CHECKSUM_CHARACTERS]) == key[-api_key.CHECKSUM_CHARACTERS :]:
            pieces += [text[done:at], _replacement(key)]
            done = at + api_key.LENGTH_CHARACTERS
    return "".join((*pieces, text[done:])) if pieces else text


def _forms(secret: str) -> tuple[str, ...]:
    """Give a key as it is, and as `Authorization: Basic` carries it (RFC 7617), which debugging logs print."""
    return secret, base64.b64encode(f"api:{secret}".encode()).decode().rstrip("=")


def _replacement(secret: str) -> str:
    prefix = secret[: api_key.PREFIX_CHARACTERS] if _PREFIX.match(secret) else ""
    return f"{prefix}…{NOTE}"

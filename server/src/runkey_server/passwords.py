"""People's passwords: what is allowed, hashing, checking at the same cost whether or not there is one to check.

argon2id with 19 MiB, two passes, one lane (the OWASP floor): about 30 to 100 ms of a core. Two at a time, so that a flood of sign-ins
can neither starve ingest nor fill the memory; whoever would wait behind six others is told to come again, so that half of a worker's
threads are always left to everything else.
Rules (NIST SP 800-63B-4, OWASP ASVS 6.2): at least 15 characters, no rules of composition, no cutting off, a block list. Passwords are
compared as NFC, so that an accent typed on another keyboard is the same accent.
"""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import argon2

from runkey_server import errors, guessable

MIN_CHARACTERS = 15
MAX_CHARACTERS = 256
_AT_A_TIME = 2
_MAX_WAITING = 6

_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_slots = threading.BoundedSemaphore(_AT_A_TIME)
_queue = threading.BoundedSemaphore(_AT_A_TIME + _MAX_WAITING)

# The hash of a password that nobody has; checked for a name that nobody has, so that both refusals take equally long.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

_FEWEST_LEFT = 6
"""Characters of a new password that must be left when what is easy to guess is taken away."""


def fault_of(password: str, *, context: tuple[str, ...] = ()) -> str | None:
    """Say what is wrong with a new password, as the end of "The password …"; None when nothing is.

    context: words that must not make it up: the account's name, the site's.
    """
    if len(password) < MIN_CHARACTERS:
        return f"is too short: at least {MIN_CHARACTERS} characters, a few words in a row are fine."
    if len(password) > MAX_CHARACTERS:
        return f"is too long: at most {MAX_CHARACTERS} characters."
    folded = "".join(password.casefold().split())
    if len(set(folded)) < 5 or _is_a_run(folded):
        return "is too easy to guess: it repeats one pattern."
    if len(guessable.rest_of(password, context=(*context, "runkey"))) < _FEWEST_LEFT:
        return (
            "is too easy to guess: little is left of it without common words, the account's name, keys beside each other, repetitions and "
            "digits. A few words that have nothing to do with each other are better."
        )
    return None


def hash_password(password: str) -> str:
    """Hash a password for keeping, as a PHC string. Raises Error `unavailable` when too many wait."""
    with _slot():
        return _hasher.hash(_normal(password))


def check(password: str, *, context: tuple[str, ...] = ()) -> None:
    """Raise Error `invalid` with what is wrong with a new password."""
    fault = fault_of(password, context=context)
    if fault:
        raise errors.Error("invalid", f"The password {fault}")


def checked_hash(password: str, *, context: tuple[str, ...] = ()) -> str:
    """Check a new password and hash it for keeping. Raises Error `invalid` with what is wrong, `unavailable` when too many wait."""
    check(password, context=context)
    return hash_password(password)


def is_right(password: str, kept: str | None) -> bool:
    """Check a password against a kept hash; None, for nobody, costs the same and is never right."""
    if len(password) > MAX_CHARACTERS:
        password = ""
    with _slot():
        try:
            _hasher.verify(kept or _NOBODYS, _normal(password))
        except argon2.exceptions.VerificationError:
            return False
    return kept is not None


def needs_rehash(kept: str) -> bool:
    """Tell whether a kept hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _is_a_run(text: str) -> bool:
    return any(text == (text[:length] * len(text))[: len(text)] for length in range(1, 5))


@contextmanager
def _slot() -> Iterator[None]:
    if not _queue.acquire(blocking=False):
        raise errors.unavailable("Too many people are signing in at this moment.")
    try:
        with _slots:
            yield
    finally:
        _queue.release()

"""The shape of an API key: prefix, alphabet, checksum; and what is wrong with one, as words a person can act on.

A key of ours has exactly 40 characters and no dash, because every official client since 2020 takes that shape and clients up to
0.22.2 take no other length: a type prefix of four characters, 30 random characters of base62 (178 bits), and six of checksum.
The checksum is no secret. It tells a damaged key from a wrong one without any look-up.

Rule of this file: no message, repr or exception ever holds a key or a part of one beyond its prefix and last two characters.
"""

import re
import zlib

LENGTH_CHARACTERS = 40
BODY_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

KIND_BY_PREFIX = {"rku_": "user", "rkm_": "machine", "rks_": "service", "rka_": "anonymous"}
PREFIX_BY_KIND = {kind: prefix for prefix, kind in KIND_BY_PREFIX.items()}
PREFIX_CHARACTERS = 4

# The official client's own rules, read from its key validation: since 0.26 a JWT passes as it is; otherwise what follows the
# first dash (or the whole, without one) must be word characters and dashes, at least 40 of them.
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_FOREIGN = re.compile(r"[A-Za-z0-9_-]+")
_OURS = re.compile(r"rk[a-z]_[0-9A-Za-z]{36}")


def join(kind: str, body: str) -> str:
    """Put a key together from its kind ("user", "machine", "service", "anonymous") and 30 random base62 characters."""
    unchecked = PREFIX_BY_KIND[kind] + body
    return unchecked + checksum(unchecked)


def checksum(unchecked: str) -> str:
    """Give the CRC-32 of a key's first 34 characters as six base62 digits, most significant first."""
    number = zlib.crc32(unchecked.encode())
    digits = []
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def kind_of(key: str) -> str | None:
    """Tell the kind of a key that bears our prefix; None for any other."""
    return KIND_BY_PREFIX.get(key[:PREFIX_CHARACTERS])


def fault_of(key: str) -> str | None:
    """Say what is wrong with the shape of a key, as the end of "the key …"; None when nothing is.

    A key that bears our prefix is held to our shape; any other to what an official client accepts.
    """
    if not key:
        return "is empty"
    if key != key.strip():
        return "begins or ends with a space or a line break"
    if any(character.isspace() for character in key):
        return "has a space or a line break in it"
    if kind_of(key) is None:
        return _fault_of_foreign(key)
    if len(key) < LENGTH_CHARACTERS:
        return f"is cut short: {len(key)} of {LENGTH_CHARACTERS} characters"
    if len(key) > LENGTH_CHARACTERS:
        return f"is too long: {len(key)} characters where {LENGTH_CHARACTERS} are expected"
    if not _OURS.fullmatch(key):
        return "has a character that no key has: only letters and digits follow the prefix"
    if checksum(key[:-CHECKSUM_CHARACTERS]) != key[-CHECKSUM_CHARACTERS:]:
        return "is damaged: its checksum does not match, so a character was changed or swapped on the way"
    return None


def _fault_of_foreign(key: str) -> str | None:
    if _JWT.fullmatch(key):
        return None
    significant = key.split("-", 1)[1] if "-" in key else key
    if not _FOREIGN.fullmatch(key):
        return "has a character that no key has: only letters, digits, dashes and underscores are expected"
    if len(significant) < LENGTH_CHARACTERS:
        return f"is cut short: {len(significant)} of at least {LENGTH_CHARACTERS} characters"
    return None


def looks_like_key(text: str) -> bool:
    """Tell whether a word given where another was expected is most likely a key: our prefix, or 40 and more fitting characters."""
    return kind_of(text) is not None or (len(text) >= LENGTH_CHARACTERS and _fault_of_foreign(text) is None)


def summary_of(key: str) -> str:
    """Describe how a key looks without giving it away: `40 characters, rku_…Zp`."""
    count = f"{len(key)} characters"
    kind = kind_of(key)
    if kind is None or len(key) < LENGTH_CHARACTERS:
        return count
    return f"{count}, {PREFIX_BY_KIND[kind]}…{key[-2:]}"

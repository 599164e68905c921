"""A part of what is given out (RFC 9110 section 14): what a browser asks for to seek in a film, and a client to go on with a download."""

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_MAX_DIGITS = 18


@dataclass(frozen=True)
class Span:
    """Bytes from the first on, so many."""

    first: int
    length: int


class Unsatisfiable(Exception):
    """A range that lies outside what there is (416)."""


def find_span(asked: str | None, size_bytes: int, *, if_range: str | None = None, etag: str = "") -> Span | None:
    """Give the part that `Range` asks for; None for the whole.

    What is no single range of bytes is answered with the whole, as the standard allows, and so is one under `If-Range` that means other
    bytes. Raises Unsatisfiable.
    """
    found = _ONE.fullmatch(asked.replace(" ", "")) if asked else None
    if found is None or (if_range is not None and if_range.strip() != etag) or max(map(len, found.groups())) > _MAX_DIGITS:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        length = min(int(last), size_bytes)
        if length == 0:
            raise Unsatisfiable
        return Span(size_bytes - length, length)
    if last and int(last) < int(first):
        return None
    if int(first) >= size_bytes:
        raise Unsatisfiable
    return Span(int(first), min(int(last) + 1 if last else size_bytes, size_bytes) - int(first))

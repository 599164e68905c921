"""Reads what a server answered: each member has the type, the length and the shape that is expected, or the answer counts as none.

What is read here is printed in terminals and kept in files, so no text has control characters or goes on for ever, no number is beyond
reckoning, no key is damaged, and a link leads to the server that gave it.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from runkey.credentials.model import Secret
from runkey.errors import ServerError
from runkey.settings import host_name, is_loopback
from runkey.terminal import printable
from runkey.transport import Reply
from runkey_wire import api_key

_Kind = TypeVar("_Kind")
_LONGEST_TEXT = 500
_LONGEST_NAME = 128
_LONGEST_LINK = 2_000
_LONGEST_CODE = 1_000
_MOST_ENTRIES = 100_000
_LARGEST_COUNT = 2**53
_LONGEST_WAIT_SECONDS = 3_600.0
_LONGEST_LIFE_SECONDS = 100 * 366 * 86_400.0
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?")
_NAME = re.compile(r"[^\s/\\?#]+")


def parse(reply: Reply) -> Any:
    """Read an answer's JSON; None when it is none."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None


def retry_after_seconds(reply: Reply) -> float | None:
    """Read Retry-After, in seconds, which is all that our server sends; an hour at most."""
    try:
        seconds = float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, _LONGEST_WAIT_SECONDS) if seconds >= 0 and math.isfinite(seconds) else None


class Fields:
    """One object of an answer. Each method gives a member, or raises ServerError when that is not what it should be."""

    __slots__ = ("_host", "_values")

    def __init__(self, host: str, value: Any, what: str = "its answer") -> None:
        """host: whose answer it is. what: what should be an object."""
        self._host = host
        if not isinstance(value, dict):
            raise self._fault(f"{what} is no object")
        self._values: dict[str, Any] = value

    def has(self, name: str) -> bool:
        """Whether there is such a member, and not null."""
        return self._values.get(name) is not None

    def text(self, name: str) -> str:
        """Give what somebody wrote: control characters are made harmless, and the rest of a long one is left out."""
        return printable(self._text(name))[:_LONGEST_TEXT]

    def content(self, name: str) -> str:
        """Give what somebody wrote as it is, of any length: to be kept or sent back. Whoever shows it makes it harmless."""
        return self._text(name)

    def place(self, name: str, fault_of: Callable[[str], str | None]) -> str:
        """Give what something is called in an address. fault_of: says what is wrong with such a name."""
        value = self._text(name)
        if fault_of(value):
            raise self._fault(f"{name} is no name")
        return value

    def contents(self, name: str) -> list[str]:
        """Give a list of what somebody wrote, as it is."""
        return [Fields(self._host, {name: each}).content(name) for each in self._list(name)]

    def json(self, name: str, kind: type[_Kind]) -> _Kind:
        """Give what is written as JSON in a text: an object or a list."""
        try:
            value = json.loads(self._text(name))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, kind):
            raise self._fault(f"{name} is not what it should be")
        return value

    def name(self, name: str) -> str:
        """Give a name or an id: short, in one word."""
        value = self._text(name)
        if len(value) > _LONGEST_NAME or not value.isprintable() or not _NAME.fullmatch(value):
            raise self._fault(f"{name} is no name")
        return value

    def names(self, name: str) -> list[str]:
        """Give a list of names."""
        return [Fields(self._host, {name: each}).name(name) for each in self._list(name)]

    def texts(self, name: str) -> list[str]:
        """Give a list of what somebody wrote."""
        return [Fields(self._host, {name: each}).text(name) for each in self._list(name)]

    def moment(self, name: str) -> str:
        """Give a moment in RFC 3339."""
        value = self._text(name)
        if not _MOMENT.fullmatch(value):
            raise self._fault(f"{name} is no moment")
        return value

    def key(self, name: str) -> Secret:
        """Give an API key."""
        value = self._text(name)
        if api_key.fault_of(value):
            raise self._fault(f"{name} is no key")
        return Secret(value)

    def code(self, name: str) -> str:
        """Give a code: one word, however it is made up."""
        value = self._text(name)
        if not 0 < len(value) <= _LONGEST_CODE or not value.isprintable() or any(map(str.isspace, value)):
            raise self._fault(f"{name} is no code")
        return value

    def link(self, name: str) -> str:
        """Give the address of a page of that server: a terminal shows it, and a notebook makes it a link."""
        value = self._text(name)
        scheme, separator, rest = value.partition("://")
        place = re.split(r"[/?#]", rest, maxsplit=1)[0]
        if (
            scheme not in ("http", "https")
            or not separator
            or len(value) > _LONGEST_LINK
            or not value.isascii()
            or not value.isprintable()
            or any(character in value for character in " \\\"'<>`")
            or "@" in place
        ):
            raise self._fault(f"{name} is no address of a page")
        host = f"{scheme}://{place}"
        if host_name(host) != host_name(self._host) and not (is_loopback(host) and is_loopback(self._host)):
            raise self._fault(f"{name} leads to another server")
        return value

    def count(self, name: str) -> int:
        """Give a number of things."""
        value = self._values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_COUNT:
            raise self._fault(f"{name} is no count")
        return value

    def seconds(self, name: str, *, least: float = 0.0, most: float = _LONGEST_LIFE_SECONDS) -> float:
        """Give a length of time."""
        value = self._values.get(name)
        # Compared as it is: a whole number may be too large for a float.
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self._fault(f"{name} is no length of time")
        return float(value)

    def flag(self, name: str) -> bool:
        """Give a yes or a no."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self._fault(f"{name} is neither true nor false")
        return value

    def object(self, name: str) -> "Fields":
        """Give a member that is an object itself."""
        return Fields(self._host, self._values.get(name), name)

    def objects(self, name: str) -> "list[Fields]":
        """Give a list of objects."""
        return [Fields(self._host, each, f"one of {name}") for each in self._list(name)]

    def _text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self._fault(f"{name} is no text")
        return value

    def _list(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if not isinstance(value, list) or len(value) > _MOST_ENTRIES:
            raise self._fault(f"{name} is no list")
        return value

    def _fault(self, what: str) -> ServerError:
        # The value itself is not repeated: it may be a secret, and is not what it should be.
        return ServerError(f"{self._host} does not answer as a runkey server does: {what}.")

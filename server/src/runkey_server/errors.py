"""The one error that rooms raise: a code out of a closed list, and a sentence for the person.

It knows nothing of HTTP or GraphQL. `asgi/failures.py` turns a code into a status, `graphql/executing.py` into GraphQL's own shape.
Anything else that is raised is a fault of ours: the caller sees the word "internal" and a request id, the operator sees the rest.
"""

from typing import Literal

Code = Literal[
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "conflict",
    "gone",
    "too_large",
    "too_many",
    "misdirected",
    "unavailable",
    "internal",
]


class Error(Exception):
    """Something that a caller did, or must wait for.

    message: a sentence that says what happened, to what, and the next step; safe to show to the caller.
    retry_after_seconds: for `unavailable` and `too_many`, when to come again.
    """

    def __init__(self, code: Code, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.retry_after_seconds = retry_after_seconds


def unavailable(what: str) -> Error:
    """Say that something will work again by itself: never a reason for a client to give up."""
    return Error("unavailable", f"{what} Try again in a moment.", retry_after_seconds=2)


def disk_full(retry_after_seconds: int) -> Error:
    """Say that there is no room for data: it will be taken again when somebody makes room, so the client keeps it and comes again."""
    return Error("unavailable", "The server's disk is full. What was sent was not kept.", retry_after_seconds=retry_after_seconds)


def unauthenticated() -> Error:
    """Refuse a credential, without a word about why: unknown, revoked, expired and malformed must look alike."""
    return Error("unauthenticated", "user is not logged in")

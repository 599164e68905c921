"""Reads a body: within its size, and within its time, before any parser sees it.

The server below cuts slow headers, but no server for Python cuts slow bodies, so this does: a body must keep a minimum rate and come to its
end. A declared length beyond the limit is refused before a byte is read.
"""

import asyncio
import urllib.parse
from collections.abc import AsyncIterator
from time import monotonic

from starlette.types import Receive, Scope

from runkey_server.errors import Error

MIN_BYTES_PER_SECOND = 1_024
GRACE_SECONDS = 10
"""For so long no rate is asked for; also the longest silence between two pieces of a body."""

MAX_SECONDS = 180
"""For a body that is read whole. The official client itself waits no longer for an answer."""


class Disconnected(Exception):
    """The client went away while its body was being read: nobody is left to answer."""


class Unclear(Exception):
    """A request that another reader, a proxy before this server, could take for another one."""


def check_framing(scope: Scope) -> None:
    """Refuse a request with more than one host, length, or idea of where its body ends (RFC 9112 sections 3.2, 6.1, 6.3).

    The server below refuses what it cannot read; what it can read in one way of several is refused here. Raises Unclear.
    """
    hosts = ends = 0
    for name, value in scope["headers"]:
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            ends += 1
        elif name == b"transfer-encoding":
            ends += 1 if value.strip().lower() == b"chunked" else 2
    if hosts > 1 or ends > 1:
        raise Unclear("The request names its host, or the length of its body, more than once.")


def header(scope: Scope, name: bytes) -> str | None:
    """Give a request header, its name in lower case; None when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None


def is_one_of_several_writers(scope: Scope) -> bool:
    """Tell whether the official client says that it writes a run together with other processes: its shared mode."""
    return (header(scope, b"x-wandb-use-async-filestream") or "").lower() == "true"


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """Read a whole body. Raises Error `too_large`, `invalid` for one that comes too slowly; Disconnected."""
    pieces = [piece async for piece in stream_body(scope, receive, max_bytes, max_seconds=MAX_SECONDS)]
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def stream_body(scope: Scope, receive: Receive, max_bytes: int, *, max_seconds: float | None = None) -> AsyncIterator[bytes]:
    """Give a body piece by piece, under the same conditions as `read_body`."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        # The whole body is here already: no clock needs to run.
        piece = message.get("body", b"")
        if len(piece) > max_bytes:
            raise _too_large(max_bytes)
        yield piece
        return
    began, received = monotonic(), 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece = message.get("body", b"")
        received += len(piece)
        if received > max_bytes:
            raise _too_large(max_bytes)
        if piece:
            yield piece
        if not message.get("more_body"):
            return
        elapsed = monotonic() - began
        if (elapsed > GRACE_SECONDS and received < elapsed * MIN_BYTES_PER_SECOND) or (max_seconds is not None and elapsed > max_seconds):
            raise _too_slow()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise _too_slow() from None


async def read_form(scope: Scope, receive: Receive, max_bytes: int) -> dict[str, str]:
    """Read a URL-encoded form: name to its last value. Raises Error as `read_body` does, and `invalid` for another content type."""
    content_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise Error("invalid", "A form is expected here, as application/x-www-form-urlencoded.")
    body = await read_body(scope, receive, max_bytes)
    try:
        return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError:
        raise Error("invalid", "The form cannot be read.") from None


def _too_large(max_bytes: int) -> Error:
    return Error("too_large", f"The body is larger than the {max_bytes} bytes allowed here.")


def _too_slow() -> Error:
    # `unavailable`, so that a client on a poor line tries again instead of giving its run up.
    return Error("unavailable", "The body came too slowly. Try again.", retry_after_seconds=5)

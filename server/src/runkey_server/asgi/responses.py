"""Sends an answer: JSON, HTML, text, redirect. Plain functions over ASGI, because the hot routes answer thousands of times a second."""

import asyncio
import json
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from starlette.types import Receive, Send

Headers = Iterable[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")
_encode = msgspec.json.Encoder().encode


async def send_bytes(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send an answer whose body is at hand."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, value: Any, status: int = 200, headers: Headers = ()) -> None:
    """Send a JSON answer, which nobody on the way may keep."""
    try:
        body = _encode(value)
    except (UnicodeEncodeError, OverflowError):
        # Lone surrogates out of a client's JSON have no UTF-8, and whole numbers beyond 64 bits no place in the fast encoder.
        body = json.dumps(value).encode()
    await send_bytes(send, status, body, (_JSON, _NO_STORE, *headers))


async def send_html(send: Send, text: str, status: int = 200, headers: Headers = ()) -> None:
    """Send a page."""
    # Half of a surrogate pair, which a run may log as a key or a value, has no UTF-8.
    await send_bytes(send, status, text.encode("utf-8", "replace"), ((b"content-type", b"text/html; charset=utf-8"), _NO_STORE, *headers))


async def send_redirect(send: Send, path: str, headers: Headers = ()) -> None:
    """Send a browser elsewhere on this server, by GET (303)."""
    await send_bytes(send, 303, b"", ((b"location", path.encode()), _NO_STORE, *headers))


SEND_SECONDS = 60.0
"""For so long a piece may wait until somebody takes it; then whoever asked is given up."""

_SEND_BYTES = 128 * 1024


class Interrupted(Exception):
    """An answer that had begun could not be finished: the connection must break, so that nobody takes half of it for the whole."""


async def send_pieces(
    receive: Receive, send: Send, headers: Headers, next_piece: Callable[[], Awaitable[bytes | None]], *, is_wanted: bool = True
) -> None:
    """Send an answer piece by piece, as fast as it is taken; None ends it. is_wanted: False sends the head alone.

    What fails before the first piece is raised as it is, and can still be answered; after that Interrupted is raised. Pieces are no longer
    asked for when the client is gone.
    """
    piece = await next_piece() if is_wanted else None
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        while piece is not None and not gone.done():
            for at in range(0, len(piece), _SEND_BYTES):
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": piece[at : at + _SEND_BYTES], "more_body": True})
            piece = await next_piece()
        if gone.done():
            return
        await send({"type": "http.response.body", "body": b""})
    except Exception as fault:
        raise Interrupted from fault
    finally:
        gone.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def attachment(name: str) -> tuple[bytes, bytes]:
    """Write a Content-Disposition (RFC 6266) that keeps any name, breaks no header, and has another one for who reads ASCII alone."""
    plain = "".join(character if character.isascii() and (character.isalnum() or character in "-_. ") else "_" for character in name)
    return b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{urllib.parse.quote(name, safe='')}".encode()

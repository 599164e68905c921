"""Sends an answer: JSON, HTML, text, redirect. Plain functions over ASGI, because the hot routes answer thousands of times a second."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.types import Send

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
    await send_bytes(send, status, text.encode(), ((b"content-type", b"text/html; charset=utf-8"), _NO_STORE, *headers))


async def send_redirect(send: Send, path: str, headers: Headers = ()) -> None:
    """Send a browser elsewhere on this server, by GET (303)."""
    await send_bytes(send, 303, b"", ((b"location", path.encode()), _NO_STORE, *headers))

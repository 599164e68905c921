"""The only place where an Error becomes a status code.

Status codes are data here: the official client gives a run up for ever after one 400, 401, 403, 404, 409, 410, 413, 422 or 501. So what
will work again by itself is 503 or 429 with Retry-After, whatever part of the server it comes from.
"""

import json

from starlette.types import Send

from runkey_server.asgi.responses import send_bytes, send_json
from runkey_server.errors import Code, Error

STATUS: dict[Code, int] = {
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "gone": 410,
    "too_large": 413,
    "misdirected": 421,
    "too_many": 429,
    "internal": 500,
    "unavailable": 503,
}

# Every refused credential gets these very bytes: unknown, revoked, expired and malformed must look alike. The shape is the one that
# the official client shows a person as "user is not logged in".
UNAUTHENTICATED_BODY = json.dumps(
    {
        "errors": [{"message": "user is not logged in", "path": ["viewer"], "extensions": {"code": "PERMISSION_ERROR"}}],
        "data": {"viewer": None},
    }
).encode()
_UNAUTHENTICATED_HEADERS = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    # Not Basic, which would open a browser's own dialog.
    (b"www-authenticate", b"Bearer"),
)


async def send_error(send: Send, error: Error) -> None:
    """Answer with an error, in the shape that clients of GraphQL, of file_stream and of ours all read."""
    if error.code == "unauthenticated":
        await send_bytes(send, 401, UNAUTHENTICATED_BODY, _UNAUTHENTICATED_HEADERS)
        return
    headers = []
    if error.retry_after_seconds is not None:
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    body = {
        "error": error.message,
        "errors": [{"message": error.message, "extensions": {"code": error.code.upper()}}],
    }
    await send_json(send, body, STATUS[error.code], headers)

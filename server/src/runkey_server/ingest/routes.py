"""POST /files/{entity}/{project}/{run}/file_stream: what a run tells while it runs.

200 with a JSON object, after the commit. `stopped: true` in it interrupts the script.
"""

import json
import zlib
from typing import Any

import msgspec
from anyio import to_thread
from starlette.types import Receive, Scope, Send

from runkey_server import errors, runs
from runkey_server.asgi.middleware import ACTOR
from runkey_server.asgi.rates import RateLimit
from runkey_server.asgi.requests import header, is_one_of_several_writers, read_body
from runkey_server.asgi.responses import send_json
from runkey_server.claiming import Offer
from runkey_server.clock import Clock
from runkey_server.database import Database, Grouped
from runkey_server.errors import Error
from runkey_server.ingest.applying import apply
from runkey_server.keys import Authenticator
from runkey_wire import file_stream, limits
from runkey_wire.errors import Malformed

REQUESTS_PER_SECOND = 1_000
"""For one key. The official client sends a request every few seconds a run; a key may serve hundreds of runs."""

_MAX_PLAIN_BYTES = 64 * limits.MEBIBYTE
"""What a zipped body may become: the official client puts 10 MiB into one, ours 16."""

_decode = msgspec.json.Decoder().decode


class FileStreamDoor:
    """The route, as a plain ASGI application."""

    def __init__(self, database: Database, authenticator: Authenticator, offer: Offer, clock: Clock) -> None:
        """Serve one worker."""
        self._database = database
        self._grouped = Grouped(database)
        self._authenticator = authenticator
        self._caps = offer.caps
        self._clock = clock
        self._rate = RateLimit(REQUESTS_PER_SECOND)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep one request."""
        actor = await self._authenticator.authenticate(header(scope, b"authorization"))
        if actor is None:
            raise errors.unauthenticated()
        scope.setdefault("state", {})[ACTOR] = actor
        self._rate.take(actor.key_id or actor.entity)
        body = await read_body(scope, receive, limits.MAX_FILE_STREAM_BYTES)
        self._database.check_room()
        path = scope["path_params"]
        stop = await to_thread.run_sync(
            lambda: apply(
                self._grouped,
                actor,
                path["entity"],
                path["project"],
                path["run"],
                _parse(_plain(body, header(scope, b"content-encoding"))),
                self._clock(),
                caps=self._caps,
                writer=_writer_of(scope),
            )
        )
        await send_json(send, {"stopped": True} if stop else {})


def _writer_of(scope: Scope) -> str | None:
    """Tell which of several writers of a run asks. Raises Error `invalid` for a name that is none."""
    if not is_one_of_several_writers(scope):
        return None
    writer = header(scope, b"x-wandb-async-client-id") or ""
    if not 0 < len(writer) <= runs.MAX_WRITER_CHARACTERS or not writer.isascii() or not writer.isprintable():
        raise Error("invalid", f"X-Wandb-Async-Client-Id must name who writes, in at most {runs.MAX_WRITER_CHARACTERS} characters.")
    return writer


def _plain(body: bytes, encoding: str | None) -> bytes:
    """Undo gzip. Raises Error `invalid` for another encoding, for what is none, and for far more than it should become."""
    if encoding is None or encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() != "gzip":
        raise Error("invalid", f"The content encoding {encoding[:40]!r} is not known here: gzip, or none.")
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(body, _MAX_PLAIN_BYTES)
    except zlib.error:
        raise Error("invalid", "The body is not gzip, as its content encoding says.") from None
    if unzip.unconsumed_tail:
        raise Error("invalid", f"The body becomes larger than {_MAX_PLAIN_BYTES} bytes.")
    if not unzip.eof or unzip.unused_data:
        raise Error("invalid", "The body is not one whole gzip member.")
    return plain


def _parse(body: bytes) -> file_stream.FileStreamRequest:
    try:
        return file_stream.parse(_decode_leniently(body) if body else {})
    except (ValueError, RecursionError) as error:
        if not isinstance(error, Malformed):
            raise Error("invalid", "The body is not JSON.") from None
        raise Error("invalid", f"{error}.") from None


def _decode_leniently(body: bytes) -> Any:
    """Read JSON, also what only the standard library takes: half of a surrogate pair, which a program may well print."""
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return json.loads(body)

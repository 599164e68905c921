"""PUT, GET, OPTIONS /storage/{token}: the bytes of files, by signed addresses.

The official client sends no credential with its PUT, so the address carries the right to it. Where one is presented all the same it must
be good: a wrong key is refused everywhere. What is given out is a download, in a sandbox: a file that a run saved must never act as a
page of this server.
"""

import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path

from anyio import open_file, to_thread
from starlette.types import Receive, Scope, Send

from runkey_server import accounts, claiming
from runkey_server.asgi.requests import header, stream_body
from runkey_server.asgi.responses import send_bytes
from runkey_server.claiming import Offer
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Directory, File, Grant, Signer, find_file, save
from runkey_server.keys import Authenticator
from runkey_server.runs import get_run_by_id

_READ_BYTES = 256 * 1024
# `wandb verify` asks for these; the address itself is the secret, so any origin that holds it may use it.
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, PUT, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"3600"),
)


class StorageDoor:
    """The route, as a plain ASGI application."""

    def __init__(
        self, database: Database, directory: Directory, signer: Signer, authenticator: Authenticator, offer: Offer, clock: Clock
    ) -> None:
        """Serve one worker."""
        self._database = database
        self._directory = directory
        self._signer = signer
        self._authenticator = authenticator
        self._caps = offer.caps
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take in or give out one file."""
        if scope["method"] == "OPTIONS":
            await send_bytes(send, 204, b"", _CORS)
            return
        await self._authenticator.authenticate(header(scope, b"authorization"))
        # HEAD asks for no more than GET would give.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        grant = self._signer.read(scope["path_params"]["token"], method)
        if method == "PUT":
            room = await to_thread.run_sync(self._room_for, grant)
            body = stream_body(scope, receive, grant.max_bytes if room is None else min(room, grant.max_bytes))
            await self._put(grant, body, send, counts=room is not None)
        else:
            await self._get(grant, send, with_body=scope["method"] == "GET")

    async def _put(self, grant: Grant, body: AsyncIterator[bytes], send: Send, *, counts: bool) -> None:
        file = await save(self._database, self._directory, grant, body, self._clock())
        if counts:
            await to_thread.run_sync(self._count, grant, file.size_bytes)
        await send_bytes(send, 200, b"", (*_CORS, (b"etag", f'"{file.sha256}"'.encode())))

    async def _get(self, grant: Grant, send: Send, *, with_body: bool) -> None:
        file = await to_thread.run_sync(self._find, grant)
        path = self._directory.path(file.sha256)
        if not await to_thread.run_sync(path.is_file):
            raise Error("internal", "The bytes of this file are missing on the server.")
        headers = (
            *_CORS,
            (b"content-type", file.mimetype.encode()),
            (b"content-length", str(file.size_bytes).encode()),
            (b"content-disposition", _attachment(file.name)),
            (b"content-security-policy", b"sandbox; default-src 'none'"),
            (b"cache-control", b"private, no-store"),
            (b"etag", f'"{file.sha256}"'.encode()),
        )
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        if with_body:
            await _send_file(send, path)
        await send({"type": "http.response.body", "body": b""})

    def _room_for(self, grant: Grant) -> int | None:
        """Give how many bytes its owner may still store; None without a limit.

        Raises Error `not_found`, `forbidden` when none are left, `unavailable` when the disk has none left.
        """
        self._database.check_room()
        with self._database.reading() as transaction:
            run = get_run_by_id(transaction, grant.run_id)
            return claiming.room_for(transaction, run.account_id, self._caps)

    def _count(self, grant: Grant, size_bytes: int) -> None:
        with self._database.writing() as transaction:
            accounts.count_bytes(transaction, get_run_by_id(transaction, grant.run_id).account_id, size_bytes)

    def _find(self, grant: Grant) -> File:
        with self._database.reading() as transaction:
            get_run_by_id(transaction, grant.run_id)
            file = find_file(transaction, grant.run_id, grant.name)
        if file is None:
            raise Error("not_found", "There is no such file.")
        return file


async def _send_file(send: Send, path: Path) -> None:
    async with await open_file(path, "rb") as file:
        while piece := await file.read(_READ_BYTES):
            await send({"type": "http.response.body", "body": piece, "more_body": True})


def _attachment(name: str) -> bytes:
    """Write a Content-Disposition (RFC 6266) that keeps any name and breaks no header."""
    return b"attachment; filename*=UTF-8''" + urllib.parse.quote(name.rsplit("/", 1)[-1], safe="").encode()

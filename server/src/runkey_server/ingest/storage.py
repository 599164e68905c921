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

from runkey_server import accounts
from runkey_server.accounts import Account
from runkey_server.asgi.requests import header, stream_body
from runkey_server.asgi.responses import send_bytes
from runkey_server.claiming import Offer
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Directory, Download, Grant, Kept, Signer, find_download, save
from runkey_server.ingest.reserving import Room, cost_of
from runkey_server.keys import Authenticator
from runkey_server.projects import find_project_by_id
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
        owner = await to_thread.run_sync(self._owner_of, grant)
        if method == "PUT":
            self._database.check_room()
            body = stream_body(scope, receive, grant.max_bytes)
            if owner.is_anonymous:
                kept = await self._save_within(owner, grant, body, header(scope, b"content-length"))
            else:
                kept = await save(self._database, self._directory, grant, body, self._clock())
            await send_bytes(send, 200, b"", (*_CORS, (b"etag", f'"{kept.sha256}"'.encode())))
        else:
            await self._get(grant, send, with_body=scope["method"] == "GET")

    async def _save_within(self, owner: Account, grant: Grant, body: AsyncIterator[bytes], declared: str | None) -> Kept:
        """Keep a file of an account that may not keep much; the same file again counts for nothing."""
        room, used = Room(self._database, owner.id, self._caps), 0
        before = await to_thread.run_sync(self._find, grant)
        try:
            name = grant.name or grant.md5
            kept = await save(self._database, self._directory, grant, room.fill(body, name, declared), self._clock())
            used = 0 if before is not None and before.sha256 == kept.sha256 else cost_of(name, kept.size_bytes)
        finally:
            await to_thread.run_sync(room.settle, used)
        return kept

    async def _get(self, grant: Grant, send: Send, *, with_body: bool) -> None:
        file = await to_thread.run_sync(self._find, grant)
        if file is None:
            raise Error("not_found", "There is no such file.")
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

    def _owner_of(self, grant: Grant) -> Account:
        """Give whose run or project it is.

        Raises Error `not_found`; `forbidden` when the account's credentials count no more: this is one of them.
        """
        with self._database.reading() as transaction:
            if grant.kind == "file":
                account_id = get_run_by_id(transaction, grant.owner_id).account_id
            else:
                project = find_project_by_id(transaction, grant.owner_id)
                if project is None or project.deleted_at is not None:
                    raise Error("not_found", "There is no such project.")
                account_id = project.account_id
            owner = accounts.find_account_by_id(transaction, account_id)
        if owner is None or not owner.is_active:
            raise Error("forbidden", "This address is not, or no longer, valid.")
        return owner

    def _find(self, grant: Grant) -> Download | None:
        with self._database.reading() as transaction:
            return find_download(transaction, grant)


async def _send_file(send: Send, path: Path) -> None:
    async with await open_file(path, "rb") as file:
        while piece := await file.read(_READ_BYTES):
            await send({"type": "http.response.body", "body": piece, "more_body": True})


def _attachment(name: str) -> bytes:
    """Write a Content-Disposition (RFC 6266) that keeps any name and breaks no header."""
    return b"attachment; filename*=UTF-8''" + urllib.parse.quote(name.rsplit("/", 1)[-1], safe="").encode()

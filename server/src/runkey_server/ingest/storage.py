"""PUT, GET, OPTIONS /storage/{token}: the bytes of files, by signed addresses.

The official client sends no credential with its PUT, so the address carries the right to it. Where one is presented all the same it must
be good: a wrong key is refused everywhere. What is given out is a download, in a sandbox: a file that a run saved must never act as a
page of this server.
"""

import base64
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path

from anyio import open_file, to_thread
from starlette.types import Receive, Scope, Send

from runkey_server import accounts
from runkey_server.accounts import Account
from runkey_server.artifacts import note_arrival
from runkey_server.asgi.ranges import Unsatisfiable, find_span
from runkey_server.asgi.requests import header, stream_body
from runkey_server.asgi.responses import send_bytes
from runkey_server.claiming import Offer
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Directory, Download, Grant, Kept, Signer, file_name_fault, find_download, note_refusal, save
from runkey_server.ingest.reserving import OfAnonymous, OfQuota, Room, cost_of
from runkey_server.keys import Authenticator
from runkey_server.projects import find_project_by_id
from runkey_server.retention import Quota
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
        self,
        database: Database,
        directory: Directory,
        signer: Signer,
        authenticator: Authenticator,
        offer: Offer,
        quota: Quota,
        clock: Clock,
    ) -> None:
        """Serve one worker."""
        self._database = database
        self._directory = directory
        self._signer = signer
        self._authenticator = authenticator
        self._caps = offer.caps
        self._quota = quota
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
        project_id, owner = await to_thread.run_sync(self._owner_of, grant)
        if method == "PUT":
            self._database.check_room()
            try:
                kept = await self._save(project_id, owner, grant, scope, receive)
            except Error as error:
                if grant.kind == "file" and error.code in ("invalid", "forbidden", "too_large"):
                    await to_thread.run_sync(self._note_refusal, grant, error.message)
                raise
            # The official client tells what it read here when all parts of a file were sent: of each its MD5, as S3 has it.
            tag = base64.b64decode(kept.md5).hex() if grant.kind == "blob" else kept.sha256
            await send_bytes(send, 200, b"", (*_CORS, (b"etag", f'"{tag}"'.encode())))
        else:
            await self._get(grant, scope, send)

    async def _save(self, project_id: int, owner: Account, grant: Grant, scope: Scope, receive: Receive) -> Kept:
        """Keep a file or a blob, where its name, its size, and the room that there is allow it; the same again counts for nothing."""
        fault = file_name_fault(grant.name)
        if fault and grant.kind == "file":
            raise Error("invalid", f"{grant.name[:80]!r} {fault}.")
        declared = header(scope, b"content-length")
        if declared and declared.isdecimal():
            self._quota.check_file(int(declared))
        body = stream_body(scope, receive, grant.max_bytes)
        rooms = [(Room(OfQuota(self._quota, owner.id, project_id)), 0)]
        if owner.is_anonymous:
            name = grant.name or grant.md5
            rooms.append((Room(OfAnonymous(self._database, owner.id, self._caps, name)), cost_of(name, 0)))
        for room, _ in rooms:
            body = room.fill(body, declared)
        before = await to_thread.run_sync(self._find, grant)
        used: int | None = None
        try:
            kept = await save(self._database, self._directory, grant, self._within(body), self._clock(), note_arrival)
            used = None if before is not None and before.sha256 == kept.sha256 else kept.size_bytes
        finally:
            for room, extra in rooms:
                await to_thread.run_sync(room.settle, 0 if used is None else used + extra)
        return kept

    async def _within(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        arrived = 0
        async for piece in body:
            arrived += len(piece)
            self._quota.check_file(arrived)
            yield piece

    def _note_refusal(self, grant: Grant, reason: str) -> None:
        with self._database.writing() as transaction:
            note_refusal(transaction, grant.owner_id, grant.name, reason, self._clock())

    async def _get(self, grant: Grant, scope: Scope, send: Send) -> None:
        file = await to_thread.run_sync(self._find, grant)
        if file is None:
            raise Error("not_found", "There is no such file.")
        path = self._directory.path(file.sha256)
        if not await to_thread.run_sync(path.is_file):
            raise Error("internal", "The bytes of this file are missing on the server.")
        etag = f'"{file.sha256}"'
        always = (
            *_CORS,
            (b"accept-ranges", b"bytes"),
            (b"etag", etag.encode()),
            (b"content-security-policy", b"sandbox; default-src 'none'"),
        )
        try:
            span = find_span(header(scope, b"range"), file.size_bytes, if_range=header(scope, b"if-range"), etag=etag)
        except Unsatisfiable:
            await send_bytes(send, 416, b"", (*always, (b"content-range", f"bytes */{file.size_bytes}".encode())))
            return
        first, length = (span.first, span.length) if span else (0, file.size_bytes)
        headers = [
            *always,
            (b"content-type", file.mimetype.encode()),
            (b"content-length", str(length).encode()),
            (b"content-disposition", _attachment(file.name)),
            (b"cache-control", b"private, no-store"),
        ]
        if span:
            headers.append((b"content-range", f"bytes {first}-{first + length - 1}/{file.size_bytes}".encode()))
        await send({"type": "http.response.start", "status": 206 if span else 200, "headers": headers})
        if scope["method"] == "GET":
            await _send_file(send, path, first, length)
        await send({"type": "http.response.body", "body": b""})

    def _owner_of(self, grant: Grant) -> tuple[int, Account]:
        """Give the project, and whose it is.

        Raises Error `not_found`; `forbidden` when the account's credentials count no more, of which this is one.
        """
        with self._database.reading() as transaction:
            project_id = grant.owner_id if grant.kind == "blob" else get_run_by_id(transaction, grant.owner_id).project_id
            project = find_project_by_id(transaction, project_id)
            if project is None or project.deleted_at is not None:
                raise Error("not_found", "There is no such project.")
            owner = accounts.find_account_by_id(transaction, project.account_id)
        if owner is None or not owner.is_active:
            raise Error("forbidden", "This address is not, or no longer, valid.")
        return project_id, owner

    def _find(self, grant: Grant) -> Download | None:
        with self._database.reading() as transaction:
            return find_download(transaction, grant)


async def _send_file(send: Send, path: Path, first: int, length: int) -> None:
    async with await open_file(path, "rb") as file:
        await file.seek(first)
        while length and (piece := await file.read(min(_READ_BYTES, length))):
            length -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})


def _attachment(name: str) -> bytes:
    """Write a Content-Disposition (RFC 6266) that keeps any name and breaks no header."""
    return b"attachment; filename*=UTF-8''" + urllib.parse.quote(name.rsplit("/", 1)[-1], safe="").encode()

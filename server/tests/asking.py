"""Asks the application of a house as the server below it would, byte for byte, and looks over what is answered and what is logged."""

import contextlib
import json
import logging
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from house import HERE, House, look_over
from junk_requests import Request

from runkey_server import app
from runkey_server.settings import Settings

LONGEST_SECONDS = 20
"""An answer that takes longer hangs. Far above what anything here takes, also on a machine that is busy with other things."""


@dataclass
class Answer:
    """What came back. status 0: the connection was broken off."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    seconds: float = 0.0

    def json(self) -> Any:
        """Read it as strict JSON."""
        return json.loads(self.body, parse_constant=lambda word: 1 / 0)


def routes() -> list[tuple[str, list[str]]]:
    """Read the route table of an application that never begins to serve: addresses and their methods."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        frame = app.build(Settings(data=Path(folder), reserve_bytes=0))
        return [(route.path, sorted(set(route.methods) - {"HEAD"})) for route in sorted(frame._app.routes, key=lambda each: each.path)]


def ask(house: House, request: Request) -> Answer:
    """Send one request; every answer is held to what all answers keep."""
    raw, _, query = request.target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": urllib.parse.unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", house.base_url.partition("://")[2].encode()), *request.headers],
        "client": (HERE, 50000),
        "server": ("127.0.0.1", 8080),
        # What is said at the beginning of an application's life, as the server below hands it on.
        "state": {},
    }
    pieces = list(request.pieces or (b"",))
    answer = Answer()

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0) if pieces else None
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        else:
            answer.body += message.get("body", b"")

    began = time.monotonic()
    if house.client.portal is None:
        # A quiet house has no loop of its own.
        anyio.run(house.client.app, scope, receive, send)
    else:
        house.client.portal.call(house.client.app, scope, receive, send)
    answer.seconds = time.monotonic() - began
    told = (request.method, request.target[:200], answer.status, answer.seconds)
    assert answer.seconds < LONGEST_SECONDS, told
    if answer.status:
        url = house.base_url + urllib.parse.quote(scope["path"], errors="replace")
        look_over(httpx2.Response(answer.status, headers=answer.headers, request=httpx2.Request("GET", url)))
    return answer


class Logged(logging.Handler):
    """All that is logged meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextlib.contextmanager
def logged(*secrets: str) -> Iterator[Logged]:
    """Keep what is logged; at the end there must be no traceback in it, and none of these secrets."""
    kept, logger = Logged(), logging.getLogger("runkey_server")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(kept)
    try:
        yield kept
    finally:
        logger.removeHandler(kept)
        logger.setLevel(before)
    check_log(kept.lines, *secrets)


def check_log(lines: list[str], *secrets: str) -> None:
    faults = [line for line in lines if " failed: " in line or "Traceback" in line]
    assert not faults, "\n".join(faults)[:5_000]
    for secret in secrets:
        assert not any(secret in line for line in lines)

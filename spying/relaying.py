"""Stands between a client and a server, hands everything on as it is, and tells of each exchange when it is over.

A server on this machine is asked under the name that the client used, so that the addresses in its answers lead back here; of another
server's answers that are JSON the address is replaced. Answers are asked for unzipped.
"""

import http.client
import io
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# RFC 9110 section 7.6.1: these are between two neighbours.
_OF_A_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
)
_PIECE = 64 * 1024
_KEPT_BYTES = 32 * 1024 * 1024
"""Of a body, to look into; what is longer is handed on all the same."""

_PATIENCE_SECONDS = 300
_LAST_SECONDS = 5


@dataclass
class Exchange:
    """One request and its answer. status 0: the server did not answer. body, answer: as much as was kept; sizes count all."""

    method: str
    target: str
    headers: dict[str, str]
    began: float
    body: bytes = b""
    body_size: int = 0
    status: int = 0
    answer_type: str = ""
    answer: bytes = b""
    answer_size: int = 0
    seconds: float = 0.0
    fault: str | None = None


class Relay:
    """Listens from the beginning on, a thread a connection."""

    def __init__(self, listen: tuple[str, int], upstream: str, on_exchange: Callable[[Exchange], None]) -> None:
        """Lead from an address to a server. on_exchange: called from many threads."""
        self._server = _Server(listen, _Handler)
        self._server.upstream = urllib.parse.urlsplit(upstream)
        self._server.on_exchange = on_exchange
        host, port = self._server.server_address[:2]
        self.url = self._server.url = f"http://{host}:{port}"  # type: ignore[str-bytes-safe]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_until_idle(self) -> None:
        """Wait until what was asked is answered, unless it is held for long."""
        with self._server.change:
            self._server.change.wait_for(lambda: not self._server.under_way, _LAST_SECONDS)

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    upstream: urllib.parse.SplitResult
    url: str
    on_exchange: Callable[[Exchange], None]

    def __init__(self, *words: Any) -> None:
        self.under_way = 0
        self.change = threading.Condition()
        super().__init__(*words)

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a client that went away is none of ours."""


@dataclass
class _Counted(io.RawIOBase):
    """A body of known length that is handed on piece by piece."""

    source: Any
    left: int
    kept: bytearray = field(default_factory=bytearray)

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self.source.read(min(self.left, _PIECE if size < 0 else size))
        self.left -= len(piece)
        if len(self.kept) < _KEPT_BYTES:
            self.kept += piece
        return piece

    def __bool__(self) -> bool:
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._relay
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the exchange is told."""

    def _relay(self) -> None:
        exchange = Exchange(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, time.time())
        began = time.perf_counter()
        with self.server.change:
            self.server.under_way += 1
        try:
            self._hand_on(exchange)
        except OSError as fault:
            exchange.fault = f"{type(fault).__name__}: {fault}"
            self.close_connection = True
        finally:
            exchange.seconds = time.perf_counter() - began
            self.server.on_exchange(exchange)
            with self.server.change:
                self.server.under_way -= 1
                self.server.change.notify_all()

    def _hand_on(self, exchange: Exchange) -> None:
        upstream = self.server.upstream
        kind = http.client.HTTPSConnection if upstream.scheme == "https" else http.client.HTTPConnection
        connection = kind(upstream.hostname or "", upstream.port, timeout=_PATIENCE_SECONDS)
        try:
            try:
                answer = self._ask(connection, exchange)
            except (OSError, http.client.HTTPException) as fault:
                exchange.fault = f"the server did not answer: {type(fault).__name__}"
                self.close_connection = True
                # What a client tries again after.
                self.send_error(502)
                return
            self._give(answer, exchange)
        finally:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, exchange: Exchange) -> http.client.HTTPResponse:
        length = self.headers.get("Content-Length")
        body: Any = None
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            exchange.body = body = self._read_chunks()
            exchange.body_size = len(body)
        elif length and length.isdecimal():
            body = _Counted(self.rfile, int(length))
            exchange.body_size = int(length)
        is_ours_to_name = (self.server.upstream.hostname or "") in _LOOPBACK
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self.headers.get("Host", "") if is_ours_to_name else self.server.upstream.netloc)
        for name, value in self.headers.items():
            if name.lower() not in _OF_A_CONNECTION | {"host", "accept-encoding", "expect"}:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(exchange.body_size))
        connection.putheader("Accept-Encoding", "identity")
        connection.endheaders(body)
        answer = connection.getresponse()
        if isinstance(body, _Counted):
            exchange.body = bytes(body.kept)
            if body.left:
                # Answered before it was all read: what is left of it would be taken for the next request.
                self.close_connection = True
        return answer

    def _read_chunks(self) -> bytes:
        """Read a chunked body (RFC 9112 section 7.1)."""
        pieces = []
        while size := int(self.rfile.readline(1_000).partition(b";")[0].strip() or b"0", 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline(10)
        while self.rfile.readline(10_000).strip():
            pass
        return b"".join(pieces)

    def _give(self, answer: http.client.HTTPResponse, exchange: Exchange) -> None:
        exchange.status, exchange.answer_type = answer.status, answer.headers.get("Content-Type", "")
        has_body = self.command != "HEAD" and answer.status not in (204, 304)
        text: bytes | None = None
        theirs = self.server.upstream.geturl().rstrip("/").encode()
        if has_body and "json" in exchange.answer_type and theirs:
            text = answer.read().replace(theirs, self.server.url.encode())
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _OF_A_CONNECTION:
                self.send_header(name, value.replace(theirs.decode(), self.server.url) if name.lower() == "location" else value)
        length = str(len(text)) if text is not None else answer.headers.get("Content-Length")
        is_chunked = has_body and length is None
        if length is not None:
            self.send_header("Content-Length", length)
        elif is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if not has_body:
            return
        pieces = iter([text]) if text is not None else iter(lambda: answer.read1(_PIECE), b"")
        kept = bytearray()
        for piece in pieces:
            exchange.answer_size += len(piece)
            if len(kept) < _KEPT_BYTES:
                kept += piece
                exchange.answer = bytes(kept) if text is not None else b""
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            self.wfile.flush()
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()

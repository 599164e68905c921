"""A server that answers as a test tells it to: by itself it proves who it is and knows one key, and each answer can be replaced."""

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runkey_wire import api_key, identity

KEY = api_key.join("user", "a" * 30)
MACHINE_KEY = api_key.join("machine", "b" * 30)
ANONYMOUS_KEY = api_key.join("anonymous", "c" * 30)
PROOF, METADATA, DEVICE, TOKEN, REVOKE = (
    "/.well-known/runkey",
    "/.well-known/oauth-authorization-server",
    "/oauth/device_authorization",
    "/oauth/token",
    "/oauth/revoke",
)
KEY_SHOWN = {
    "id": "key_1",
    "name": "rku_…Zp",
    "description": None,
    "kind": "user",
    "lastFour": "abZp",
    "state": "active",
    "createdAt": "2026-01-01T00:00:00Z",
    "lastUsedAt": None,
    "expiresAt": None,
    "revokedAt": None,
}
VIEWER = {
    "id": "x",
    "username": "mira",
    "entity": "mira",
    "email": None,
    "admin": False,
    "claimedEntities": [],
    "currentApiKey": KEY_SHOWN,
}
BUCKET = {"name": "r1", "displayName": "d", "project": {"name": "p", "entity": {"name": "mira"}}}

Answer = Callable[["Request"], None] | tuple[Any, ...]


@dataclass(frozen=True)
class Asked:
    """What one request was. secret: its Authorization; port: of the client's end, by which connections are told apart."""

    route: str
    body: str
    secret: str | None
    port: int


class Request(BaseHTTPRequestHandler):
    """A request, and how it is answered."""

    protocol_version = "HTTP/1.1"
    server: "Answering"

    def any(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.route, _, self.query = self.path.partition("?")
        self.server.requests.append(Asked(self.route, self.body, self.headers.get("authorization"), self.client_address[1]))
        for named, answer in self.server.answers.items():
            if self.route == named or (self.route == "/graphql" and named in self.body):
                if callable(answer):
                    answer(self)
                else:
                    self.answer(*answer)
                return
        self.answer(*self.server.usual(self))

    do_GET = do_POST = do_PUT = any  # noqa: N815

    def answer(self, status: int, body: object, **headers: str) -> None:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content_type": "application/json", "content_length": str(len(sent)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Answering(ThreadingHTTPServer):
    """The server. answers: by path, or by a word of a GraphQL document; requests: what it was asked so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers: dict[str, Answer] = {}
        self.requests: list[Asked] = []
        self.signing = Ed25519PrivateKey.generate()

    def usual(self, request: Request) -> tuple[int, object]:
        if request.route == PROOF:
            challenge = identity.decode(urllib.parse.parse_qs(request.query)["challenge"][0], 32, "challenge")
            public = self.signing.public_key().public_bytes_raw()
            signature = self.signing.sign(identity.message("127.0.0.1", challenge))
            return 200, {"public_key": identity.encode(public), "signature": identity.encode(signature)}
        if request.route == METADATA:
            return 200, {"issuer": self.url}
        if request.route == DEVICE:
            codes = {"device_code": "the-device-code", "user_code": "BCDF-GHJK", "verification_uri": f"{self.url}/device"}
            return 200, {**codes, "expires_in": 600, "interval": 1}
        if request.route == TOKEN:
            return 200, {"access_token": MACHINE_KEY, "token_type": "Bearer", "account": "mira", "machine_id": "mac_1", "expires_in": 900}
        if "query Viewer" in request.body:
            return 200, {"data": {"viewer": VIEWER}}
        if "upsertBucket" in request.body:
            return 200, {"data": {"upsertBucket": {"inserted": True, "bucket": BUCKET}}}
        if "revokeApiKey" in request.body:
            return 200, {"data": {"revokeApiKey": {"apiKey": KEY_SHOWN}}}
        return 200, {"data": {}}

    def asked(self, word: str) -> list[Asked]:
        """The requests to a path, or with a word in the body."""
        return [request for request in self.requests if request.route == word or word in request.body]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that left in the middle."""


@contextmanager
def answering() -> Iterator[Answering]:
    server = Answering()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

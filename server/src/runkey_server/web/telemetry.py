"""`POST /sdk/otel/v1/{metrics,logs,traces}`: where the official client sends figures about itself, without a credential.

Nothing is kept. It tries again and again unless an OTLP answer comes, so it gets one: an empty ExportMetricsServiceResponse.
"""

from starlette.types import Receive, Scope, Send

from runkey_server.asgi.hosts import Hosts
from runkey_server.asgi.rates import RateLimit
from runkey_server.asgi.requests import read_body
from runkey_server.asgi.responses import send_bytes

_MAX_BYTES = 1024 * 1024
_PER_SECOND = 50


class Telemetry:
    """The route, as a plain ASGI application."""

    def __init__(self, hosts: Hosts) -> None:
        """Limit by the address that a request comes from."""
        self._hosts = hosts
        self._rate = RateLimit(_PER_SECOND)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one report and forget it."""
        self._rate.take(self._hosts.client_of(scope))
        await read_body(scope, receive, _MAX_BYTES)
        await send_bytes(send, 200, b"", [(b"content-type", b"application/x-protobuf")])

"""What stands before every route: the host check, a request id, headers on every answer, errors to answers, the access log.

One layer, not five, because each costs every request. The log names method, path, status, duration, and the public handle of the key;
never a query, a header or a body, never the token of a signed address, and nothing that looks like a key or a code.
"""

import logging
import re
import secrets
import traceback
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runkey_server.asgi.failures import send_error
from runkey_server.asgi.hosts import Hosts
from runkey_server.asgi.requests import Disconnected, Unclear, check_framing
from runkey_server.asgi.responses import Interrupted
from runkey_server.errors import Error

access_log = logging.getLogger("runkey_server.access")
error_log = logging.getLogger("runkey_server.errors")

ACTOR = "runkey.actor"
"""Key of the scope's `state` under which a route leaves the Actor for the log."""

# What somebody may have typed or pasted after the address by mistake: a key, the code of a link or of a login.
_SECRET = re.compile(r"[\w-]{40,}|(?<!\w)rk[a-z]_[\w-]+|(?<!\w)[B-DF-HJ-NP-TV-XZ]{4,5}-[B-DF-HJ-NP-TV-XZ]{4,5}(?!\w)", re.ASCII)

# Answered under any name: a load balancer asks by address.
_ANY_HOST = frozenset({"/healthz", "/readyz", "/ready"})

_FRAMES = b"x-frame-options"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: under it browsers send `Origin: null` with our own forms, and there is nothing left to check.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (_FRAMES, b"DENY"),
)
REPORTS_PATH = "/.well-known/runkey/reports"
"""Where browsers tell of what a policy kept from happening."""


def content_policy(form_action: str = "'self'") -> tuple[tuple[bytes, bytes], ...]:
    """Write the headers of a page's content policy. form_action: where its forms may lead."""
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; frame-src 'self'; "
        f"connect-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
        f"report-uri {REPORTS_PATH}; report-to policy"
    )
    # Chromium reports by `report-to`, whose place this names; Firefox and Safari by `report-uri`.
    return ((b"content-security-policy", policy.encode()), (b"reporting-endpoints", f'policy="{REPORTS_PATH}"'.encode()))


_POLICY = content_policy()
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class Frame:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        """Stand before an application."""
        self._app = app
        self._hosts = hosts
        self._headers = (*_HEADERS, _HSTS) if hosts.is_https else _HEADERS
        self._frameable = tuple(each for each in self._headers if each[0] != _FRAMES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id = secrets.token_hex(8)
        status = 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                # A route that sets its own policy (downloads do) knows better.
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers += _POLICY
                # What is shown in a frame of ours says so.
                framed = self._headers if not any(name == _FRAMES for name, _ in headers) else self._frameable
                message["headers"] = [*headers, *framed, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._answer(scope, receive, send_framed, request_id, lambda: status)
        finally:
            self._log(scope, status, perf_counter() - began, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str, status: object) -> None:
        try:
            check_framing(scope)
            if scope["path"] not in _ANY_HOST:
                self._hosts.check(scope)
            await self._app(scope, receive, send)
        except Disconnected:
            # Whoever went away hears nothing; whoever wrote what is no body hears why, and not from the server below, as its own fault.
            if not (callable(status) and status()):
                await send_error(send, Error("invalid", "The body broke off before its end."))
        except Unclear as fault:
            await send_error(_closing(send), Error("invalid", str(fault)))
        except Interrupted as fault:
            error_log.warning("request %s was interrupted: %s", request_id, type(fault.__cause__).__name__)
            raise
        except Error as error:
            if callable(status) and status():
                raise
            await send_error(send, error)
        except Exception as fault:
            # The message of an exception may hold what a client sent; its kind and place do not.
            place = "".join(traceback.format_tb(fault.__traceback__)[-6:])
            error_log.error("request %s failed: %s\n%s", request_id, type(fault).__name__, place)
            if callable(status) and status():
                raise
            await send_error(send, Error("internal", f"Internal error. The operator finds it under request {request_id}."))

    def _log(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        if not access_log.isEnabledFor(logging.INFO):
            return
        actor = scope.get("state", {}).get(ACTOR)
        access_log.info(
            "%s %s %s %d %.1fms %s %s",
            self._hosts.client_of(scope) or "-",
            scope["method"],
            _loggable(scope["path"]),
            status,
            seconds * 1000,
            (actor.key_id or actor.entity) if actor else "-",
            request_id,
        )


def _closing(send: Send) -> Send:
    """Answer, and close the connection: where the next request begins on it is not sure."""

    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return send_and_close


def _loggable(path: str) -> str:
    if path.startswith("/storage/"):
        return "/storage/…"
    masked = _SECRET.sub("…", path[:2_000])
    return "".join(character if character.isprintable() else "?" for character in masked[:300])

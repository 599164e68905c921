"""`POST /.well-known/runkey/reports`: browsers tell of what a page's content policy kept from happening (CSP `report-to`, `report-uri`).

Anybody may send anything here, so one line of the log is all that comes of it: which rule was broken, on which page.
"""

import logging
import re
import urllib.parse
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from runkey_server.asgi.hosts import Hosts
from runkey_server.asgi.rates import RateLimit
from runkey_server.asgi.requests import header, read_body
from runkey_server.asgi.responses import send_bytes
from runkey_server.errors import Error

_TYPES = frozenset({"application/reports+json", "application/csp-report"})
_MAX_BYTES = 16_000
_MAX_REPORTS = 10
_PER_SECOND, _BURST_SECONDS = 1.0, 20.0
_RULE = re.compile(r"[a-z-]{1,40}")

log = logging.getLogger("runkey_server.policy")


class Reports:
    """The route, as a plain ASGI application."""

    def __init__(self, hosts: Hosts) -> None:
        """Limit by the address that a report comes from."""
        self._hosts = hosts
        self._rate = RateLimit(_PER_SECOND, _BURST_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note what one browser tells."""
        self._rate.take(self._hosts.client_of(scope))
        # Neither is a form's type, so no page elsewhere can make its visitors send any.
        if (header(scope, b"content-type") or "").partition(";")[0].strip().lower() not in _TYPES:
            raise Error("invalid", "Reports of a content policy are expected here, as application/reports+json or application/csp-report.")
        body = await read_body(scope, receive, _MAX_BYTES)
        for rule, page in _read(body)[:_MAX_REPORTS]:
            log.warning("a page broke its content policy: %s on %s", rule, page)
        await send_bytes(send, 204, b"", ())


def _read(body: bytes) -> list[tuple[str, str]]:
    """Give (rule, page) of each report that can be read."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Error("invalid", "The report is not JSON.") from None
    if isinstance(told, dict):
        return _one(told.get("csp-report"), "effective-directive", "document-uri")
    reports = told if isinstance(told, list) else []
    bodies = [each.get("body") for each in reports if isinstance(each, dict) and each.get("type") == "csp-violation"]
    return [pair for each in bodies for pair in _one(each, "effectiveDirective", "documentURL")]


def _one(report: Any, rule_name: str, page_name: str) -> list[tuple[str, str]]:
    rule, page = (report.get(rule_name), report.get(page_name)) if isinstance(report, dict) else (None, None)
    if not isinstance(rule, str) or not isinstance(page, str) or not _RULE.fullmatch(rule):
        return []
    # The path alone: a query may hold what no log may.
    path = urllib.parse.urlsplit(page).path if "//" in page[:10] else ""
    return [(rule, "".join(character if character.isprintable() else "?" for character in path[:200]))]

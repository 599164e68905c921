"""Signed addresses: `/storage/<token>`, which need no other credential because the official client sends none with its PUT.

A token says what it allows and carries an HMAC-SHA-256 over that: method, kind, owner, name, digest, size, end. It lives an hour, that
of a part of a large file a day, and is redacted in logs.
"""

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta
from typing import Literal

from runkey_server import tokens
from runkey_server.clock import Clock
from runkey_server.errors import Error
from runkey_server.files.model import Grant
from runkey_wire import limits

LIFETIME = timedelta(hours=1)
LIFETIME_OF_PARTS = timedelta(days=1)
"""All parts of a file are granted at once, and the last is sent when all others were."""

_MAC_BYTES = 32
_REFUSED = "This address is not, or no longer, valid. Ask for a new one."


class Signer:
    """Makes and reads the tokens of one server."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        """Sign under a key that lies outside the database."""
        self._key = key
        self._clock = clock

    def path(self, method: Literal["GET", "PUT"], run_id: int, name: str) -> str:
        """Give the path of a signed address of a run's file."""
        return self._sign(method, "file", run_id, name, "")

    def blob_path(self, method: Literal["GET", "PUT"], project_id: int, md5: str, name: str = "") -> str:
        """Give the path of a signed address of a project's blob. name: what a download is called."""
        return self._sign(method, "blob", project_id, name, md5)

    def part_path(self, project_id: int, md5: str) -> str:
        """Give the path of a signed address to which a part of a large file is sent."""
        return self._sign("PUT", "blob", project_id, "", md5, LIFETIME_OF_PARTS)

    def _sign(self, method: str, kind: str, owner_id: int, name: str, md5: str, lifetime: timedelta = LIFETIME) -> str:
        expires = int((self._clock() + lifetime).timestamp())
        statement = json.dumps([method, kind, owner_id, name, md5, limits.MAX_FILE_BYTES, expires], separators=(",", ":")).encode()
        token = base64.urlsafe_b64encode(tokens.sign(self._key, statement) + statement).rstrip(b"=").decode()
        return f"/storage/{token}"

    def read(self, token: str, method: str) -> Grant:
        """Give what a token allows. Raises Error `forbidden` for one that is forged, expired or for another method."""
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Error("forbidden", _REFUSED) from None
        mac, statement = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not tokens.are_equal(mac, tokens.sign(self._key, statement)):
            raise Error("forbidden", _REFUSED)
        granted, kind, owner_id, name, md5, max_bytes, expires = json.loads(statement)
        if granted != method or expires <= self._clock().timestamp():
            raise Error("forbidden", _REFUSED)
        return Grant(granted, kind, owner_id, name, md5, max_bytes, datetime.fromtimestamp(expires, UTC))

"""Reads `Authorization: Basic api:KEY` or `Bearer KEY` and tells who calls.

The official client sends Basic with the user name `api`; ours sends Bearer. The user name is not looked at: `curl -u :KEY` works as well.
"""

import base64
import binascii

from anyio import to_thread

from runkey_server import errors
from runkey_server.asgi.actor import Actor
from runkey_server.keys.verifying import Verifier


class Authenticator:
    """Turns a request's Authorization header into an Actor."""

    def __init__(self, verifier: Verifier) -> None:
        """Use one worker's verifier."""
        self._verifier = verifier

    async def authenticate(self, authorization: str | None) -> Actor | None:
        """Tell who calls; None when no credential was presented, an empty one included.

        Raises Error `unauthenticated` for a bad one, `unavailable` when the database does not answer. Remembered keys cost no thread.
        """
        secret = presented_key(authorization)
        if secret is None:
            return None
        return self._verifier.verify_from_memory(secret) or await to_thread.run_sync(self._verifier.verify, secret)


def presented_key(authorization: str | None) -> str | None:
    """Take the key out of an Authorization header; None when there is none or it is empty. Raises Error `unauthenticated` for junk."""
    if not authorization:
        return None
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    match scheme.lower():
        case "bearer":
            return value or None
        case "basic":
            return _from_basic(value) or None
    raise errors.unauthenticated()


def _from_basic(value: str) -> str:
    try:
        pair = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        raise errors.unauthenticated() from None
    return pair.partition(":")[2]

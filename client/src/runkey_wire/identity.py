"""What a server signs to prove that it is the one it was before.

`GET /.well-known/runkey?challenge=<32 bytes, base64url>` answers `{server_id, public_key, signature}`. The server's id is derived from its
public key, so that one remembered word is enough. The host name is signed along, so that an answer fetched from the real server
by another one does not fit the name that the client dialled. It guards against a changed address; it does not replace TLS.
"""

import base64
import binascii
import hashlib

from runkey_wire.errors import Malformed

PATH = "/.well-known/runkey"
CHALLENGE_BYTES = 32
_CONTEXT = b"runkey-identity-v1"


def message(host: str, challenge: bytes) -> bytes:
    """Give the bytes that are signed. host: the public URL's host name, lower case, without a port."""
    return b"\n".join((_CONTEXT, host.lower().encode("idna" if not host.isascii() else "ascii"), challenge))


def server_id(public_key: bytes) -> str:
    """Name a server by its Ed25519 public key: the first 80 bits of its SHA-256, 16 letters and digits."""
    return base64.b32encode(hashlib.sha256(public_key).digest()[:10]).decode().lower()


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str, expected_bytes: int, field: str) -> bytes:
    """Read base64url with or without padding. Raises Malformed when it is not exactly so many bytes."""
    try:
        data = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(field, "is not base64url") from None
    if len(data) != expected_bytes:
        raise Malformed(field, f"has {len(data)} bytes where {expected_bytes} are expected")
    return data

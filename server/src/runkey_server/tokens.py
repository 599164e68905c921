"""High-entropy secrets: minting them, hashing them for keeping, comparing them, signing short statements.

Every secret minted here has at least 178 bits, so a fast keyed hash keeps it as well as a slow one would, and costs nothing a request
(OWASP ASVS 6.5.2 asks for a password hash only below 112 bits). People's passwords are the business of `passwords.py`.
"""

import base64
import hashlib
import hmac
import secrets

from runkey_wire import api_key, device_authorization

TOKEN_BYTES = 32


def mint_token() -> str:
    """Make a secret of 256 bits for a session or a link, as 43 characters of base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()


def mint_key(kind: str) -> str:
    """Make an API key of a kind ("user", "machine", "service", "anonymous"): 178 random bits in the shape of `runkey_wire.api_key`."""
    body = "".join(secrets.choice(api_key.ALPHABET) for _ in range(api_key.BODY_CHARACTERS))
    return api_key.join(kind, body)


def mint_id(prefix: str) -> str:
    """Make a public handle: not secret, but not to be counted either (60 bits)."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(10)).decode().lower()[:12]}"


def mint_user_code(characters: int) -> str:
    """Make a code that a person types (RFC 8628 section 6.1): consonants only, so that no word comes out; 4.3 bits a character."""
    return "".join(secrets.choice(device_authorization.USER_CODE_ALPHABET) for _ in range(characters))


def digest(token: str) -> bytes:
    """Hash a token of 256 bits for keeping (SHA-256, 32 bytes)."""
    return hashlib.sha256(token.encode()).digest()


def keyed_digest(pepper: bytes, token: str) -> bytes:
    """Hash a key under a pepper that lies outside the database (HMAC-SHA-256, 32 bytes).

    A copy of the database alone can neither confirm a guessed key nor take one that its holder chose.
    """
    return hmac.digest(pepper, token.encode("utf-8", "surrogatepass"), "sha256")


def sign(key: bytes, statement: bytes) -> bytes:
    """Sign a short statement that this server will read again (HMAC-SHA-256, 32 bytes)."""
    return hmac.digest(key, statement, "sha256")


def are_equal(one: bytes, other: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(one, other)

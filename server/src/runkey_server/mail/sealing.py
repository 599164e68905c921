"""Closes a letter for as long as it lies in the database: AES-256-GCM under a key of this purpose alone."""

import hmac
import os

_PURPOSE = b"runkey letters v1"
_NONCE_BYTES = 12


class Seal:
    """Closes and opens letters."""

    def __init__(self, signing_key: bytes) -> None:
        """Derive the key from the one that lies outside the database."""
        self._key = hmac.digest(signing_key, _PURPOSE, "sha256")

    def close(self, text: bytes) -> bytes:
        """Close a letter."""
        # slow import
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, text, _PURPOSE)

    def open(self, closed: bytes) -> bytes | None:
        """Open a letter; None for one that was closed under another key, as after a restore without the old secrets."""
        # slow import
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._key).decrypt(closed[:_NONCE_BYTES], closed[_NONCE_BYTES:], _PURPOSE)
        except (InvalidTag, ValueError):
            return None

"""The keys that lie outside the database: `DATA/secrets.json`, mode 0600.

pepper: under which API keys are hashed. signing: for signed addresses and form tokens. identity: the Ed25519 seed by which this server
proves that it is the one it was. Losing the file ends every API key and makes clients say that this is another server, so a back-up
without it says so.
"""

import base64
import json
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from runkey_server.errors import Error
from runkey_wire import identity

FILE_NAME = "secrets.json"
_KEY_BYTES = 32


@dataclass(frozen=True)
class SecretKeys:
    """Three keys of 32 bytes each."""

    pepper: bytes = field(repr=False)
    signing: bytes = field(repr=False)
    identity: bytes = field(repr=False)


def load_or_make(folder: Path) -> SecretKeys:
    """Read the keys of a data folder, making them on its first day.

    Raises Error `invalid` when the file is there and broken or readable by others: new keys in its place would silently end every API key.
    """
    path = folder / FILE_NAME
    try:
        return _read(path)
    except FileNotFoundError:
        _make(path)
        return _read(path)


def find_fault(folder: Path) -> str | None:
    """Say what is wrong with the keys of a data folder, in a sentence; None when nothing is."""
    try:
        _read(folder / FILE_NAME)
    except FileNotFoundError:
        return (
            f"{folder / FILE_NAME} is missing. Put it back from where it is kept: without it no API key works, and the server makes new "
            "keys when it starts."
        )
    except OSError as error:
        return f"{folder / FILE_NAME} cannot be read: {error.strerror}."
    except Error as error:
        return error.message
    return None


def server_id(keys: SecretKeys) -> str:
    """Name the server that these keys make."""
    # slow import
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return identity.server_id(Ed25519PrivateKey.from_private_bytes(keys.identity).public_key().public_bytes_raw())


def _read(path: Path) -> SecretKeys:
    text = path.read_text()
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Error("invalid", f"{path} can be read by others on this machine. Run: chmod 600 {path}")
    try:
        kept = json.loads(text)
        keys = {name: base64.b64decode(kept[name], validate=True) for name in ("pepper", "signing", "identity")}
    except (ValueError, KeyError, TypeError):
        raise Error("invalid", f"{path} is damaged. Put it back from a back-up: every API key depends on it.") from None
    if any(len(key) != _KEY_BYTES for key in keys.values()):
        raise Error("invalid", f"{path} is damaged: its keys do not have {_KEY_BYTES} bytes. Put it back from a back-up.")
    return SecretKeys(**keys)


def _make(path: Path) -> None:
    kept = {name: base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode() for name in ("pepper", "signing", "identity")}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump({"version": 1, **kept}, file)
            file.flush()
            os.fsync(file.fileno())
        # link, not rename: of two processes that begin at once, one makes the keys and the other reads them.
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Files that are whole or not there: written under another name, synced, and only then called what they are."""

import hashlib
import os
from pathlib import Path

_PIECE_BYTES = 1024 * 1024


def write(path: Path, data: bytes) -> None:
    """Write a small file, for its owner alone."""
    making = path.with_name(f".{path.name}.{os.getpid()}")
    making.unlink(missing_ok=True)
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
    sync(path.parent)


def copy(source: Path, target: Path, sha256: str) -> bool:
    """Copy a file whose bytes are known; False, and nothing is there, when they are others. Its folder is left for the caller to sync."""
    making = target.with_name(f".{target.name}.{os.getpid()}")
    making.unlink(missing_ok=True)
    seen = hashlib.sha256()
    with source.open("rb") as origin, os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while piece := origin.read(_PIECE_BYTES):
            seen.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if seen.hexdigest() != sha256:
        making.unlink()
        return False
    making.replace(target)
    return True


def digest(path: Path) -> str:
    """Give a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Sync a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

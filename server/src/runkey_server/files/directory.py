"""Bytes in a folder, by their SHA-256: `files/ab/<sha256>`.

What is being written has a name of its own in `files/incoming` and gets its final one by a rename after it and its folder were synced, so
a file under its final name is whole. Equal bytes are kept once.
"""

import base64
import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runkey_server import errors
from runkey_server.errors import Error

_SHA256_CHARACTERS = 64
_COPIED_BYTES = 1024 * 1024
_YOUNG_SECONDS = 60.0
"""Far longer than bytes wait for their row after they got their final name."""


@dataclass(frozen=True)
class Kept:
    """What became of a stream of bytes. md5: base64."""

    sha256: str
    md5: str
    size_bytes: int


class Directory:
    """The folder in which the bytes of all files lie."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made when first written to."""
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where it all lies."""
        return self._folder

    def forget_unfinished(self) -> None:
        """Remove what was on its way in when a server was killed. Only for one that begins, and serves nobody yet."""
        for path in (self._folder / "incoming").glob("*"):
            path.unlink(missing_ok=True)

    def list_all(self) -> Iterator[str]:
        """Name all bytes that have been there for a while, by their SHA-256. Younger ones may still be waiting for their row."""
        for path in sorted(self._folder.glob("??/*")):
            if len(path.name) == _SHA256_CHARACTERS and time.time() - path.stat().st_mtime >= _YOUNG_SECONDS:
                yield path.name

    def find_fault(self, sha256: str, size_bytes: int) -> str | None:
        """Say what is wrong with some bytes, as the end of a sentence; None when nothing is. Cost: they are read."""
        path = self.path(sha256)
        try:
            if path.stat().st_size != size_bytes:
                return f"has {path.stat().st_size} bytes instead of {size_bytes}"
            with path.open("rb") as file:
                return None if hashlib.file_digest(file, "sha256").hexdigest() == sha256 else "holds other bytes than were sent"
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read ({error.strerror})"

    def open(self, sha256: str) -> BinaryIO:
        """Open bytes to read them. Raises Error `invalid` when they are not there any more."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise Error("invalid", "Some of the bytes are not here any more. Send them again.") from None

    def begin(self) -> "Incoming":
        """Begin to take in bytes."""
        return Incoming(self)

    def path(self, sha256: str) -> Path:
        """Tell where bytes lie."""
        return self._folder / sha256[:2] / sha256

    def remove(self, sha256: str) -> bool:
        """Remove bytes; False when they were written a moment ago, and stay."""
        path = self.path(sha256)
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime < _YOUNG_SECONDS:
                return False
            path.unlink()
        return True


class Incoming:
    """Bytes on their way in: `write` them all, then `keep` or `drop` them. A full or failing disk is `unavailable`."""

    def __init__(self, directory: Directory) -> None:
        """Open a file that nobody else writes."""
        self._directory = directory
        self._folder = directory.folder
        incoming = self._folder / "incoming"
        try:
            incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path = incoming / secrets.token_hex(16)
            self._file: BinaryIO = self._path.open("xb")
        except OSError as error:
            raise _no_room() from error
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size_bytes = 0

    def write(self, data: bytes) -> None:
        """Take some bytes."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _no_room() from error
        self._sha256.update(data)
        self._md5.update(data)
        self.size_bytes += len(data)

    def copy(self, sha256: str) -> None:
        """Take all of what is kept already. Raises Error `invalid` when it is not there any more."""
        with self._directory.open(sha256) as source:
            while piece := source.read(_COPIED_BYTES):
                self.write(piece)

    @property
    def md5(self) -> str:
        """The digest of what was written so far, base64."""
        return base64.b64encode(self._md5.digest()).decode()

    def keep(self) -> Kept:
        """Sync the bytes and give them their final name."""
        sha256 = self._sha256.hexdigest()
        final = self._directory.path(sha256)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            final.parent.mkdir(exist_ok=True, mode=0o700)
            os.replace(self._path, final)
            # Also those above it, whoever made them: another upload may have, and not have synced them yet.
            for folder in (final.parent, self._folder, self._folder.parent):
                _sync_folder(folder)
        except OSError as error:
            raise _no_room() from error
        return Kept(sha256, self.md5, self.size_bytes)

    def drop(self) -> None:
        """Forget the bytes, if they were not kept."""
        try:
            self._file.close()
        except OSError:
            pass
        self._path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_room() -> errors.Error:
    return errors.unavailable("The server cannot write the file at this moment; its disk may be full.")

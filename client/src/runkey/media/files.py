"""A file that rides with a row: where it goes, and the dict that names it in the row."""

import hashlib
import os
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

MAX_KEY_CHARACTERS = 200
"""Of a key in a file's name: the server takes names of up to 1,024 bytes, and a folder's entry on most disks 255."""

MAX_ITEMS = 108
"""Of a list of one kind, as W&B has it: more in one panel are never looked at."""

_DIGEST_CHARACTERS = 20


class Carrier(Protocol):
    """What is asked of a run: to send a file along."""

    def upload(self, name: str, path: str | None = None, *, data: bytes | None = None) -> None:
        """Send a file under a name: the one that lies at path, or these bytes."""

    def describe(self, **members: Any) -> None:
        """Add to what the run says of itself."""


class FileValue:
    """A value that is a file. data, path: its bytes, or where they lie; one of the two."""

    folder: ClassVar[str]
    kind: ClassVar[str]

    def __init__(self, extension: str, *, data: bytes | None = None, path: str | None = None, caption: str | None = None) -> None:
        """Measure it. Raises OSError where the path cannot be read."""
        self._extension = extension
        self._data = data
        self._path = os.path.abspath(path) if path is not None else None
        self._caption = None if caption is None else str(caption)
        self._sha256, self._size = _measure(data, self._path)

    def _members(self) -> dict[str, Any]:
        """Give what else the row's dict says of it."""
        return {}

    def _name(self, key: str, step: int | str) -> str:
        return file_name(self.folder, key, step, self._sha256, self._extension)

    def _runkey_media(self, run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        name = self._name(key, step)
        run.upload(name, self._path, data=self._data)
        value = {"_type": self.kind, "path": name, "sha256": self._sha256, "size": self._size, **self._members()}
        if self._caption is not None:
            value["caption"] = self._caption
        return value


def captions_of(items: Sequence[FileValue], absent: str | None = None) -> list[str | None] | None:
    """Give the captions of several; None when none has one."""
    if all(item._caption is None for item in items):
        return None
    return [absent if item._caption is None else item._caption for item in items]


def file_name(folder: str, key: str, step: int | str, sha256: str, extension: str) -> str:
    """Name a value's file as W&B does. Slashes in a key make folders; what could leave the run's folder is made harmless."""
    clean = "".join(c if c.isprintable() and c != "\\" else "_" for c in key[:MAX_KEY_CHARACTERS])
    parts = [part if part.strip(".") else "_" for part in clean.strip("/").split("/")]
    return f"{folder}/{'/'.join(parts)}_{step}_{sha256[:_DIGEST_CHARACTERS]}.{extension}"


def sha256_of(data: bytes) -> str:
    """Give the digest of bytes as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def read_text_or_bytes(source: Any) -> bytes:
    """Read what has a `read()`, from its beginning where it can be wound back. Raises TypeError."""
    if hasattr(source, "seek"):
        source.seek(0)
    content = source.read()
    if isinstance(content, str):
        return content.encode()
    return bytes(content)


def _measure(data: bytes | None, path: str | None) -> tuple[str, int]:
    if data is not None:
        return sha256_of(data), len(data)
    assert path is not None
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()

"""What a file and a signed grant are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class File:
    """One file of one run. sha256: 64 hex digits, where its bytes lie. md5: base64, as the official client compares it."""

    run_id: int
    name: str
    sha256: str
    md5: str
    size_bytes: int
    mimetype: str
    updated_at: datetime


@dataclass(frozen=True)
class Blob:
    """Bytes that a project keeps under their digest. md5: base64, as manifests of artifacts write it."""

    project_id: int
    md5: str
    sha256: str
    size_bytes: int
    kept_at: datetime


@dataclass(frozen=True)
class Grant:
    """What a signed address allows: one method on one thing, up to a size, until a moment.

    kind: a file of a run or a blob of a project. owner_id: the run or the project. name: of the file; of a blob, what a download is called.
    md5: base64; of a blob alone.
    """

    method: Literal["GET", "PUT"]
    kind: Literal["file", "blob"]
    owner_id: int
    name: str
    md5: str
    max_bytes: int
    expires_at: datetime


@dataclass(frozen=True)
class Download:
    """Bytes to give out, and what they are called."""

    name: str
    sha256: str
    size_bytes: int
    mimetype: str

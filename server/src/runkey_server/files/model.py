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
class Grant:
    """What a signed address allows: one method on one file of one run, up to a size, until a moment."""

    method: Literal["GET", "PUT"]
    run_id: int
    name: str
    max_bytes: int
    expires_at: datetime

"""What a backup says of itself."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runkey_server.errors import Error

MANIFEST = "manifest.json"
VERSION = 1


@dataclass(frozen=True)
class Piece:
    """One file of a backup, by its name in the folder."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """Everything that belongs to a backup. files: SHA-256 to size; missing: bytes that the server itself did not have any more."""

    made_at: str
    server_version: str
    server_id: str
    schema: str
    database: Piece
    secrets: Piece | None
    files: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    version: int = VERSION

    def as_text(self) -> str:
        """Write it."""
        return json.dumps(asdict(self), indent=1)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a backup. Raises Error `invalid` for a folder that holds no whole one."""
    try:
        kept: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        if kept["version"] != VERSION:
            raise Error("invalid", f"The backup in {folder} was made by a newer runkey-server. Update this one.")
        kept["database"] = Piece(**kept["database"])
        kept["secrets"] = Piece(**kept["secrets"]) if kept["secrets"] else None
        return Manifest(**kept)
    except FileNotFoundError:
        raise Error("invalid", f"{folder} holds no whole backup: {MANIFEST} is written last, and is not there.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Error("invalid", f"{folder / MANIFEST} cannot be read as a backup's.") from None

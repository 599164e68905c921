"""Takes a backup of a data folder, beside a running server.

First one state of the database, then the bytes that it names: bytes are never changed and only removed when no row names them, so what a
state names is there after it, unless it was dropped in between; then a newer state is taken. What an earlier backup in the same folder
holds already is not copied again, and that one stays whole until the new one is.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runkey_server import __version__, clock, files, secret_keys
from runkey_server.backups import writing
from runkey_server.backups.model import MANIFEST, Manifest, Piece, read_manifest
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.database.migrating import current_version
from runkey_server.errors import Error
from runkey_server.files import Directory

_MAKING = "backup.unfinished"
"""Marks a folder as ours before the first manifest is there."""

_STATES = 3
"""How often a newer state is tried when files were dropped while they were copied."""


@dataclass(frozen=True)
class Taken:
    """What a backup came to. missing: files that the server itself lacks, or has damaged, by their SHA-256."""

    manifest: Manifest
    copied: int
    kept: int


def take(data: Path, database: Database, target: Path, now: Clock, *, with_secrets: bool = False) -> Taken:
    """Back a data folder up into another folder; killed at any moment, what was a backup before still is one.

    Raises Error `invalid` for a folder that holds something else, `conflict` while another backup is written to it, `unavailable`.
    """
    fault = secret_keys.find_fault(data)
    if fault is not None:
        raise Error("invalid", fault)
    server_id = secret_keys.server_id(secret_keys.load_or_make(data))
    try:
        with _folder_to_ourselves(data, target, server_id):
            made_at = now()
            for attempt in range(_STATES):
                piece, schema, wanted = _copy_database(database, target)
                copied, missing = _copy_files(Directory(data / "files"), target, wanted)
                if not missing or attempt == _STATES - 1:
                    break
                made_at = now()
            secrets = _copy_secrets(data, target) if with_secrets else None
            manifest = Manifest(
                made_at=clock.on_the_wire(made_at),
                server_version=__version__,
                server_id=server_id,
                schema=schema,
                database=piece,
                secrets=secrets,
                files={sha256: size for sha256, size in wanted.items() if sha256 not in missing},
                missing=sorted(missing),
            )
            writing.write(target / MANIFEST, manifest.as_text().encode())
            _drop_the_rest(target, manifest)
    except OSError as error:
        raise Error(
            "unavailable", f"The backup could not be written to {target}: {error.strerror}. What was there before is whole."
        ) from error
    return Taken(manifest, copied, len(manifest.files) - copied)


@contextlib.contextmanager
def _folder_to_ourselves(data: Path, target: Path, server_id: str) -> Iterator[None]:
    if target == data or data in target.parents:
        raise Error("invalid", f"{target} lies in the server's own folder. A backup belongs elsewhere, best on another disk.")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    inside = {path.name for path in target.iterdir()}
    if MANIFEST in inside:
        other = read_manifest(target).server_id
        if other != server_id:
            raise Error("invalid", f"{target} holds the backup of another server ({other}; this one is {server_id}). Name another folder.")
    elif inside - {"lost+found"} and _MAKING not in inside:
        raise Error("invalid", f"{target} is not empty, and holds no backup. Name another folder.")
    with (target / _MAKING).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Error("conflict", f"Another backup is being written to {target} at this moment.") from None
        yield


def _copy_database(database: Database, target: Path) -> tuple[Piece, str, dict[str, int]]:
    """Copy one state, under a name of its own; give what it is, its schema, and the bytes that it names."""
    making = target / f".database.{os.getpid()}"
    making.unlink(missing_ok=True)
    database.copy_to(making)
    os.chmod(making, 0o600)
    copy = Database(f"sqlite:///{making}")
    try:
        schema = current_version(copy)
        with copy.reading() as transaction:
            wanted = dict(files.list_bytes(transaction))
    finally:
        copy.close()
    writing.sync(making)
    sha256, size = writing.digest(making), making.stat().st_size
    piece = Piece(f"database-{sha256[:16]}.db", sha256, size)
    making.replace(target / piece.name)
    return piece, schema or "", wanted


def _copy_files(directory: Directory, target: Path, wanted: dict[str, int]) -> tuple[int, set[str]]:
    """Copy bytes that are not there yet; tell how many were, and which could not be."""
    copied, missing, folders = 0, set(), {target}
    for sha256, size in wanted.items():
        place = target / "files" / sha256[:2] / sha256
        with contextlib.suppress(FileNotFoundError):
            if place.stat().st_size == size:
                continue
            place.unlink()
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folders |= {place.parent, place.parent.parent}
        if _link_or_copy(directory.path(sha256), place, sha256, size):
            copied += 1
        else:
            missing.add(sha256)
    for folder in folders:
        writing.sync(folder)
    return copied, missing


def _link_or_copy(source: Path, target: Path, sha256: str, size: int) -> bool:
    try:
        if source.stat().st_size != size:
            return False
        # Bytes are never changed in place, so on one disk a second name is as good as a copy, and as safe as that disk.
        with contextlib.suppress(OSError):
            os.link(source, target)
            return True
        return writing.copy(source, target, sha256)
    except FileNotFoundError:
        return False


def _copy_secrets(data: Path, target: Path) -> Piece:
    source = data / secret_keys.FILE_NAME
    sha256 = writing.digest(source)
    piece = Piece(f"secrets-{sha256[:16]}.json", sha256, source.stat().st_size)
    if not writing.copy(source, target / piece.name, sha256):
        raise Error("unavailable", f"{source} was changed while it was copied. Try again.")
    return piece


def _drop_the_rest(target: Path, manifest: Manifest) -> None:
    """Remove what only earlier backups, or ones that were killed, needed."""
    kept = {MANIFEST, manifest.database.name, manifest.secrets.name if manifest.secrets else MANIFEST}
    for path in target.iterdir():
        if path.is_file() and path.name not in kept and path.name.startswith(("database-", "secrets-", ".")):
            path.unlink()
    for path in (target / "files").glob("??/*"):
        if path.name not in manifest.files:
            path.unlink()
    (target / _MAKING).unlink()

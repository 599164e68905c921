"""Puts a backup into an empty folder, ready to be served: everything is checked against the manifest on its way.

What was given out since the backup must not count: browser sessions and links end, and the credential epoch moves on, so that no process
goes on with what it remembers. Keys that were revoked before the backup stay revoked.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from runkey_server import accounts, secret_keys
from runkey_server.backups import writing
from runkey_server.backups.model import Manifest, Piece, read_manifest
from runkey_server.database import Database, bump_epoch
from runkey_server.database.migrating import latest_version, migrate
from runkey_server.errors import Error

UNFINISHED = "restore.unfinished"
"""Lies in a folder while it is being filled; such a folder is not served."""


@dataclass(frozen=True)
class Restored:
    """What came back. damaged: files of the backup that are missing there or hold other bytes, by their SHA-256."""

    manifest: Manifest
    damaged: list[str]
    ended_sessions: int


def restore(source: Path, data: Path) -> Restored:
    """Restore a backup. A file that is damaged is left out and named; a damaged database is refused.

    Raises Error `invalid` for a folder that holds no whole backup or one of a newer version, and for a target that is not empty;
    `unavailable` when the disk fails. Killed at any moment, the target is either whole or marked, and can be restored into again.
    """
    manifest = read_manifest(source)
    if manifest.schema > latest_version():
        raise Error("invalid", f"The backup was made by a newer runkey-server ({manifest.server_version}). Update this one.")
    try:
        _prepare(data)
        database = data / ".restoring.db"
        _copy_piece(source, manifest.database, database)
        damaged = _copy_files(source, data, manifest)
        ended = _end_what_was_given_out(database)
        if manifest.secrets is not None:
            _copy_piece(source, manifest.secrets, data / secret_keys.FILE_NAME)
        writing.sync(database)
        database.replace(data / "runkey.db")
        writing.sync(data)
        (data / UNFINISHED).unlink()
        writing.sync(data)
    except OSError as error:
        raise Error("unavailable", f"{data} could not be written to: {error.strerror}. It is not finished; restore again.") from error
    return Restored(manifest, damaged, ended)


def refuse_unfinished(data: Path) -> None:
    """Raise Error `invalid` for a folder whose restore was cut off."""
    if (data / UNFINISHED).exists():
        raise Error("invalid", f"A restore into {data} was cut off. Run it once more: runkey-server restore SOURCE --data {data}")


def _prepare(data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    inside = {path.name for path in data.iterdir()} - {"lost+found"}
    if inside and UNFINISHED not in inside:
        raise Error("invalid", f"{data} is not empty. A backup is restored into an empty folder, so that nothing is overwritten.")
    os.chmod(data, 0o700)
    (data / UNFINISHED).touch(mode=0o600)
    writing.sync(data)
    for path in data.glob(".restoring.db*"):
        path.unlink()


def _copy_piece(source: Path, piece: Piece, target: Path) -> None:
    try:
        is_whole = writing.copy(source / piece.name, target, piece.sha256)
    except FileNotFoundError:
        is_whole = False
    if not is_whole:
        raise Error("invalid", f"The backup is damaged: {source / piece.name} is not what its manifest says. Take another backup.")


def _copy_files(source: Path, data: Path, manifest: Manifest) -> list[str]:
    damaged, folders = [], {data}
    for sha256 in manifest.files:
        target = data / "files" / sha256[:2] / sha256
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folders |= {target.parent, target.parent.parent}
        try:
            is_whole = writing.copy(source / "files" / sha256[:2] / sha256, target, sha256)
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            damaged.append(sha256)
    for folder in folders:
        writing.sync(folder)
    return damaged


def _end_what_was_given_out(path: Path) -> int:
    database = Database(f"sqlite:///{path}")
    try:
        migrate(database)
        with database.writing() as transaction:
            bump_epoch(transaction)
            ended = accounts.end_all_sessions(transaction)
        database.truncate_log()
    finally:
        database.close()
    if path.with_name(path.name + "-wal").exists():
        raise Error("unavailable", "The restored database could not be closed. Restore again.")
    return ended

"""Looks whether the bytes of every file are there and are what was sent; and which bytes belong to no file."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from runkey_server.database import Database
from runkey_server.files import store
from runkey_server.files.directory import Directory


@dataclass(frozen=True)
class Damage:
    """Bytes that are not what they should be. what: the end of a sentence.

    files: run and name of each file that has them. blobs: project and MD5 of each blob that has them, for artifacts.
    """

    sha256: str
    what: str
    files: list[tuple[int, str]]
    blobs: list[tuple[int, str]]


def find_damage(database: Database, directory: Directory) -> list[Damage]:
    """Compare the bytes of every file with its row. Cost: all bytes are read. Raises Error `unavailable`."""
    with database.reading() as transaction:
        wanted = store.list_bytes(transaction)
    damaged = []
    for sha256, size_bytes in wanted:
        what = directory.find_fault(sha256, size_bytes)
        if what is None:
            continue
        with database.reading() as transaction:
            files = store.list_names_of(transaction, sha256, size_bytes)
            blobs = store.list_blobs_of(transaction, sha256, size_bytes)
        # None, when a running server dropped or replaced them meanwhile.
        if files or blobs:
            damaged.append(Damage(sha256, what, files, blobs))
    return damaged


def find_unnamed(database: Database, directory: Directory) -> list[str]:
    """Give the bytes that no file names: of files that were replaced, and of uploads that were cut off before their row."""
    there = list(directory.list_all())
    with database.reading() as transaction:
        named = {sha256 for sha256, _ in store.list_bytes(transaction)}
    return [sha256 for sha256 in there if sha256 not in named]


def set_aside(transaction: sa.Connection, directory: Directory, damage: Damage, folder: Path) -> None:
    """Move damaged bytes out of the way, and drop the files and blobs that have them: what is logged again is then sent again."""
    path = directory.path(damage.sha256)
    if path.exists():
        path.rename(folder / damage.sha256)
    for run_id, name in damage.files:
        store.delete_file(transaction, run_id, name)
    for project_id, md5 in damage.blobs:
        store.delete_blobs(transaction, project_id, [md5])

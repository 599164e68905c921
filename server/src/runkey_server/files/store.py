"""The rows of files and blobs: functions that take an open transaction."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from runkey_server.database import among, insert_for
from runkey_server.files.model import Blob, Download, File, Grant
from runkey_server.files.naming import type_of
from runkey_server.files.tables import blobs, files, released_bytes


def put_file(transaction: sa.Connection, file: File) -> None:
    """Add or replace a row. What it named before is released."""
    before = find_file(transaction, file.run_id, file.name)
    if before is not None and before.sha256 != file.sha256:
        release(transaction, [before.sha256])
    values = {column.name: getattr(file, column.name) for column in files.c}
    insert = insert_for(transaction, files).values(**values)
    transaction.execute(insert.on_conflict_do_update(index_elements=[files.c.run_id, files.c.name], set_=values))


def find_file(transaction: sa.Connection, run_id: int, name: str) -> File | None:
    """Find one by name."""
    row = transaction.execute(sa.select(files).where(files.c.run_id == run_id, files.c.name == name)).first()
    return None if row is None else _file(row)


def list_files(
    transaction: sa.Connection,
    run_id: int,
    *,
    names: Sequence[str] = (),
    like: str | None = None,
    after: str | None = None,
    at_most: int = 50,
) -> list[File]:
    """Give a run's files by name. names: only these. after: only later names.

    like: a pattern as the official client sends it, which is MySQL's: `%` and `_`, with a backslash before what is meant as it is, and
    upper and lower case alike.
    """
    statement = sa.select(files).where(files.c.run_id == run_id).order_by(files.c.name).limit(at_most)
    if names:
        statement = statement.where(among(transaction, files.c.name, names))
    if like:
        # A backslash at the end says nothing, and PostgreSQL refuses it.
        open_end = (len(like) - len(like.rstrip("\\"))) % 2
        statement = statement.where(files.c.name.ilike(like + "\\" * open_end, escape="\\"))
    if after is not None:
        statement = statement.where(files.c.name > after)
    return [_file(row) for row in transaction.execute(statement)]


def count_files(transaction: sa.Connection, run_id: int) -> int:
    """Count a run's files."""
    return int(transaction.execute(sa.select(sa.func.count()).select_from(files).where(files.c.run_id == run_id)).scalar_one())


def list_bytes(transaction: sa.Connection) -> list[tuple[str, int]]:
    """Give what is named by any file or blob: SHA-256 and size."""
    named = sa.union(*(sa.select(t.c.sha256, t.c.size_bytes) for t in (files, blobs))).order_by("sha256")
    return [(row.sha256, row.size_bytes) for row in transaction.execute(named)]


def list_names_of(transaction: sa.Connection, sha256: str, size_bytes: int) -> list[tuple[int, str]]:
    """Give the files that name some bytes: run and name."""
    where = (files.c.sha256 == sha256, files.c.size_bytes == size_bytes)
    return [(row.run_id, row.name) for row in transaction.execute(sa.select(files.c.run_id, files.c.name).where(*where))]


def list_run_ids(transaction: sa.Connection) -> list[int]:
    """Give the runs that have files."""
    return list(transaction.execute(sa.select(files.c.run_id).distinct()).scalars())


def release(transaction: sa.Connection, sha256s: Collection[str]) -> None:
    """Note that a file names some bytes no more: whether another does is looked at later."""
    if sha256s:
        rows = [{"sha256": sha256} for sha256 in sorted(sha256s)]
        transaction.execute(insert_for(transaction, released_bytes).on_conflict_do_nothing(), rows)


def list_released(transaction: sa.Connection, after: str, at_most: int) -> list[str]:
    """Give bytes that were released, by their SHA-256. after: only later ones."""
    statement = sa.select(released_bytes.c.sha256).where(released_bytes.c.sha256 > after).order_by(released_bytes.c.sha256)
    return list(transaction.execute(statement.limit(at_most)).scalars())


def forget_released(transaction: sa.Connection, sha256: str) -> None:
    """Drop the note."""
    transaction.execute(sa.delete(released_bytes).where(released_bytes.c.sha256 == sha256))


def delete_file(transaction: sa.Connection, run_id: int, name: str) -> None:
    """Drop one row."""
    transaction.execute(sa.delete(files).where(files.c.run_id == run_id, files.c.name == name))


def _file(row: Any) -> File:
    return File(**row._mapping)


def delete_files(transaction: sa.Connection, run_id: int, names: Sequence[str]) -> None:
    """Drop files of a run."""
    transaction.execute(sa.delete(files).where(files.c.run_id == run_id, among(transaction, files.c.name, names)))


def is_named(transaction: sa.Connection, sha256: str, *, but_run_id: int | None = None, but_blob: tuple[int, str] | None = None) -> bool:
    """Tell whether a file or a blob names these bytes. but_run_id: of no file of this run. but_blob: not this one, project and MD5."""
    named_files = sa.select(sa.literal(1)).where(files.c.sha256 == sha256)
    if but_run_id is not None:
        named_files = named_files.where(files.c.run_id != but_run_id)
    named_blobs = sa.select(sa.literal(1)).where(blobs.c.sha256 == sha256)
    return any(transaction.execute(others.limit(1)).first() is not None for others in (named_files, named_blobs))


def find_download(transaction: sa.Connection, grant: Grant) -> Download | None:
    """Find the bytes that a grant is for."""
    if grant.kind == "file":
        file = find_file(transaction, grant.owner_id, grant.name)
        return None if file is None else Download(file.name, file.sha256, file.size_bytes, file.mimetype)
    blob = find_blobs(transaction, grant.owner_id, [grant.md5]).get(grant.md5)
    return None if blob is None else Download(grant.name, blob.sha256, blob.size_bytes, type_of(grant.name))


def put_blob(transaction: sa.Connection, blob: Blob) -> None:
    """Add or replace a row. What it named before is released."""
    before = find_blobs(transaction, blob.project_id, [blob.md5]).get(blob.md5)
    if before is not None and before.sha256 != blob.sha256:
        release(transaction, [before.sha256])
    values = {column.name: getattr(blob, column.name) for column in blobs.c}
    insert = insert_for(transaction, blobs).values(**values)
    transaction.execute(insert.on_conflict_do_update(index_elements=[blobs.c.project_id, blobs.c.md5], set_=values))


def find_blobs(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> dict[str, Blob]:
    """Give those blobs of a project that are there, by their digest."""
    statement = sa.select(blobs).where(blobs.c.project_id == project_id, among(transaction, blobs.c.md5, md5s))
    return {row.md5: Blob(**row._mapping) for row in transaction.execute(statement)}


def measure_blobs(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> dict[str, int]:
    """Give the sizes of those blobs of a project that are there, by their digest."""
    statement = sa.select(blobs.c.md5, blobs.c.size_bytes).where(blobs.c.project_id == project_id, among(transaction, blobs.c.md5, md5s))
    return {row[0]: row[1] for row in transaction.execute(statement)}


def list_blobs_of(transaction: sa.Connection, sha256: str, size_bytes: int) -> list[tuple[int, str]]:
    """Give the blobs that name some bytes: project and MD5."""
    where = (blobs.c.sha256 == sha256, blobs.c.size_bytes == size_bytes)
    return [(row.project_id, row.md5) for row in transaction.execute(sa.select(blobs.c.project_id, blobs.c.md5).where(*where))]


def list_blob_digests(transaction: sa.Connection, project_id: int, at_most: int) -> list[str]:
    """Give the digests of a project's blobs."""
    return list(transaction.execute(sa.select(blobs.c.md5).where(blobs.c.project_id == project_id).limit(at_most)).scalars())


def delete_blobs(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> None:
    """Drop rows."""
    transaction.execute(sa.delete(blobs).where(blobs.c.project_id == project_id, among(transaction, blobs.c.md5, md5s)))

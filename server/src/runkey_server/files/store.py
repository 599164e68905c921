"""The rows of files: functions that take an open transaction."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from runkey_server.database import insert_for
from runkey_server.files.model import File
from runkey_server.files.tables import files, released_bytes


def put_file(transaction: sa.Connection, file: File) -> None:
    """Add or replace a row. What it named before is released."""
    before = find_file(transaction, file.run_id, file.name)
    if before is not None and before.sha256 != file.sha256:
        release(transaction, before.sha256)
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
        statement = statement.where(files.c.name.in_(list(names)))
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
    """Give what is named by any file: SHA-256 and size."""
    found = transaction.execute(sa.select(files.c.sha256, files.c.size_bytes).distinct().order_by(files.c.sha256))
    return [(row.sha256, row.size_bytes) for row in found]


def list_names_of(transaction: sa.Connection, sha256: str, size_bytes: int) -> list[tuple[int, str]]:
    """Give the files that name some bytes: run and name."""
    where = (files.c.sha256 == sha256, files.c.size_bytes == size_bytes)
    return [(row.run_id, row.name) for row in transaction.execute(sa.select(files.c.run_id, files.c.name).where(*where))]


def list_run_ids(transaction: sa.Connection) -> list[int]:
    """Give the runs that have files."""
    return list(transaction.execute(sa.select(files.c.run_id).distinct()).scalars())


def release(transaction: sa.Connection, sha256: str) -> None:
    """Note that a file names some bytes no more: whether another does is looked at later."""
    transaction.execute(insert_for(transaction, released_bytes).values(sha256=sha256).on_conflict_do_nothing())


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
    transaction.execute(sa.delete(files).where(files.c.run_id == run_id, files.c.name.in_(list(names))))


def is_named(transaction: sa.Connection, sha256: str, *, but: int | None = None) -> bool:
    """Tell whether a file names these bytes. but: one of another run than this."""
    others = sa.select(files.c.name).where(files.c.sha256 == sha256)
    if but is not None:
        others = others.where(files.c.run_id != but)
    return transaction.execute(others.limit(1)).first() is not None

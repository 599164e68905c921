"""The rows of what a version holds: manifests, entries, and the parts of large files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts.model import Entry, Manifest
from runkey_server.artifacts.store.places import list_aliases
from runkey_server.artifacts.store.statements import IS_ALIVE, count
from runkey_server.artifacts.tables import (
    artifact_collections,
    artifact_entries,
    artifact_manifests,
    artifact_memberships,
    artifact_parts,
    artifacts,
)
from runkey_server.database import among, insert_for
from runkey_server.files.tables import blobs
from runkey_server.projects.tables import projects


def insert_manifest(transaction: sa.Connection, values: Mapping[str, Any]) -> Manifest:
    """Add a row."""
    manifest_id = transaction.execute(insert_for(transaction, artifact_manifests).values(**values).returning(artifact_manifests.c.id))
    return _manifest(transaction.execute(_of(artifact_manifests.c.id == int(manifest_id.scalar_one()))).one())


def update_manifest(transaction: sa.Connection, manifest_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a row."""
    if values:
        transaction.execute(sa.update(artifact_manifests).where(artifact_manifests.c.id == manifest_id).values(**values))


def find_manifest(transaction: sa.Connection, manifest_id: int) -> Manifest | None:
    """Find a manifest by id."""
    row = transaction.execute(_of(artifact_manifests.c.id == manifest_id)).first()
    return None if row is None else _manifest(row)


def list_manifests(transaction: sa.Connection, artifact_id: int) -> list[Manifest]:
    """Give the manifests of a version in the order in which they came."""
    wanted = _of(artifact_manifests.c.artifact_id == artifact_id).order_by(artifact_manifests.c.id)
    return [_manifest(row) for row in transaction.execute(wanted)]


def delete_manifests(transaction: sa.Connection, artifact_id: int, but_id: int) -> None:
    """Drop the manifests of a version but one."""
    t = artifact_manifests
    transaction.execute(sa.delete(t).where(t.c.artifact_id == artifact_id, t.c.id != but_id))


def put_entries(transaction: sa.Connection, artifact_id: int, entries: Iterable[Entry]) -> None:
    """Add entries, or replace those of the same path."""
    rows = [{"artifact_id": artifact_id, "path": e.path, "digest": e.digest, "size_bytes": e.size_bytes, "ref": e.ref} for e in entries]
    if rows:
        insert = insert_for(transaction, artifact_entries)
        new = {name: insert.excluded[name] for name in ("digest", "size_bytes", "ref")}
        transaction.execute(insert.on_conflict_do_update(index_elements=["artifact_id", "path"], set_=new), rows)


def replace_entries(transaction: sa.Connection, artifact_id: int, entries: Iterable[Entry]) -> set[str]:
    """Make these the entries of a version that had but bytes; give the digests that it has no more. What stays as it was is not written."""
    t = artifact_entries
    had = {row[0]: row[1] for row in transaction.execute(sa.select(t.c.path, t.c.digest).where(t.c.artifact_id == artifact_id))}
    by_path = {entry.path: entry for entry in entries}
    gone = had.keys() - by_path.keys()
    if gone:
        transaction.execute(sa.delete(t).where(t.c.artifact_id == artifact_id, among(transaction, t.c.path, gone)))
    put_entries(transaction, artifact_id, [e for e in by_path.values() if e.ref is not None or had.get(e.path) != e.digest])
    return set(had.values()).difference(entry.digest for entry in by_path.values())


def list_missing(transaction: sa.Connection, project_id: int, artifact_id: int) -> list[str]:
    """Give the digests of the bytes that the entries of a version name and that are not in its project."""
    t = artifact_entries
    is_here = sa.exists().where(blobs.c.project_id == project_id, blobs.c.md5 == t.c.digest)
    missing = sa.select(t.c.digest).distinct().where(t.c.artifact_id == artifact_id, t.c.ref.is_(None), ~is_here)
    return list(transaction.execute(missing.order_by(t.c.digest)).scalars())


def take_sizes(transaction: sa.Connection, project_id: int, artifact_id: int) -> None:
    """Write into the entries of a version what their bytes measure, which must be here."""
    t = artifact_entries
    size = sa.select(blobs.c.size_bytes).where(blobs.c.project_id == project_id, blobs.c.md5 == t.c.digest).scalar_subquery()
    transaction.execute(sa.update(t).where(t.c.artifact_id == artifact_id, t.c.ref.is_(None)).values(size_bytes=size))


def measure_entries(transaction: sa.Connection, artifact_id: int) -> tuple[int, int]:
    """Give how many entries a version has, and the bytes of all of them."""
    t = artifact_entries
    count, size = transaction.execute(sa.select(sa.func.count(), sa.func.sum(t.c.size_bytes)).where(t.c.artifact_id == artifact_id)).one()
    return count, int(size or 0)


def list_entries(
    transaction: sa.Connection,
    artifact_id: int,
    *,
    names: Sequence[str] | None = None,
    after: str | None = None,
    at_most: int | None = None,
) -> list[Entry]:
    """Give entries of a version by path. names: only these. after: only later paths."""
    t = artifact_entries
    statement = sa.select(t.c.path, t.c.digest, t.c.size_bytes, t.c.ref).where(t.c.artifact_id == artifact_id)
    if names is not None:
        statement = statement.where(among(transaction, t.c.path, names))
    if after is not None:
        statement = statement.where(t.c.path > after)
    return [Entry(**row._mapping) for row in transaction.execute(statement.order_by(t.c.path).limit(at_most))]


def find_by_content(transaction: sa.Connection, account_id: int, digest: str) -> tuple[int, str] | None:
    """Find a committed version of an account's projects that holds bytes; give its id and under which path."""
    t = artifact_entries
    held = t.join(artifacts, artifacts.c.id == t.c.artifact_id).join(artifact_collections).join(projects)
    where = [t.c.digest == digest, t.c.ref.is_(None), artifacts.c.state == "COMMITTED", IS_ALIVE, projects.c.deleted_at.is_(None)]
    # The sum keeps SQLite from beginning with the account, of which it would read all entries.
    wanted = sa.select(t.c.artifact_id, t.c.path).select_from(held).where(*where, projects.c.account_id + 0 == account_id)
    row = transaction.execute(wanted.order_by(t.c.artifact_id.desc()).limit(1)).first()
    return None if row is None else (row.artifact_id, row.path)


def has_digest(transaction: sa.Connection, artifact_id: int, digest: str) -> bool:
    """Tell whether a version holds a file of this digest."""
    t = artifact_entries
    wanted = sa.select(sa.literal(1)).where(t.c.artifact_id == artifact_id, t.c.digest == digest, t.c.ref.is_(None))
    return transaction.execute(wanted.limit(1)).first() is not None


def count_entries(transaction: sa.Connection, artifact_id: int, *, names: Sequence[str] | None = None) -> int:
    """Count the entries of a version. names: only these."""
    t = artifact_entries
    named = () if names is None else (among(transaction, t.c.path, names),)
    return count(transaction, t, t.c.artifact_id == artifact_id, *named)


def list_digests_at(transaction: sa.Connection, artifact_id: int, paths: Sequence[str]) -> dict[str, str]:
    """Give the digests of the bytes at some paths of a version."""
    t = artifact_entries
    wanted = sa.select(t.c.path, t.c.digest).where(t.c.artifact_id == artifact_id, among(transaction, t.c.path, paths), t.c.ref.is_(None))
    return {row[0]: row[1] for row in transaction.execute(wanted)}


def measure_rows(transaction: sa.Connection, artifact_id: int) -> tuple[int, int]:
    """Count the entries, parts, manifests, places and aliases of a version, and the characters of what entries and aliases name."""
    t = artifact_entries
    length = sa.func.length
    characters = sa.func.sum(length(t.c.path) + length(t.c.digest) + sa.func.coalesce(length(t.c.ref), 0))
    rows, size = transaction.execute(sa.select(sa.func.count(), characters).where(t.c.artifact_id == artifact_id)).one()
    aliases = list_aliases(transaction, artifact_ids=[artifact_id])
    for table in (artifact_parts, artifact_manifests, artifact_memberships):
        rows += count(transaction, table, table.c.artifact_id == artifact_id)
    return rows + len(aliases), int(size or 0) + sum(len(alias.alias) for alias in aliases)


def put_parts(transaction: sa.Connection, artifact_id: int, digest: str, md5s: Sequence[str]) -> None:
    """Note the parts of a file, in their order, in the place of others."""
    delete_parts(transaction, artifact_id, digest)
    rows = [{"artifact_id": artifact_id, "digest": digest, "number": number, "md5": md5} for number, md5 in enumerate(md5s, 1)]
    transaction.execute(sa.insert(artifact_parts), rows)


def list_parts(transaction: sa.Connection, artifact_id: int, digest: str) -> list[str]:
    """Give the MD5 of each part of a file, in their order."""
    t = artifact_parts
    wanted = sa.select(t.c.md5).where(t.c.artifact_id == artifact_id, t.c.digest == digest).order_by(t.c.number)
    return list(transaction.execute(wanted).scalars())


def list_all_parts(transaction: sa.Connection, artifact_id: int) -> list[str]:
    """Give the MD5 of each part of all files of a version, each once."""
    t = artifact_parts
    return list(transaction.execute(sa.select(t.c.md5).where(t.c.artifact_id == artifact_id).distinct()).scalars())


def delete_parts(transaction: sa.Connection, artifact_id: int, digest: str | None = None) -> None:
    """Drop the parts of a version. digest: of this file alone."""
    gone = sa.delete(artifact_parts).where(artifact_parts.c.artifact_id == artifact_id)
    transaction.execute(gone if digest is None else gone.where(artifact_parts.c.digest == digest))


def _of(condition: "sa.ColumnElement[bool]") -> "sa.Select[Any]":
    t = artifact_manifests
    return sa.select(t.c.id, t.c.artifact_id, t.c.type, t.c.md5, t.c.base_artifact_id).where(condition)


def _manifest(row: Any) -> Manifest:
    return Manifest(**row._mapping)

"""Which bytes of a project its versions need, and the rows of those that something let go of."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from runkey_server.artifacts.store.statements import IS_ALIVE
from runkey_server.artifacts.tables import (
    artifact_collections,
    artifact_entries,
    artifact_manifests,
    artifact_parts,
    artifacts,
    loose_blobs,
)
from runkey_server.database import among, insert_for


def list_digests_in(transaction: sa.Connection, collection_id: int) -> list[str]:
    """Give the digests of all bytes that the versions of a sequence need, deleted ones included."""
    return list(transaction.execute(_needed_by(sa.select(artifacts.c.id).where(artifacts.c.collection_id == collection_id))).scalars())


def list_alone(transaction: sa.Connection, project_id: int, artifact_id: int) -> list[str]:
    """Give the digests of the bytes that a version needs, and no other one of its project that is not deleted."""
    own = _needed_by([artifact_id]).subquery("own")
    needs = _needs(own.c.digest, project_id, artifacts.c.id != artifact_id, IS_ALIVE)
    return list(transaction.execute(sa.select(own.c.digest).where(*(~needed for needed in needs))).scalars())


def is_needed(transaction: sa.Connection, project_id: int, md5: str) -> bool:
    """Tell whether a version of a project needs some bytes; deleted ones do until they are purged."""
    return any(transaction.execute(sa.select(needed)).scalar_one() for needed in _needs(sa.literal(md5), project_id))


def put_loose(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> None:
    """Add rows."""
    if md5s:
        rows = [{"project_id": project_id, "md5": md5} for md5 in md5s]
        transaction.execute(insert_for(transaction, loose_blobs).on_conflict_do_nothing(), rows)


def loosen_all(transaction: sa.Connection, artifact_id: int) -> None:
    """Add rows for all bytes that a version needs."""
    own = _needed_by([artifact_id]).subquery("own")
    project_id = (
        sa.select(artifact_collections.c.project_id).join_from(artifacts, artifact_collections).where(artifacts.c.id == artifact_id)
    )
    # SQLite takes what follows a SELECT without a WHERE for a join.
    rows = sa.select(project_id.scalar_subquery(), own.c.digest).where(sa.true()).order_by(own.c.digest)
    transaction.execute(insert_for(transaction, loose_blobs).from_select(["project_id", "md5"], rows).on_conflict_do_nothing())


def list_loose(transaction: sa.Connection, at_most: int) -> tuple[int, list[str]]:
    """Give some digests of one project."""
    t = loose_blobs
    project_id = transaction.execute(sa.select(t.c.project_id).order_by(t.c.project_id).limit(1)).scalar_one_or_none()
    if project_id is None:
        return 0, []
    some = sa.select(t.c.md5).where(t.c.project_id == project_id).order_by(t.c.md5).limit(at_most)
    return project_id, list(transaction.execute(some).scalars())


def list_unneeded(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> list[str]:
    """Give those of some digests that have a row, and that no version needs."""
    t = loose_blobs
    some = sa.select(t.c.md5).where(t.c.project_id == project_id, among(transaction, t.c.md5, md5s))
    return list(transaction.execute(some.where(*(~needed for needed in _needs(t.c.md5, project_id)))).scalars())


def forget_loose(transaction: sa.Connection, project_id: int, md5s: Sequence[str]) -> None:
    """Drop rows."""
    transaction.execute(sa.delete(loose_blobs).where(loose_blobs.c.project_id == project_id, among(transaction, loose_blobs.c.md5, md5s)))


def _needed_by(artifact_ids: "sa.Select[Any] | list[int]") -> "sa.CompoundSelect[Any]":
    t, p, m = artifact_entries, artifact_parts, artifact_manifests
    entries = sa.select(t.c.digest).where(t.c.artifact_id.in_(artifact_ids), t.c.ref.is_(None))
    parts = sa.select(p.c.md5.label("digest")).where(p.c.artifact_id.in_(artifact_ids))
    manifests = sa.select(m.c.md5.label("digest")).where(m.c.artifact_id.in_(artifact_ids), m.c.md5.is_not(None))
    return sa.union(entries, parts, manifests)


def _needs(digest: "sa.ColumnElement[str]", project_id: int, *which: "sa.ColumnElement[bool]") -> "list[sa.Exists]":
    """Say that an entry, a part or a manifest of certain versions of a project names a digest."""
    t, p, m = (table.alias("other") for table in (artifact_entries, artifact_parts, artifact_manifests))
    # The sum keeps SQLite from beginning with the project: it would read all entries of all its versions for each digest.
    always = (artifact_collections.c.project_id + 0 == project_id, *which)

    def named_in(table: Any, *where: "sa.ColumnElement[bool]") -> sa.Exists:
        others = table.join(artifacts, artifacts.c.id == table.c.artifact_id).join(artifact_collections)
        return sa.exists().select_from(others).where(*where, *always)

    return [named_in(t, t.c.digest == digest, t.c.ref.is_(None)), named_in(p, p.c.md5 == digest), named_in(m, m.c.md5 == digest)]

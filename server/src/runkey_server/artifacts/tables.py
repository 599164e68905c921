"""The rows of artifacts: types, collections, versions, their aliases, manifests and entries, and what used them."""

import sqlalchemy as sa

from runkey_server.database.columns import Instant, RowId, metadata
from runkey_server.projects.tables import projects

artifact_types = sa.Table(
    "artifact_types",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("project_id", RowId, sa.ForeignKey(projects.c.id), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("project_id", "name"),
)

# A sequence is where versions are logged, a portfolio where versions of sequences are linked to.
artifact_collections = sa.Table(
    "artifact_collections",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("project_id", RowId, sa.ForeignKey(projects.c.id), nullable=False),
    sa.Column("type_id", RowId, sa.ForeignKey(artifact_types.c.id), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("tags", sa.JSON, nullable=False),
    # The client's own name for a sequence that it has not seen yet.
    sa.Column("client_id", sa.Text, index=True),
    # The number that the next version gets; one that was given is never given again.
    sa.Column("next_version", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    # A deleted one stays until its versions are purged, under a name that nobody can give.
    sa.Column("deleted_at", Instant, index=True),
    sa.UniqueConstraint("project_id", "name"),
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    # The sequence that it was logged to.
    sa.Column("collection_id", RowId, sa.ForeignKey(artifact_collections.c.id), nullable=False),
    # No foreign key: a version outlives the run that logged it.
    sa.Column("run_id", sa.BigInteger, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("ttl_seconds", sa.BigInteger),
    sa.Column("history_step", sa.BigInteger),
    sa.Column("client_id", sa.Text, index=True),
    # Several writers of one version share this name for it.
    sa.Column("distributed_id", sa.Text, index=True),
    # What it will be called once it is committed.
    sa.Column("wanted_aliases", sa.JSON, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("file_count", sa.BigInteger, nullable=False),
    sa.Column("commit_hash", sa.Text, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("committed_at", Instant),
    # From its time to live: when it is deleted by itself.
    sa.Column("expires_at", Instant, index=True),
    sa.Column("deleted_at", Instant, index=True),
    sa.Index("ix_artifacts_collection_id_digest", "collection_id", "digest"),
)

# Those that were begun and not committed are few among many: they are counted, and dropped when nobody goes on with them.
_is_pending = artifacts.c.committed_at.is_(None) & artifacts.c.deleted_at.is_(None)
sa.Index("ix_artifacts_pending", artifacts.c.collection_id, artifacts.c.updated_at, sqlite_where=_is_pending, postgresql_where=_is_pending)

# Which versions a collection has: its own, for a sequence; those that were linked, for a portfolio.
artifact_memberships = sa.Table(
    "artifact_memberships",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("collection_id", RowId, sa.ForeignKey(artifact_collections.c.id), nullable=False),
    sa.Column("artifact_id", RowId, sa.ForeignKey(artifacts.c.id), nullable=False, index=True),
    sa.Column("version_index", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("collection_id", "version_index"),
    sa.UniqueConstraint("collection_id", "artifact_id"),
)

artifact_aliases = sa.Table(
    "artifact_aliases",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("collection_id", RowId, sa.ForeignKey(artifact_collections.c.id), nullable=False),
    sa.Column("membership_id", RowId, sa.ForeignKey(artifact_memberships.c.id), nullable=False, index=True),
    sa.Column("alias", sa.Text, nullable=False),
    sa.UniqueConstraint("collection_id", "alias"),
)

# A manifest's bytes are a blob of the project; a version that several wrote has several.
artifact_manifests = sa.Table(
    "artifact_manifests",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("artifact_id", RowId, sa.ForeignKey(artifacts.c.id), nullable=False, index=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("md5", sa.Text, index=True),
    sa.Column("base_artifact_id", RowId),
    sa.Column("created_at", Instant, nullable=False),
)

# What a version holds. While it is pending: what its writer asked to send, so that nothing of it is purged meanwhile.
artifact_entries = sa.Table(
    "artifact_entries",
    metadata,
    sa.Column("artifact_id", RowId, sa.ForeignKey(artifacts.c.id), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    # Base64 of an MD5; of a reference whatever its store says.
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    # Where a reference points to; null for bytes that are here.
    sa.Column("ref", sa.Text),
    sa.Index("ix_artifact_entries_digest", "digest"),
    sqlite_with_rowid=False,
)

# Digests of bytes that something needs no more. Whether anything else does is looked at later.
loose_blobs = sa.Table(
    "loose_blobs",
    metadata,
    # No foreign key: bytes may come when their project is gone.
    sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("md5", sa.Text, primary_key=True),
)

# The parts in which a large file of a pending version is sent. Each is a blob of the project, until they are joined.
artifact_parts = sa.Table(
    "artifact_parts",
    metadata,
    sa.Column("artifact_id", RowId, sa.ForeignKey(artifacts.c.id), primary_key=True),
    # Of the whole file.
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # Of this part.
    sa.Column("md5", sa.Text, nullable=False, index=True),
)

artifact_uses = sa.Table(
    "artifact_uses",
    metadata,
    sa.Column("artifact_id", RowId, sa.ForeignKey(artifacts.c.id), primary_key=True),
    sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False, index=True),
    sa.Column("used_as", sa.Text),
    sa.Column("used_at", Instant, nullable=False),
)

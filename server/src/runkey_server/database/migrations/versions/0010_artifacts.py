"""Artifacts: their types, collections, versions, aliases, manifests, entries and uses; and blobs, the bytes that they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "blobs",
        sa.Column("project_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("md5", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "md5", name="pk_blobs"),
    )
    op.create_index("ix_blobs_sha256", "blobs", ["sha256"])
    _create_collections()
    _create_artifacts()
    _create_parts()


def _create_collections() -> None:
    op.create_table(
        "artifact_types",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("project_id", _ROW_ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_types"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_artifact_types_project_id"),
        sa.UniqueConstraint("project_id", "name", name="uq_artifact_types_project_id_name"),
    )
    op.create_table(
        "artifact_collections",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("project_id", _ROW_ID, nullable=False),
        sa.Column("type_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("client_id", sa.Text),
        sa.Column("next_version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_collections"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_artifact_collections_project_id"),
        sa.ForeignKeyConstraint(["type_id"], ["artifact_types.id"], name="fk_artifact_collections_type_id"),
        sa.UniqueConstraint("project_id", "name", name="uq_artifact_collections_project_id_name"),
    )
    op.create_index("ix_artifact_collections_client_id", "artifact_collections", ["client_id"])


def _create_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("collection_id", _ROW_ID, nullable=False),
        sa.Column("run_id", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("ttl_seconds", sa.BigInteger),
        sa.Column("history_step", sa.BigInteger),
        sa.Column("client_id", sa.Text),
        sa.Column("distributed_id", sa.Text),
        sa.Column("wanted_aliases", sa.JSON, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("file_count", sa.BigInteger, nullable=False),
        sa.Column("commit_hash", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("committed_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
        sa.ForeignKeyConstraint(["collection_id"], ["artifact_collections.id"], name="fk_artifacts_collection_id"),
    )
    for column in ("run_id", "client_id", "distributed_id", "commit_hash", "expires_at", "deleted_at"):
        op.create_index(f"ix_artifacts_{column}", "artifacts", [column])
    op.create_index("ix_artifacts_collection_id_digest", "artifacts", ["collection_id", "digest"])
    op.create_table(
        "artifact_memberships",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("collection_id", _ROW_ID, nullable=False),
        sa.Column("artifact_id", _ROW_ID, nullable=False),
        sa.Column("version_index", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_memberships"),
        sa.ForeignKeyConstraint(["collection_id"], ["artifact_collections.id"], name="fk_artifact_memberships_collection_id"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_artifact_memberships_artifact_id"),
        sa.UniqueConstraint("collection_id", "version_index", name="uq_artifact_memberships_collection_id_version_index"),
        sa.UniqueConstraint("collection_id", "artifact_id", name="uq_artifact_memberships_collection_id_artifact_id"),
    )
    op.create_index("ix_artifact_memberships_artifact_id", "artifact_memberships", ["artifact_id"])


def _create_parts() -> None:
    op.create_table(
        "artifact_aliases",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("collection_id", _ROW_ID, nullable=False),
        sa.Column("membership_id", _ROW_ID, nullable=False),
        sa.Column("alias", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_aliases"),
        sa.ForeignKeyConstraint(["collection_id"], ["artifact_collections.id"], name="fk_artifact_aliases_collection_id"),
        sa.ForeignKeyConstraint(["membership_id"], ["artifact_memberships.id"], name="fk_artifact_aliases_membership_id"),
        sa.UniqueConstraint("collection_id", "alias", name="uq_artifact_aliases_collection_id_alias"),
    )
    op.create_index("ix_artifact_aliases_membership_id", "artifact_aliases", ["membership_id"])
    op.create_table(
        "artifact_manifests",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("artifact_id", _ROW_ID, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("md5", sa.Text),
        sa.Column("base_artifact_id", _ROW_ID),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_manifests"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_artifact_manifests_artifact_id"),
    )
    op.create_index("ix_artifact_manifests_artifact_id", "artifact_manifests", ["artifact_id"])
    op.create_index("ix_artifact_manifests_md5", "artifact_manifests", ["md5"])
    op.create_table(
        "artifact_entries",
        sa.Column("artifact_id", _ROW_ID, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("ref", sa.Text),
        sa.PrimaryKeyConstraint("artifact_id", "path", name="pk_artifact_entries"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_artifact_entries_artifact_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_artifact_entries_digest", "artifact_entries", ["digest"])
    op.create_table(
        "artifact_uses",
        sa.Column("artifact_id", _ROW_ID, nullable=False),
        sa.Column("run_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("used_as", sa.Text),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("artifact_id", "run_id", name="pk_artifact_uses"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_artifact_uses_artifact_id"),
    )
    op.create_index("ix_artifact_uses_run_id", "artifact_uses", ["run_id"])

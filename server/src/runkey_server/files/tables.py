"""The rows of files and blobs."""

import sqlalchemy as sa

from runkey_server.database.columns import Instant, metadata

files = sa.Table(
    "files",
    metadata,
    # No foreign key: runs stand on a floor above.
    sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("md5", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("mimetype", sa.Text, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

# What the artifacts of a project hold, by the digest under which their manifests name it.
blobs = sa.Table(
    "blobs",
    metadata,
    # No foreign key: projects stand beside this room.
    sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("md5", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("kept_at", Instant, nullable=False),
)

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

# Files that were not taken, and why: clients say so nowhere that a person looks.
refused_files = sa.Table(
    "refused_files",
    metadata,
    sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("refused_at", Instant, nullable=False),
)

# What a file named until it was replaced or deleted: bytes that may belong to nothing any more.
released_bytes = sa.Table("released_bytes", metadata, sa.Column("sha256", sa.Text, primary_key=True))

"""History and events: segments as they arrived, and the chunks that they are folded into.

No foreign keys to runs: those stand on a floor above.
"""

import sqlalchemy as sa

from runkey_server.database.columns import Instant, metadata


def _of_a_stream() -> list["sa.Column[int]"]:
    return [
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream", sa.SmallInteger, primary_key=True, autoincrement=False),
    ]


history_streams = sa.Table(
    "history_streams",
    metadata,
    *_of_a_stream(),
    # The number of the line that would come next, and the first line that is in no chunk yet.
    sa.Column("next_line", sa.BigInteger, nullable=False),
    sa.Column("folded_to", sa.BigInteger, nullable=False),
    sa.Column("segments", sa.Integer, nullable=False),
    sa.Column("segment_bytes", sa.BigInteger, nullable=False),
    # Counts what changed anything but the end of the stream: a fold that was prepared before such a change is void.
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("written_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
# What is worth folding, found without looking at every run there ever was.
_HAS_SEGMENTS = history_streams.c.segments > 0
sa.Index("ix_history_streams_unfolded", history_streams.c.written_at, sqlite_where=_HAS_SEGMENTS, postgresql_where=_HAS_SEGMENTS)

history_segments = sa.Table(
    "history_segments",
    metadata,
    *_of_a_stream(),
    sa.Column("first_line", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_line", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

history_keys = sa.Table(
    "history_keys",
    metadata,
    *_of_a_stream(),
    sa.Column("key_id", sa.Integer, primary_key=True, autoincrement=False),
    # JSON texts in ASCII: a key may hold any character, also those that a database's text has no place for.
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    # What `historyKeys` tells of the folded values: kinds to counts, whether they never fell, the last value.
    sa.Column("facts", sa.Text, nullable=False),
    sa.Index("ix_history_keys_name", "run_id", "stream", "name"),
    sqlite_with_rowid=False,
)

STEPS_ID = 0
"""The key_id of the steps, which every line has."""

history_chunks = sa.Table(
    "history_chunks",
    metadata,
    *_of_a_stream(),
    sa.Column("key_id", sa.Integer, primary_key=True, autoincrement=False),
    # The place of its first value in the series of its key.
    sa.Column("first_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("first_line", sa.BigInteger, nullable=False),
    sa.Column("last_line", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("outline", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
FULL = 8_192
"""Values in a chunk that grows no more: 16 blocks of its outline, about 60 kB."""

IS_OPEN = history_chunks.c.points < sa.literal_column(str(FULL))
sa.Index(
    "ix_history_chunks_open",
    history_chunks.c.run_id,
    history_chunks.c.stream,
    history_chunks.c.key_id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)

# Apart from what is known of them, so that a scan of the outlines reads no values.
history_bodies = sa.Table(
    "history_bodies",
    metadata,
    *_of_a_stream(),
    sa.Column("key_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

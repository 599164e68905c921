"""History as segments and chunks. Lines that were logged before become segments, as they are, and are folded like any others."""

from typing import Any

import sqlalchemy as sa
import zstandard
from alembic import op

revision = "0004"
down_revision = "0003"

_LINES_A_SEGMENT = 1_000


def upgrade() -> None:
    """Make the tables, move the lines over, drop their old table."""
    _make_tables()
    _move_lines(op.get_bind())
    op.drop_table("history_lines")


def _of_a_stream() -> "list[sa.Column[Any]]":
    return [sa.Column("run_id", sa.BigInteger, nullable=False), sa.Column("stream", sa.SmallInteger, nullable=False)]


def _make_tables() -> None:
    op.create_table(
        "history_streams",
        *_of_a_stream(),
        sa.Column("next_line", sa.BigInteger, nullable=False),
        sa.Column("folded_to", sa.BigInteger, nullable=False),
        sa.Column("segments", sa.Integer, nullable=False),
        sa.Column("segment_bytes", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", name="pk_history_streams"),
        sqlite_with_rowid=False,
    )
    has_segments = sa.text("segments > 0")
    op.create_index(
        "ix_history_streams_unfolded", "history_streams", ["written_at"], sqlite_where=has_segments, postgresql_where=has_segments
    )
    op.create_table(
        "history_segments",
        *_of_a_stream(),
        sa.Column("first_line", sa.BigInteger, nullable=False),
        sa.Column("last_line", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", "first_line", name="pk_history_segments"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_keys",
        *_of_a_stream(),
        sa.Column("key_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", "key_id", name="pk_history_keys"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_history_keys_name", "history_keys", ["run_id", "stream", "name"])
    op.create_table(
        "history_chunks",
        *_of_a_stream(),
        sa.Column("key_id", sa.Integer, nullable=False),
        sa.Column("first_index", sa.BigInteger, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("first_line", sa.BigInteger, nullable=False),
        sa.Column("last_line", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("outline", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", "key_id", "first_index", name="pk_history_chunks"),
        sqlite_with_rowid=False,
    )
    is_open = sa.text("points < 8192")
    op.create_index(
        "ix_history_chunks_open", "history_chunks", ["run_id", "stream", "key_id"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "history_bodies",
        *_of_a_stream(),
        sa.Column("key_id", sa.Integer, nullable=False),
        sa.Column("first_index", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", "key_id", "first_index", name="pk_history_bodies"),
        sqlite_with_rowid=False,
    )


def _move_lines(connection: sa.Connection) -> None:
    old = sa.table("history_lines", *(sa.column(name) for name in ("run_id", "stream", "line", "body")))
    streams = connection.execute(sa.select(old.c.run_id, old.c.stream).distinct().order_by(old.c.run_id, old.c.stream)).all()
    for run_id, stream in streams:
        of_it = (old.c.run_id == run_id, old.c.stream == stream)
        rows = connection.execute(sa.select(old.c.line, old.c.body).where(*of_it).order_by(old.c.line))
        held: list[tuple[int, str]] = []
        made: list[tuple[int, int, bytes]] = []
        for line, body in rows:
            if held and (line != held[-1][0] + 1 or len(held) == _LINES_A_SEGMENT):
                made.append(_segment(held))
                held = []
            held.append((line, body))
        made.append(_segment(held))
        _insert(connection, run_id, stream, made)


def _segment(held: list[tuple[int, str]]) -> tuple[int, int, bytes]:
    # The form of segments that holds lines as they came: a zero, then zstd. A line break in one can only be white space of JSON's.
    text = "\n".join(body.replace("\n", " ") for _, body in held)
    return held[0][0], held[-1][0], b"\0" + zstandard.ZstdCompressor(level=1).compress(text.encode("utf-8", "replace"))


def _insert(connection: sa.Connection, run_id: int, stream: int, made: list[tuple[int, int, bytes]]) -> None:
    place = {"run_id": run_id, "stream": stream}
    segments = sa.table("history_segments", *(sa.column(name) for name in ("run_id", "stream", "first_line", "last_line", "body")))
    connection.execute(sa.insert(segments), [{**place, "first_line": first, "last_line": last, "body": body} for first, last, body in made])
    names = ("run_id", "stream", "next_line", "folded_to", "segments", "segment_bytes", "revision", "written_at")
    streams = sa.table("history_streams", *(sa.column(name) for name in names))
    told = {"next_line": made[-1][1] + 1, "segments": len(made), "segment_bytes": sum(len(body) for _, _, body in made)}
    connection.execute(sa.insert(streams), {**place, "folded_to": 0, "revision": 0, "written_at": 0, **told})

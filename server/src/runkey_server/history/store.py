"""The rows of segments, chunks and keys: functions that take an open transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.database import insert_for
from runkey_server.history.tables import IS_OPEN, STEPS_ID, history_bodies, history_chunks, history_keys, history_segments, history_streams

_PER_STATEMENT = 500
"""SQLite takes 32,766 variables in a statement, PostgreSQL 65,535."""

Place = tuple[int, int]
"""A run's number and a stream's."""

_STREAM = sa.select(history_streams).where(
    history_streams.c.run_id == sa.bindparam("run"), history_streams.c.stream == sa.bindparam("stream")
)


def _is_chunk(table: sa.Table) -> "sa.ColumnElement[bool]":
    named = {"run_id": "run", "stream": "stream", "key_id": "key", "first_index": "index"}
    return sa.and_(*(table.c[column] == sa.bindparam(name) for column, name in named.items()))


# Made once: of a run with 10,000 keys each is asked 10,000 times, while others wait to write.
_OUTLINE = sa.select(history_chunks.c.outline).where(_is_chunk(history_chunks))
_BODY = sa.select(history_bodies.c.body).where(_is_chunk(history_bodies))


def _of_chunk(place: Place, key_id: int, first_index: int) -> dict[str, int]:
    return {"run": place[0], "stream": place[1], "key": key_id, "index": first_index}


def _at(table: sa.Table, place: Place) -> tuple["sa.ColumnElement[bool]", "sa.ColumnElement[bool]"]:
    return (table.c.run_id == place[0], table.c.stream == place[1])


def find_stream(transaction: sa.Connection, place: Place, *, to_change: bool = False) -> Any:
    """Find what is known of a stream: next_line, folded_to, segments, segment_bytes, revision, written_at; None before the first line.

    to_change: nobody else changes it until this transaction ends.
    """
    statement = _STREAM.with_for_update() if to_change else _STREAM
    return transaction.execute(statement, {"run": place[0], "stream": place[1]}).first()


def make_stream(transaction: sa.Connection, place: Place, at: datetime) -> None:
    """Add a stream, unless somebody did meanwhile."""
    values = {"next_line": 0, "folded_to": 0, "segments": 0, "segment_bytes": 0, "revision": 0, "written_at": at}
    transaction.execute(
        insert_for(transaction, history_streams).values(run_id=place[0], stream=place[1], **values).on_conflict_do_nothing()
    )


def update_stream(transaction: sa.Connection, place: Place, **values: Any) -> None:
    """Change what is known of a stream."""
    transaction.execute(sa.update(history_streams).where(*_at(history_streams, place)).values(**values))


def list_unfolded(transaction: sa.Connection, *, segments: int, bytes_: int, written_before: datetime) -> list[Place]:
    """Give streams with that many segments or bytes in them, and those that were not written to since a moment."""
    s = history_streams
    worth_it = sa.or_(s.c.segments >= segments, s.c.segment_bytes >= bytes_, s.c.written_at <= written_before)
    rows = transaction.execute(sa.select(s.c.run_id, s.c.stream).where(s.c.segments > 0, worth_it).order_by(s.c.written_at))
    return [(row.run_id, row.stream) for row in rows]


# --- segments ---------------------------------------------------------------------------------------------------------


def insert_segment(transaction: sa.Connection, place: Place, first_line: int, last_line: int, body: bytes) -> None:
    """Add a segment."""
    transaction.execute(
        sa.insert(history_segments),
        {"run_id": place[0], "stream": place[1], "first_line": first_line, "last_line": last_line, "body": body},
    )


def list_segments(transaction: sa.Connection, place: Place, lines: tuple[int, int] | None = None, at_most: int | None = None) -> list[Any]:
    """Give segments with lines in a span, in order: first_line, last_line, body."""
    t = history_segments
    statement = sa.select(t.c.first_line, t.c.last_line, t.c.body).where(*_at(t, place)).order_by(t.c.first_line).limit(at_most)
    if lines is not None:
        statement = statement.where(t.c.last_line >= lines[0], t.c.first_line < lines[1])
    return list(transaction.execute(statement).all())


def delete_segments(transaction: sa.Connection, place: Place, first_lines: Iterable[int]) -> None:
    """Drop segments."""
    t = history_segments
    for some in _in_portions(list(first_lines)):
        transaction.execute(sa.delete(t).where(*_at(t, place), t.c.first_line.in_(some)))


def count_segments(transaction: sa.Connection, place: Place) -> tuple[int, int]:
    """Count segments and their bytes."""
    t = history_segments
    counted = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.func.length(t.c.body)), 0)).where(*_at(t, place))
    found = transaction.execute(counted).one()
    return int(found[0]), int(found[1])


# --- keys -------------------------------------------------------------------------------------------------------------


def list_keys(transaction: sa.Connection, place: Place, names: Sequence[str] | None = None) -> list[Any]:
    """Give keys in the order in which they were first seen: key_id, path, name, facts. names: of these alone."""
    t = history_keys
    statement = sa.select(t.c.key_id, t.c.path, t.c.name, t.c.facts).where(*_at(t, place)).order_by(t.c.key_id)
    if names is None:
        return list(transaction.execute(statement).all())
    found = [row for some in _in_portions(names) for row in transaction.execute(statement.where(t.c.name.in_(some)))]
    return sorted(found, key=lambda row: row.key_id)


def list_facts(transaction: sa.Connection, stream: int, run_ids: Sequence[int]) -> Iterable[tuple[str, str]]:
    """Give the name and facts, as texts, of every key of these runs; without the steps, which are nobody's key."""
    t = history_keys
    for some in _in_portions(run_ids):
        statement = sa.select(t.c.name, t.c.facts).where(t.c.run_id.in_(some), t.c.stream == stream, t.c.key_id != STEPS_ID)
        yield from ((row[0], row[1]) for row in transaction.execute(statement))


def list_next_lines(transaction: sa.Connection, stream: int, run_ids: Sequence[int]) -> dict[int, int]:
    """Give for each of these runs that has anything the number of the line that would come next."""
    t = history_streams
    found: dict[int, int] = {}
    for some in _in_portions(run_ids):
        rows = transaction.execute(sa.select(t.c.run_id, t.c.next_line).where(t.c.run_id.in_(some), t.c.stream == stream))
        found.update({row.run_id: row.next_line for row in rows})
    return found


def list_unfolded_of(transaction: sa.Connection, stream: int, run_ids: Sequence[int]) -> list[int]:
    """Give those of these runs of which something is not folded yet."""
    t = history_streams
    found: list[int] = []
    for some in _in_portions(run_ids):
        statement = sa.select(t.c.run_id).where(t.c.run_id.in_(some), t.c.stream == stream, t.c.segments > 0)
        found.extend(transaction.execute(statement).scalars())
    return found


def put_keys(transaction: sa.Connection, place: Place, rows: Sequence[dict[str, Any]]) -> None:
    """Add keys, or renew their facts: key_id, path, name, facts."""
    if not rows:
        return
    insert = insert_for(transaction, history_keys)
    statement = insert.on_conflict_do_update(index_elements=["run_id", "stream", "key_id"], set_={"facts": insert.excluded.facts})
    transaction.execute(statement, [{"run_id": place[0], "stream": place[1], **row} for row in rows])


def delete_keys(transaction: sa.Connection, place: Place, key_ids: Iterable[int]) -> None:
    """Drop keys."""
    t = history_keys
    for some in _in_portions(list(key_ids)):
        transaction.execute(sa.delete(t).where(*_at(t, place), t.c.key_id.in_(some)))


# --- chunks -----------------------------------------------------------------------------------------------------------

_HEAD = (
    history_chunks.c.key_id,
    history_chunks.c.first_index,
    history_chunks.c.points,
    history_chunks.c.first_line,
    history_chunks.c.last_line,
)


def list_chunks(
    transaction: sa.Connection,
    place: Place,
    key_ids: Sequence[int] | None = None,
    *,
    lines: tuple[int, int] | None = None,
    only_open: bool = False,
    with_facts: bool = False,
) -> list[Any]:
    """Give the heads of chunks, by key and place: key_id, first_index, points, first_line, last_line."""
    t = history_chunks
    columns = (*_HEAD, t.c.facts) if with_facts else _HEAD
    statement = sa.select(*columns).where(*_at(t, place)).order_by(t.c.key_id, t.c.first_index)
    if lines is not None:
        statement = statement.where(t.c.last_line >= lines[0], t.c.first_line < lines[1])
    if only_open:
        statement = statement.where(IS_OPEN)
    if key_ids is None:
        return list(transaction.execute(statement).all())
    return [row for some in _in_portions(key_ids) for row in transaction.execute(statement.where(t.c.key_id.in_(some)))]


def find_last_line(transaction: sa.Connection, place: Place, key_id: int) -> int:
    """Give the last line that has a value of a key, in segments and chunks; -1 when there is none."""
    t, c = history_segments, history_chunks
    found = (
        transaction.execute(sa.select(sa.func.max(t.c.last_line)).where(*_at(t, place))).scalar(),
        transaction.execute(sa.select(sa.func.max(c.c.last_line)).where(*_at(c, place), c.c.key_id == key_id)).scalar(),
    )
    return max(-1 if line is None else int(line) for line in found)


def find_outline(transaction: sa.Connection, place: Place, key_id: int, first_index: int) -> bytes:
    """Give the outline of one chunk."""
    return bytes(transaction.execute(_OUTLINE, _of_chunk(place, key_id, first_index)).scalar_one())


def list_outlines(transaction: sa.Connection, place: Place, key_id: int) -> list[bytes]:
    """Give the outlines of a key's chunks, in order."""
    t = history_chunks
    statement = sa.select(t.c.outline).where(*_at(t, place), t.c.key_id == key_id).order_by(t.c.first_index)
    return list(transaction.execute(statement).scalars())


def list_bodies(
    transaction: sa.Connection, place: Place, key_ids: Sequence[int] | None, lines: tuple[int, int] | None = None
) -> list[tuple[int, bytes]]:
    """Give the bodies of chunks with lines in a span, those of one key in order: key_id, body."""
    # Not a join: on tables that PostgreSQL has not counted yet it would compare every chunk with every body.
    b = history_bodies
    statement = sa.select(b.c.key_id, b.c.body).where(*_at(b, place)).order_by(b.c.key_id, b.c.first_index)
    if lines is None and key_ids is None:
        return [(row.key_id, row.body) for row in transaction.execute(statement)]
    wanted: dict[tuple[int, int] | None, list[int]] = {None: list(key_ids or ())}
    if lines is not None:
        wanted = _spans_of_places(list_chunks(transaction, place, key_ids, lines=lines))
    found: list[Any] = []
    for span, keys in wanted.items():
        for some in _in_portions(keys):
            chosen = statement.where(b.c.key_id.in_(some))
            found.extend(transaction.execute(chosen if span is None else chosen.where(b.c.first_index.between(*span))).all())
    return [(row.key_id, row.body) for row in found]


def _spans_of_places(chunks: Iterable[Any]) -> dict[tuple[int, int] | None, list[int]]:
    """Group keys by the first and last of their chunks' places; most keys of a run have the same."""
    spans: dict[int, tuple[int, int]] = {}
    for chunk in chunks:
        first, _ = spans.get(chunk.key_id, (chunk.first_index, 0))
        spans[chunk.key_id] = (first, chunk.first_index)
    keys: dict[tuple[int, int] | None, list[int]] = {}
    for key_id, span in spans.items():
        keys.setdefault(span, []).append(key_id)
    return keys


def find_body(transaction: sa.Connection, place: Place, key_id: int, first_index: int) -> bytes:
    """Give the body of one chunk."""
    return bytes(transaction.execute(_BODY, _of_chunk(place, key_id, first_index)).scalar_one())


def list_places(transaction: sa.Connection) -> list[Place]:
    """Give every stream of which there is anything."""
    tables = (history_streams, history_segments, history_keys, history_chunks, history_bodies)
    together = sa.union(*(sa.select(t.c.run_id, t.c.stream) for t in tables)).subquery()
    return [(row.run_id, row.stream) for row in transaction.execute(sa.select(together).order_by(*together.c))]


def list_body_places(transaction: sa.Connection, place: Place) -> list[tuple[int, int]]:
    """Tell of which chunks there are bodies: key_id, first_index."""
    t = history_bodies
    return [(row.key_id, row.first_index) for row in transaction.execute(sa.select(t.c.key_id, t.c.first_index).where(*_at(t, place)))]


def look_for_body(transaction: sa.Connection, place: Place, key_id: int, first_index: int) -> bytes | None:
    """Give the body of one chunk; None where it is missing."""
    found = transaction.execute(_BODY, _of_chunk(place, key_id, first_index)).scalar()
    return None if found is None else bytes(found)


def insert_chunks(transaction: sa.Connection, place: Place, chunks: Sequence[dict[str, Any]]) -> None:
    """Add chunks: key_id, first_index, points, first_line, last_line, facts, outline, body."""
    if not chunks:
        return
    base = {"run_id": place[0], "stream": place[1]}
    transaction.execute(sa.insert(history_chunks), [{**base, **{k: v for k, v in chunk.items() if k != "body"}} for chunk in chunks])
    bodies = [{**base, **{name: chunk[name] for name in ("key_id", "first_index", "body")}} for chunk in chunks]
    transaction.execute(sa.insert(history_bodies), bodies)


def delete_chunks(transaction: sa.Connection, place: Place, chunks: Iterable[tuple[int, int]]) -> None:
    """Drop chunks, each named by its key_id and first_index."""
    doomed = [{"run": place[0], "of": place[1], "key": key_id, "index": first_index} for key_id, first_index in chunks]
    if not doomed:
        return
    for t in (history_chunks, history_bodies):
        transaction.execute(
            sa.delete(t).where(
                t.c.run_id == sa.bindparam("run"),
                t.c.stream == sa.bindparam("of"),
                t.c.key_id == sa.bindparam("key"),
                t.c.first_index == sa.bindparam("index"),
            ),
            doomed,
        )


def delete_run(transaction: sa.Connection, run_id: int) -> None:
    """Drop everything of a run."""
    for table in (history_streams, history_segments, history_keys, history_chunks, history_bodies):
        transaction.execute(sa.delete(table).where(table.c.run_id == run_id))


def copy_stream(transaction: sa.Connection, place: Place, to_run_id: int) -> None:
    """Write all rows of a stream once more, for a run that has none."""
    for table in (history_streams, history_segments, history_keys, history_chunks, history_bodies):
        columns = [column for column in table.c if column is not table.c.run_id]
        rows = sa.select(sa.literal(to_run_id, sa.BigInteger), *columns).where(*_at(table, place))
        transaction.execute(sa.insert(table).from_select(["run_id", *(column.name for column in columns)], rows))


def measure(transaction: sa.Connection, place: Place) -> int:
    """Add up the bytes of a stream's segments and bodies."""
    sizes = [
        sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(t.c.body)), 0)).where(*_at(t, place))
        for t in (history_segments, history_bodies)
    ]
    return sum(int(transaction.execute(size).scalar_one()) for size in sizes)


def _in_portions(items: Sequence[Any]) -> Iterable[list[Any]]:
    for start in range(0, len(items), _PER_STATEMENT):
        yield list(items[start : start + _PER_STATEMENT])

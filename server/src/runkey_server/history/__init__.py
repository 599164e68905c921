"""History (one row a step) and events (system figures): rows in at their line, exactly once; columns, rows and charts out.

Tables: `history_streams`, `history_segments`, `history_keys`, `history_chunks`, `history_bodies`; docs/history-format.md has their bytes.
It knows a run as a number and asks nobody whether it may: the doors do. What keeps the rows is a `HistoryStore`; there is one, `packed`.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runkey_server.database import Database
from runkey_server.history import charting, checking, folding, mending, reading, store
from runkey_server.history.charting import STEP_AXIS, Series
from runkey_server.history.columns import FLOAT, INT, OTHER, Column
from runkey_server.history.describing import Facts
from runkey_server.history.folding import Folder
from runkey_server.history.mending import Mended
from runkey_server.history.model import Batch, HistoryStore, Stream
from runkey_server.history.packed import PackedHistory
from runkey_server.history.packing import STEPS, Columns, Path, Row, name_of

__all__ = [
    "FLOAT",
    "INT",
    "OTHER",
    "STEPS",
    "STEP_AXIS",
    "Batch",
    "Column",
    "Columns",
    "Facts",
    "Folder",
    "HistoryStore",
    "Mended",
    "PackedHistory",
    "Path",
    "Row",
    "Series",
    "Stream",
    "append",
    "chart",
    "copy",
    "count_lines",
    "count_lines_of",
    "count_lines_to",
    "count_names",
    "cut",
    "describe_keys",
    "find_faults",
    "fold",
    "last_lines",
    "last_values",
    "list_facts",
    "list_names",
    "list_streams",
    "list_stretches",
    "measure",
    "mend",
    "name_of",
    "names_of_numbers",
    "purge",
    "read_all",
    "read_columns",
    "read_portions",
    "read_steps",
    "sample_lines",
    "sample_rows",
]

_store: HistoryStore = PackedHistory()
_NUMBERS_FIRST = '[{"number": '


def append(transaction: sa.Connection, run_id: int, stream: Stream, batch: Batch, at: datetime) -> None:
    """Write rows at their lines, exactly once: see `HistoryStore.append`."""
    _store.append(transaction, run_id, stream, batch, at)


def count_lines(transaction: sa.Connection, run_id: int, stream: Stream) -> int:
    """Give the number of the line that would come next: where a resumed run goes on."""
    return _store.view(transaction, run_id, stream).next_line


def count_lines_of(transaction: sa.Connection, run_ids: Sequence[int], stream: Stream) -> dict[int, int]:
    """Do the same for several runs; those without any are left out."""
    return store.list_next_lines(transaction, stream, run_ids)


def list_facts(transaction: sa.Connection, run_id: int, stream: Stream) -> Mapping[Path, Facts]:
    """Give every path that has a value, with what is known of its values, in the order in which they were first seen."""
    return _store.view(transaction, run_id, stream).facts()


def list_names(transaction: sa.Connection, run_id: int, stream: Stream) -> list[str]:
    """Name the keys that have numbers, in the order in which they were first seen, W&B's own (`_step` …) left out."""
    return names_of_numbers(_store.view(transaction, run_id, stream).facts())


def names_of_numbers(facts: Mapping[Path, Facts]) -> list[str]:
    """Name the keys among these that have numbers, W&B's own left out."""
    names = [name_of(path) for path, found in facts.items() if found.counts.get("number") and not path[0].startswith("_")]
    return list(dict.fromkeys(names))


def count_names(transaction: sa.Connection, run_ids: Sequence[int], stream: Stream) -> dict[str, int]:
    """Name the keys that have numbers in any of these runs, W&B's own left out, with the number of runs that have them.

    Cost: a row a key of each run; of runs that are being written to, what is not folded yet is decoded.
    """
    unfolded = set(store.list_unfolded_of(transaction, stream, run_ids))
    written: Counter[str] = Counter()
    for name, facts in store.list_facts(transaction, stream, [run_id for run_id in run_ids if run_id not in unfolded]):
        # Most keys have numbers alone, and begin so: the others are worth reading.
        if facts.startswith(_NUMBERS_FIRST) or "number" in Facts.from_text(facts).counts:
            written[name] += 1
    counts = Counter({name: count for text, count in written.items() if not (name := json.loads(text)).startswith("_")})
    for run_id in unfolded:
        counts.update(list_names(transaction, run_id, stream))
    return dict(sorted(counts.items()))


def describe_keys(transaction: sa.Connection, run_id: int) -> dict[str, Any]:
    """Describe the keys of a run's history, as W&B's `historyKeys`.

    `{"sets": [], "keys": {key: {"typeCounts": [{"type", "count"}], "monotonic": bool, "previousValue": last value}}, "lastStep": step}`;
    values of nested dicts by dotted path.
    """
    view = _store.view(transaction, run_id, Stream.HISTORY)
    facts = view.facts()
    # The largest, not the last: the official client pages up to it, and steps may go back.
    last_step = int(view.outline(STEPS)["max_step"].max()) if ("_step",) in facts else -1
    return {"sets": [], "keys": {name_of(path): found.as_json() for path, found in facts.items()}, "lastStep": last_step}


def chart(
    transaction: sa.Connection,
    run_id: int,
    stream: Stream,
    names: Sequence[str],
    *,
    buckets: int,
    axis: str = STEP_AXIS,
    span: tuple[float | None, float | None] = (None, None),
) -> dict[str, Series]:
    """Give series as at most so many buckets each: see `charting.chart`."""
    return charting.chart(_store.view(transaction, run_id, stream), names, buckets=buckets, axis=axis, span=span)


def last_lines(transaction: sa.Connection, run_id: int, stream: Stream, count: int) -> list[str]:
    """Give the last lines, in their order, as JSON."""
    return reading.last_lines(_store.view(transaction, run_id, stream), count)


def read_all(transaction: sa.Connection, run_id: int, stream: Stream) -> list[Row]:
    """Give every row, in order."""
    return reading.read_all(_store.view(transaction, run_id, stream))


def read_columns(
    transaction: sa.Connection, run_id: int, stream: Stream, lines: tuple[int, int], names: Collection[str] | None = None
) -> Columns:
    """Give the columns of the lines from one up to but not with another; the steps are always among them. names: of these keys alone."""
    return _store.view(transaction, run_id, stream).read(lines=lines, names=names)


def list_stretches(transaction: sa.Connection, run_id: int, stream: Stream) -> list[tuple[int, int]]:
    """Give spans that hold all lines, in order, without the gaps that are wide."""
    return reading.list_stretches(_store.view(transaction, run_id, stream))


def read_portions(transaction: sa.Connection, run_id: int, stream: Stream) -> Iterator[list[Row]]:
    """Give every row, in order, some thousand at a time."""
    return reading.read_portions(_store.view(transaction, run_id, stream))


def read_steps(transaction: sa.Connection, run_id: int, stream: Stream, min_step: int, max_step: int, at_most: int) -> list[str]:
    """Give the lines whose step is at least min_step and below max_step, in their order, at most so many, as JSON."""
    return reading.read_steps(_store.view(transaction, run_id, stream), min_step, max_step, at_most)


def sample_lines(transaction: sa.Connection, run_id: int, stream: Stream, at_most: int) -> list[str]:
    """Give at most so many lines, evenly spread, as JSON."""
    return reading.sample_lines(_store.view(transaction, run_id, stream), at_most)


def sample_rows(
    transaction: sa.Connection,
    run_id: int,
    keys: list[str],
    at_most: int,
    *,
    min_step: int | None = None,
    max_step: int | None = None,
) -> list[dict[str, Any]]:
    """Give at most so many of the history rows that have all these keys: see `reading.sample_rows`."""
    return reading.sample_rows(_store.view(transaction, run_id, Stream.HISTORY), keys, at_most, min_step=min_step, max_step=max_step)


def count_lines_to(transaction: sa.Connection, run_id: int, step: int) -> int:
    """Give the number of the first line of a run's history whose step is beyond one; what comes before it is the history up to there."""
    view = _store.view(transaction, run_id, Stream.HISTORY)
    beyond = reading.lines_of_steps(view, step + 1, None)
    return int(beyond[0]) if len(beyond) else view.next_line


def cut(transaction: sa.Connection, run_id: int, stream: Stream, line: int, at: datetime) -> None:
    """Drop the lines from one on."""
    _store.cut(transaction, run_id, stream, line, at)


def copy(transaction: sa.Connection, run_id: int, to_run_id: int, line: int, at: datetime) -> None:
    """Give a run without history the history of another, the lines before one."""
    _store.copy(transaction, run_id, to_run_id, Stream.HISTORY, line, at)


def last_values(transaction: sa.Connection, run_id: int) -> Row:
    """Give the last value of every key of a run's history, as a row: what its summary is when nobody says another."""
    view = _store.view(transaction, run_id, Stream.HISTORY)
    found = {path: facts.last for path, facts in view.facts().items()}
    # Facts tell of numbers and short texts alone.
    untold = [path for path, last in found.items() if last is None]
    columns = view.read(names={name_of(path) for path in untold}) if untold else {}
    found |= {path: columns[path].take(slice(-1, None)).values()[0] for path in untold if path in columns}
    row: Row = {}
    for path, value in found.items():
        level = row
        for key in path[:-1]:
            inner = level.setdefault(key, {})
            level = inner if isinstance(inner, dict) else {}
        level.setdefault(path[-1], value)
    return row


def measure(transaction: sa.Connection, run_id: int) -> int:
    """Give how many bytes the values of a run's history take. Cost: the length of each piece is read."""
    return store.measure(transaction, (run_id, int(Stream.HISTORY)))


def purge(transaction: sa.Connection, run_ids: Sequence[int]) -> None:
    """Drop all lines of runs, for good."""
    for run_id in run_ids:
        _store.purge(transaction, run_id)


def fold(database: Database, run_id: int, stream: Stream, at: datetime) -> None:
    """Fold a stream as far as that can be done now, for who will read it often. Raises Error `unavailable`."""
    while folding.fold(database, (run_id, int(stream)), at):
        pass


def list_streams(transaction: sa.Connection) -> list[tuple[int, Stream]]:
    """Give every stream there is anything of: a run's number, and which."""
    return [(run_id, Stream(stream)) for run_id, stream in store.list_places(transaction)]


def find_faults(transaction: sa.Connection, run_id: int, stream: Stream) -> list[str]:
    """Say what is wrong with what is kept, in sentences without a beginning. Cost: everything of the stream is read."""
    return checking.look(transaction, (run_id, int(stream))).faults


def mend(transaction: sa.Connection, run_id: int, stream: Stream, at: datetime) -> Mended:
    """Put a stream in order; only while nobody writes. See `mending.mend`."""
    return mending.mend(transaction, (run_id, int(stream)), at)

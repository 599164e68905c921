"""Finds what is asked for, for somebody who may read it, and gives it as pieces of bytes."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runkey_server import history, projects, runs
from runkey_server.asgi.actor import Actor
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.exporting.csv import write_csv
from runkey_server.exporting.describing import RunsTable
from runkey_server.exporting.model import Table
from runkey_server.exporting.rows import HistoryTable
from runkey_server.exporting.tabling import write_parquet
from runkey_server.history import Stream
from runkey_server.projects import Project
from runkey_wire import exports

_WRITERS: dict[str, Callable[[Table], Iterator[bytes]]] = {exports.CSV: write_csv, exports.PARQUET: write_parquet}
_MEDIA_TYPES = {exports.CSV: "text/csv; charset=utf-8; header=present", exports.PARQUET: "application/vnd.apache.parquet"}
_STREAMS = {exports.HISTORY: Stream.HISTORY, exports.EVENTS: Stream.EVENTS}
_RUNS_AT_ONCE = 500
_IN_MEMORY_BYTES = 8 * 1024 * 1024
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Export:
    """A file to send. pieces: its bytes; each step reads a portion, in a transaction of its own, and raises Error `unavailable`."""

    file_name: str
    media_type: str
    pieces: Iterator[bytes]


def open_export(
    database: Database, actor: Actor | None, entity: str, project: str, run: str | None, *, kind: str, file_format: str, now: datetime
) -> Export:
    """Find what is asked for. run: one run alone; None for a project with all its runs.

    Raises Error `not_found` alike for what is not there and what the actor may not read, `invalid` for a kind or format that there is not.
    """
    if file_format not in exports.FORMATS:
        raise Error("invalid", f"The format is one of {', '.join(exports.FORMATS)}, not {file_format[:40]!r}.")
    kinds = exports.KINDS if run is None else tuple(_STREAMS)
    if kind not in kinds:
        raise Error("invalid", f"The kind is one of {', '.join(kinds)} here, not {kind[:40]!r}.")
    write = _WRITERS[file_format]
    with database.reading() as transaction:
        if run is None:
            owner = _get_project(transaction, actor, entity, project)
            found = [] if kind == exports.RUNS else _list(transaction, owner)
        else:
            one = runs.find_run(transaction, actor, entity, project, run)
            if one is None:
                raise Error("not_found", "There is no such run.")
            found = [(one.id, one.name)]
    if kind == exports.RUNS:
        pieces = _write_runs(database, owner, now, write)
    else:
        pieces = _write_history(database, _STREAMS[kind], found, now, names_runs=run is None, write=write)
    return Export(exports.file_name(project, run, kind, file_format), _MEDIA_TYPES[file_format], pieces)


def _get_project(transaction: sa.Connection, actor: Actor | None, entity: str, name: str) -> Project:
    found = projects.find_project(transaction, actor, entity, name)
    if found is None:
        raise Error("not_found", "There is no such project.")
    return found


def _list(transaction: sa.Connection, project: Project) -> list[tuple[int, str]]:
    """Give ids and names of a project's runs, oldest first; their configs are read a page at a time and let go."""
    found: list[tuple[int, str]] = []
    while page := runs.list_runs(transaction, project, skip=len(found), at_most=_RUNS_AT_ONCE):
        found += [(run.id, run.name) for run in page]
    return found


def _write_history(
    database: Database,
    stream: Stream,
    found: list[tuple[int, str]],
    now: datetime,
    *,
    names_runs: bool,
    write: Callable[[Table], Iterator[bytes]],
) -> Iterator[bytes]:
    _fold(database, stream, found, now)
    yield from write(HistoryTable(database, stream, found, names_runs=names_runs))


def _fold(database: Database, stream: Stream, found: list[tuple[int, str]], now: datetime) -> None:
    """Fold what will be read. Columns are read a few at a time, and what is not folded would be decoded whole for each few of them."""
    try:
        database.check_room()
        for run_id, _ in found:
            history.fold(database, run_id, stream, now)
    except Error as error:
        # It is read all the same, only slower.
        if error.code != "unavailable":
            raise


def _write_runs(database: Database, project: Project, now: datetime, write: Callable[[Table], Iterator[bytes]]) -> Iterator[bytes]:
    """Write to a file first: the transaction is over before anybody fetches."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
        with database.reading() as transaction:
            for piece in write(RunsTable(transaction, project, now)):
                spool.write(piece)
        spool.seek(0)
        while piece := spool.read(_PIECE_BYTES):
            yield piece

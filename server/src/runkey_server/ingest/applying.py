"""One file_stream request, its parts handed to the rooms that own them: the page where a newcomer sees what a run consists of.

One transaction for all of it: a request is kept whole or not at all; under load several requests share a commit. Every part is safe to be
given twice, so the client's own retry mends a lost answer.
"""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from runkey_server import claiming, history, runs
from runkey_server.asgi.actor import Actor
from runkey_server.claiming import Caps
from runkey_server.database import Grouped
from runkey_server.errors import Error
from runkey_server.history import Batch
from runkey_server.ingest.weighing import STREAMS, growth_of
from runkey_server.runs import Report, Run
from runkey_wire import file_stream
from runkey_wire.file_stream import Chunk, FileStreamRequest


def apply(
    grouped: Grouped,
    actor: Actor,
    entity: str,
    project: str,
    run_name: str,
    request: FileStreamRequest,
    at: datetime,
    *,
    caps: Caps,
    writer: str | None = None,
) -> bool:
    """Keep one request; tell whether the run was asked to stop. Returns after the commit.

    writer: which of several processes that write the run together it is, each counting its own lines.

    Raises Error `not_found`, `gone`, `unauthenticated` (see `runs.get_writable`), `invalid` for lines that are not what their file holds,
    `forbidden` beyond what an account without a name may keep.
    """
    # Reading and packing rows is most of the work, and is done before anybody waits for the writer's place.
    batches = {name: Batch.read(chunk.offset, chunk.lines) for name, chunk in request.files.items() if name in STREAMS}
    said = Report(
        summary=_last_line(request.files.get(file_stream.SUMMARY)),
        complete=request.complete,
        exit_code=request.exit_code,
        preempting=request.preempting,
    )

    def keep(transaction: sa.Connection) -> bool:
        run = runs.get_writable(transaction, actor, entity, project, run_name)
        chunks, told = list(request.files.items()), said
        if writer is not None:
            chunks = _placed(transaction, run, writer, chunks)
            told = replace(said, summary=_last_line(dict(chunks).get(file_stream.SUMMARY)))
        # Of a run that was claimed meanwhile nothing is counted, whatever its key was.
        if actor.key_kind == "anonymous" and run.account_id == actor.account_id:
            claiming.count_bytes(transaction, actor.account_id, growth_of(transaction, run, chunks), caps)
        for name, chunk in chunks:
            if name in STREAMS:
                # Several writers' lines have got other numbers: they are packed again.
                batch = batches[name] if writer is None else Batch.read(chunk.offset, chunk.lines)
                history.append(transaction, run.id, STREAMS[name], batch, at)
            else:
                _keep(transaction, run, name, chunk)
        runs.report(transaction, run, told, at)
        return run.stop_requested

    return grouped.write(keep)


def _placed(transaction: sa.Connection, run: Run, writer: str, chunks: list[tuple[str, Chunk]]) -> list[tuple[str, Chunk]]:
    """Put what one of several writers sends behind what is there, and its summary into that of all; what it sent before is left out."""
    runs.lock_run(transaction, run.id)
    placed = []
    for name, chunk in chunks:
        if name == file_stream.SUMMARY and chunk.lines:
            there = runs.get_run_by_id(transaction, run.id).summary
            placed.append((name, Chunk(0, (runs.join_summary(there, chunk.lines[-1]),))))
        elif name in STREAMS or name == file_stream.CONSOLE:
            is_console = name == file_stream.CONSOLE
            end = runs.count_console(transaction, run.id) if is_console else history.count_lines(transaction, run.id, STREAMS[name])
            found = runs.place_lines(transaction, run.id, writer, name, (chunk.offset, chunk.offset + len(chunk.lines)), end)
            stretches = (found.again, found.new) if is_console else (found.new,)
            placed += [(name, Chunk(each.place, chunk.lines[each.start : each.end])) for each in stretches]
        else:
            placed.append((name, chunk))
    return placed


def _keep(transaction: sa.Connection, run: Run, name: str, chunk: Chunk) -> None:
    if name == file_stream.CONSOLE:
        runs.write_console(transaction, run.id, chunk.offset, chunk.lines)
    elif name != file_stream.SUMMARY:
        raise Error("invalid", f"{name[:80]!r} is no file of a run's stream.")


def _last_line(chunk: Chunk | None) -> str | None:
    return chunk.lines[-1] if chunk is not None and chunk.lines else None

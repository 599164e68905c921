"""By how much a file_stream request makes what is kept grow: what an account without a name is counted for. A retry makes nothing grow."""

from collections.abc import Iterable

import sqlalchemy as sa

from runkey_server import history, runs
from runkey_server.history import Stream
from runkey_server.runs import Run
from runkey_wire import file_stream
from runkey_wire.file_stream import Chunk

ROW_BYTES = 32
"""What a line costs beside its text, so that empty ones are not free."""

STREAMS = {file_stream.HISTORY: Stream.HISTORY, file_stream.EVENTS: Stream.EVENTS}


def growth_of(transaction: sa.Connection, run: Run, chunks: Iterable[tuple[str, Chunk]]) -> int:
    """Weigh what a request brings, by file, against what is there before it is kept."""
    grown = 0
    for name, chunk in chunks:
        if not chunk.lines:
            continue
        if name in STREAMS:
            grown += _growth_of_rows(transaction, run, STREAMS[name], chunk)
        elif name == file_stream.CONSOLE:
            rows, size = runs.measure_console(transaction, run.id, chunk.offset, len(chunk.lines))
            grown += max(0, _weight(chunk.lines) - size - rows * ROW_BYTES)
        elif name == file_stream.SUMMARY:
            grown += len(_bytes(chunk.lines[-1])) - len(_bytes(run.summary))
    return grown


def _growth_of_rows(transaction: sa.Connection, run: Run, stream: Stream, chunk: Chunk) -> int:
    """Weigh rows against those whose place they take: the later ones of the stream, of which at most as many as come are looked at."""
    behind = history.count_lines(transaction, run.id, stream) - chunk.offset
    there = history.last_lines(transaction, run.id, stream, min(behind, len(chunk.lines))) if behind > 0 else []
    return max(0, _weight(chunk.lines) - _weight(there))


def _weight(lines: Iterable[str]) -> int:
    return sum(len(_bytes(line)) + ROW_BYTES for line in lines)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")

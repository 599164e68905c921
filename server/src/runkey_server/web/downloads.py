"""What pages link to and programs ask for alike: exports, and what a run printed.

Routes: `/{entity}/{project}/export`, `/{entity}/{project}/runs/{run}/export`, `…/output.log`, `…/console`. What is given out is a download
in a sandbox: it must never act as a page of this server.
"""

import asyncio
from collections.abc import Generator, Iterator

from anyio import to_thread

from runkey_server import runs
from runkey_server.asgi.responses import attachment, send_json, send_pieces
from runkey_server.errors import Error
from runkey_server.exporting import open_export
from runkey_server.runs import Run
from runkey_server.web.console import line_number
from runkey_server.web.pages import Pages
from runkey_server.web.reading import Request, find_run
from runkey_wire import exports

_AT_ONCE = 16
"""Downloads under way in one worker; each may hold some tens of MB."""

_PRINTED_BYTES = 1024 * 1024
_LIVE_LINES = 1_000


class Downloads:
    """The routes."""

    def __init__(self, pages: Pages) -> None:
        """Serve one worker."""
        self._pages = pages
        self._database = pages.database
        self._under_way = 0
        # Making pieces is work for the processor: one at a time, so that whoever writes runs need not wait. Sending them is not.
        self._turn = asyncio.Semaphore(1)

    async def export(self, request: Request) -> None:
        """Send history, events or runs as a file."""
        path, query = request.path, request.query

        def find() -> tuple[str, str, Iterator[bytes]]:
            export = open_export(
                self._database,
                request.actor,
                path["entity"],
                path["project"],
                path.get("run"),
                kind=query.get("kind", exports.HISTORY),
                file_format=query.get("format", exports.CSV),
                now=self._pages.clock(),
            )
            return export.file_name, export.media_type, export.pieces

        await self._send(request, *await to_thread.run_sync(find))

    async def output(self, request: Request) -> None:
        """Send what a run printed, as it printed it."""

        def find() -> Run:
            with self._database.reading() as transaction:
                return find_run(transaction, request)

        run = await to_thread.run_sync(find)
        name = exports.file_name(run.project, run.name, "output", "log")
        await self._send(request, name, "text/plain; charset=utf-8", self._printed(run.id))

    async def console(self, request: Request) -> None:
        """Answer with the lines after one, for following: `{"lines": [{line, at, stream, text}], "next": LINE, "count": lines there are}`.

        Without `after`: with the last lines, or with those before `before`. `find`: with the last lines that hold a text, and `found`, how
        many there are. `next` is what to give as `after` the next time: the line before the last, because a progress
        bar rewrites the last one.
        """
        after, before = line_number(request.query.get("after")), line_number(request.query.get("before"))
        find = request.query.get("find", "").strip()
        for name, number in (("after", after), ("before", before)):
            if number is None and name in request.query:
                raise Error("invalid", f"`{name}` is the number of a line.")

        def read() -> dict[str, object]:
            with self._database.reading() as transaction:
                run = find_run(transaction, request)
                count = runs.count_console(transaction, run.id)
                if find:
                    found = runs.find_console(transaction, run.id, find, end=before, at_most=_LIVE_LINES)
                    return {"lines": [line.as_json() for line in found.lines], "found": found.count, "count": count}
                if after is None:
                    lines = runs.read_console(transaction, run.id, end=before, at_most=_LIVE_LINES)
                else:
                    lines = runs.read_console(transaction, run.id, first=after + 1, at_most=_LIVE_LINES)
            last = lines[-1].number if lines else -1 if after is None else after + 1
            return {"lines": [line.as_json() for line in lines], "next": max(-1, last - 1), "count": count}

        await send_json(request.send, await to_thread.run_sync(read))

    def _printed(self, run_id: int) -> Iterator[bytes]:
        number, texts = 0, [""]
        while texts:
            with self._database.reading() as transaction:
                number, texts = runs.read_printed(transaction, run_id, number, at_most_bytes=_PRINTED_BYTES)
            yield "".join([f"{text}\n" for text in texts]).encode("utf-8", "replace")

    async def _send(self, request: Request, name: str, media_type: str, pieces: Iterator[bytes]) -> None:
        if self._under_way >= _AT_ONCE:
            raise Error("unavailable", "Many downloads are under way already. Try again in a moment.", retry_after_seconds=5)

        async def next_piece() -> bytes | None:
            async with self._turn:
                return await to_thread.run_sync(next, pieces, None)

        headers = (
            (b"content-type", media_type.encode()),
            attachment(name),
            (b"content-security-policy", b"sandbox; default-src 'none'"),
            (b"cache-control", b"private, no-store"),
        )
        self._under_way += 1
        try:
            await send_pieces(request.receive, request.send, headers, next_piece, is_wanted=request.scope["method"] == "GET")
        finally:
            self._under_way -= 1
            if isinstance(pieces, Generator):
                pieces.close()

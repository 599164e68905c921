"""Follows a project: `GET /{entity}/{project}/live`, server-sent events (WHATWG HTML, section 9.2).

`event: runs` holds `{"runs": [run_as_json …]}`: those that said something since, within about a second. A listener holds a task and no
thread. It is let go when its session or key ends, when the client goes away, and when this worker ends.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

from anyio import to_thread

from runkey_server import runs
from runkey_server.asgi.responses import send_pieces
from runkey_server.errors import Error
from runkey_server.runs import Run
from runkey_server.web.pages import Pages
from runkey_server.web.reading import Request, find_project
from runkey_server.web.workspace import run_as_json

LOOK_EVERY_SECONDS = 1.0
_PING_EVERY_SECONDS = 15.0
_AT_ONCE = 500
_AT_MOST_RUNS = 200
# A word may be committed after a later one: look back so far, and pass over what was told already.
_OVERLAP = timedelta(seconds=5)

_HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    # nginx would gather events otherwise.
    (b"x-accel-buffering", b"no"),
)


class Live:
    """The listeners of one worker."""

    def __init__(self, pages: Pages) -> None:
        """Begin."""
        self._database = pages.database
        self._clock = pages.clock
        self._listeners = 0
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Let every listener go: this worker ends."""
        self._ending.set()

    async def follow(self, request: Request) -> None:
        """Tell a listener what changes, until it goes."""
        if self._listeners >= _AT_ONCE:
            raise Error("unavailable", "Many pages follow runs already. Try again in a moment.", retry_after_seconds=5)
        await to_thread.run_sync(self._changed, request, self._clock())
        pieces = self._tell(request)

        async def next_piece() -> bytes | None:
            return await anext(pieces, None)

        self._listeners += 1
        try:
            await send_pieces(request.receive, request.send, _HEADERS, next_piece, is_wanted=request.scope["method"] == "GET")
        finally:
            self._listeners -= 1
            await pieces.aclose()

    async def _tell(self, request: Request) -> AsyncGenerator[bytes, None]:
        yield b"retry: 2000\n\n"
        since, silent = self._clock(), 0.0
        told: dict[int, datetime | None] = {}
        while not self._ending.is_set() and await request.is_still_known():
            try:
                changed = await to_thread.run_sync(self._changed, request, since - _OVERLAP)
            except Error as error:
                # Deleted meanwhile, or the database does not answer: the browser asks again and hears why.
                if error.code != "unavailable":
                    return
                changed = []
            new = [run for run in changed if told.get(run.id) != run.heartbeat_at]
            told = {run.id: run.heartbeat_at for run in changed}
            since = max([since, *(run.heartbeat_at for run in changed if run.heartbeat_at is not None)])
            silent += LOOK_EVERY_SECONDS
            if new:
                now = self._clock()
                told_as = {"runs": [run_as_json(run, run.state(now)) for run in new]}
                yield f"event: runs\ndata: {json.dumps(told_as)}\n\n".encode()
                silent = 0.0
            elif silent >= _PING_EVERY_SECONDS:
                yield b": still here\n\n"
                silent = 0.0
            try:
                async with asyncio.timeout(LOOK_EVERY_SECONDS):
                    await self._ending.wait()
            except TimeoutError:
                pass

    def _changed(self, request: Request, since: datetime) -> list[Run]:
        with self._database.reading() as transaction:
            return runs.list_changed(transaction, find_project(transaction, request), since, at_most=_AT_MOST_RUNS)

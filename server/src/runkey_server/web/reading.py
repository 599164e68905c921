"""Addresses that pages and programs ask alike: by a browser's session or by a key.

A browser that is not signed in is sent to sign in, a program gets 401. What changes something takes a browser's word as a form is taken:
from a page of ours alone.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import sqlalchemy as sa
from starlette.types import ASGIApp, Receive, Scope, Send

from runkey_server import errors, projects, runs
from runkey_server.asgi.actor import Actor
from runkey_server.asgi.failures import send_error
from runkey_server.asgi.middleware import ACTOR
from runkey_server.asgi.requests import header, read_body
from runkey_server.errors import Error
from runkey_server.keys import Authenticator
from runkey_server.projects import Project
from runkey_server.runs import Run
from runkey_server.web.pages import NeedsSignIn, Pages, Visit, query_of


@dataclass(frozen=True)
class Request:
    """What was asked for, by somebody who is known. recognise: find out once more who asks, for what is held open."""

    actor: Actor
    scope: Scope
    receive: Receive
    send: Send
    recognise: Callable[[], Awaitable[Actor | None]]

    @property
    def path(self) -> dict[str, str]:
        """The variable parts of the address."""
        return dict(self.scope["path_params"])

    @property
    def query(self) -> dict[str, str]:
        """What follows the question mark."""
        return query_of(self.scope)

    async def is_still_known(self) -> bool:
        """Whether the session or key that asked is still good."""
        try:
            found = await self.recognise()
        except Error as error:
            return error.code == "unavailable"
        return found is not None and found.account_id == self.actor.account_id


Handler = Callable[[Request], Awaitable[None]]
Asked = TypeVar("Asked", bound=msgspec.Struct)

_MAX_BODY = 256 * 1024


def find_project(transaction: sa.Connection, request: Request) -> Project:
    """Find the project of an address. Raises Error `not_found`."""
    found = projects.find_project(transaction, request.actor, request.path["entity"], request.path["project"])
    if found is None:
        raise Error("not_found", "There is no such project.")
    return found


def find_run(transaction: sa.Connection, request: Request) -> Run:
    """Find the run of an address. Raises Error `not_found`."""
    path = request.path
    found = runs.find_run(transaction, request.actor, path["entity"], path["project"], path["run"])
    if found is None:
        raise Error("not_found", "There is no such run.")
    return found


def read_skip(request: Request) -> int:
    """Read how many things are left out, of a list that is asked for by page. Raises Error `invalid`."""
    text = request.query.get("skip", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Error("invalid", "`skip` is a number.")
    return int(text)


async def read_act(request: Request, kind: type[Asked]) -> Asked:
    """Read what is to be done. Raises Error `invalid`."""
    if (header(request.scope, b"content-type") or "").partition(";")[0].strip().lower() != "application/json":
        raise Error("invalid", "What is to be done is sent as application/json.")
    body = await read_body(request.scope, request.receive, _MAX_BODY)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as fault:
        raise Error("invalid", f"This cannot be done: {fault}") from None


class Reader:
    """Finds out who reads."""

    def __init__(self, pages: Pages, authenticator: Authenticator) -> None:
        """Serve one worker."""
        self._pages = pages
        self._authenticator = authenticator

    def route(self, handler: Handler, *, changes: bool = False) -> ASGIApp:
        """Make an application of a handler. changes: a POST changes something."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            def by_key() -> Awaitable[Actor | None]:
                return self._authenticator.authenticate(header(scope, b"authorization"))

            actor = await by_key()
            if actor is not None:
                scope.setdefault("state", {})[ACTOR] = actor
                await handler(Request(actor, scope, receive, send, by_key))
            else:
                await page(scope, receive, send)

        async def for_visitor(visit: Visit) -> None:
            actor = visit.actor
            is_read_by_a_person = "text/html" in (header(visit.scope, b"accept") or "")
            if actor is None and is_read_by_a_person:
                raise NeedsSignIn

            async def by_session() -> Actor | None:
                await visit.recognise()
                return visit.actor

            async def hand_out(scope: Scope, receive: Receive, send: Send) -> None:
                if actor is None:
                    await send_error(send, errors.unauthenticated())
                    return
                try:
                    if changes and visit.is_post:
                        visit.check_script()
                    await handler(Request(actor, scope, receive, send, by_session))
                except Error as error:
                    if is_read_by_a_person:
                        raise
                    await send_error(send, error)

            await visit.hand_over(hand_out)

        page: ASGIApp = self._pages.route(for_visitor)
        return answer

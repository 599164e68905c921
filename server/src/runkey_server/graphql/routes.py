"""POST /graphql.

A known document that needs no database (`viewer`, the question of every login) is answered on the event loop from memory; everything else
takes one hop to a worker thread, for planning, its transaction and all its fields together.
"""

from typing import Any

import msgspec
from anyio import to_thread
from graphql import GraphQLError, GraphQLSchema
from starlette.types import Receive, Scope, Send

from runkey_server import errors
from runkey_server.asgi.actor import Actor
from runkey_server.asgi.hosts import Hosts, network_of
from runkey_server.asgi.middleware import ACTOR
from runkey_server.asgi.requests import header, is_one_of_several_writers, read_body
from runkey_server.asgi.responses import send_json
from runkey_server.claiming import Offer
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Directory, Signer
from runkey_server.graphql import executing
from runkey_server.graphql.context import Context
from runkey_server.graphql.joining import Joiner, Joining
from runkey_server.graphql.planning import Plan, Planner
from runkey_server.keys import Authenticator
from runkey_server.retention import Quota
from runkey_wire import limits


class _Request(msgspec.Struct):
    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the wire's name


_decode = msgspec.json.Decoder(_Request).decode
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_MAX_LISTED = 20_000
"""In all lists of an operation's variables together: a database takes so many values at once and not many times more (SQLite, by the way it
was built, 32,766; PostgreSQL 65,535), and would be said not to answer. `createRunFiles` takes 10,000 names."""

# What brings data, and is turned away while the disk is full.
_DATA_FIELDS = frozenset(
    "commitArtifact completeMultipartUploadArtifact createArtifact createArtifactFiles createRunFiles "
    "rewindRun upsertBucket upsertModel".split()
)


class GraphqlDoor:
    """The route, as a plain ASGI application."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        signer: Signer,
        directory: Directory,
        pepper: bytes,
        hosts: Hosts,
        offer: Offer,
        quota: Quota,
        clock: Clock,
    ) -> None:
        """Read the schema once."""
        self._database = database
        self._authenticator = authenticator
        self._signer = signer
        self._directory = directory
        self._pepper = pepper
        self._hosts = hosts
        self._offer = offer
        self._joiner = Joiner(database, directory, quota, offer.caps, clock)
        self._clock = clock
        self._schema: GraphQLSchema = executing.build()
        self._planner = Planner(self._schema)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one operation. The credential is looked at before the body is read."""
        actor = await self._authenticator.authenticate(header(scope, b"authorization"))
        scope.setdefault("state", {})[ACTOR] = actor
        if actor is None:
            _refuse_forms(scope)
        # What anybody may ask is short; only a good key may send much.
        max_bytes = limits.MAX_GRAPHQL_DOCUMENT_BYTES if actor is None else limits.MAX_GRAPHQL_BYTES
        request = _parse(await read_body(scope, receive, max_bytes))
        plan = self._planner.find_plan(request.query, request.operationName)
        if plan is not None and plan.from_memory:
            answer = self._run(plan, request, actor, scope)
        else:
            answer = await self._run_in_thread(request, actor, scope)
        await send_json(send, answer)

    async def _run_in_thread(self, request: _Request, actor: Actor | None, scope: Scope) -> dict[str, Any]:
        while True:
            try:
                return await to_thread.run_sync(self._plan_and_run, request, actor, scope)
            except Joining as joining:
                # Held here, because there are few threads and long joins.
                if not await joining.wait():
                    raise

    def _plan_and_run(self, request: _Request, actor: Actor | None, scope: Scope) -> dict[str, Any]:
        try:
            make = self._planner.make_public_plan if actor is None else self._planner.make_plan
            plan = self._planner.find_plan(request.query, request.operationName) or make(request.query, request.operationName)
        except (GraphQLError, Error) as problem:
            # Whoever is not let in learns nothing of the schema either.
            if actor is None:
                raise errors.unauthenticated() from None
            raise Error("invalid", problem.message) from None
        return self._run(plan, request, actor, scope)

    def _run(self, plan: Plan, request: _Request, actor: Actor | None, scope: Scope) -> dict[str, Any]:
        if actor is None and not plan.is_public:
            raise errors.unauthenticated()
        if actor is not None and actor.only_opened_runs and not plan.for_ended_keys:
            raise errors.unauthenticated()
        if not plan.root_fields.isdisjoint(_DATA_FIELDS):
            self._database.check_room()
        context = Context(
            actor=actor,
            now=self._clock(),
            base_url=self._hosts.base_url_for(scope),
            signer=self._signer,
            directory=self._directory,
            pepper=self._pepper,
            network=network_of(self._hosts.client_of(scope)),
            is_shared=is_one_of_several_writers(scope),
            is_anonymous_open=self._offer.is_open(scope),
            caps=self._offer.caps,
            joiner=self._joiner,
            open_transaction=None,
        )
        return executing.run(self._schema, self._database, plan, request.variables, context)


def _refuse_forms(scope: Scope) -> None:
    """Refuse what a page of another server could make a visitor's browser send here without asking: the three types of a form."""
    content_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if content_type in _FORM_TYPES:
        raise Error("invalid", "The body must be JSON, with Content-Type: application/json.")


def _parse(body: bytes) -> _Request:
    try:
        request = _decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Error("invalid", 'The body is not a GraphQL request: a JSON object with "query", "variables" and "operationName".') from None
    if _count_listed(request.variables) > _MAX_LISTED:
        raise Error("invalid", f"The lists in the variables hold more than {_MAX_LISTED} values.")
    return request


def _count_listed(variables: Any) -> int:
    count, waiting = 0, [variables]
    while waiting and count <= _MAX_LISTED:
        value = waiting.pop()
        if isinstance(value, list):
            count += len(value)
            waiting += value[:_MAX_LISTED]
        elif isinstance(value, dict):
            waiting += value.values()
    return count

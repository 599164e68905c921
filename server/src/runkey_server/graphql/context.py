"""What a resolver is handed: who asks, the transaction, and the parts of the server it may need."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from graphql import GraphQLResolveInfo

from runkey_server import errors
from runkey_server.asgi.actor import Actor
from runkey_server.claiming import Caps
from runkey_server.errors import Error
from runkey_server.files import Directory, Signer
from runkey_server.graphql.joining import Joiner

_Found = TypeVar("_Found")

MAX_NODES = 10_000
"""Runs, projects, files, keys and machines in one answer; ten lines of history count as one. The official client's pages have 1,000."""

MAX_PAGE = 1_000
_DEFAULT_PAGE = 50


def page_of(first: int | None) -> int:
    """Give the size of a page that was asked for, within what may be."""
    return max(1, min(first or _DEFAULT_PAGE, MAX_PAGE))


@dataclass(frozen=True, slots=True)
class Context:
    """One operation's surroundings. base_url: where this client reaches this server, for absolute addresses.

    network: from where it asks. is_shared: who asks is one of several processes that write a run together. is_anonymous_open: whether it
    may have an account without a name. caps: what such an account may keep. joiner: of the parts of large files.
    """

    actor: Actor | None
    now: datetime
    base_url: str
    signer: Signer
    directory: Directory
    pepper: bytes
    network: str
    is_shared: bool
    is_anonymous_open: bool
    caps: Caps
    joiner: Joiner
    open_transaction: sa.Connection | None
    spent: list[int] = field(default_factory=lambda: [0])
    # Of a query, which sees one state: what was looked up once. None in a mutation, where it may change.
    remembered: dict[Any, Any] | None = None

    @property
    def caller(self) -> Actor:
        """Who asks. Raises Error `unauthenticated` when nobody was let in."""
        if self.actor is None:
            raise errors.unauthenticated()
        return self.actor

    def once(self, key: Any, look_up: Callable[[], _Found]) -> _Found:
        """Look something up, or give what was found before for this key."""
        if self.remembered is None:
            return look_up()
        if key not in self.remembered:
            self.remembered[key] = look_up()
        found: _Found = self.remembered[key]
        return found

    def spend(self, nodes: int) -> None:
        """Count what an operation gives. Raises Error `invalid` beyond what one may: lists in lists multiply."""
        self.spent[0] += nodes
        if self.spent[0] > MAX_NODES:
            raise Error("invalid", f"The operation comes to more than {MAX_NODES} things. Ask for smaller pages, or fewer lists in lists.")

    @property
    def transaction(self) -> sa.Connection:
        """The operation's one transaction: reading for a query, writing for a mutation."""
        if self.open_transaction is None:
            raise RuntimeError("a field that needs the database is missing in planning._DATABASE_FIELDS")
        return self.open_transaction


if TYPE_CHECKING:
    Info = GraphQLResolveInfo[Context]
else:
    Info = GraphQLResolveInfo

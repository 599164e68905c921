"""What a resolver is handed: who asks, the transaction, and the parts of the server it may need."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from graphql import GraphQLResolveInfo

from runkey_server import errors
from runkey_server.asgi.actor import Actor
from runkey_server.claiming import Caps
from runkey_server.files import Signer


@dataclass(frozen=True, slots=True)
class Context:
    """One operation's surroundings. base_url: where this client reaches this server, for absolute addresses.

    network: from where it asks. is_anonymous_open: whether it may have an account without a name. caps: what such an account may keep.
    """

    actor: Actor | None
    now: datetime
    base_url: str
    signer: Signer
    pepper: bytes
    network: str
    is_anonymous_open: bool
    caps: Caps
    open_transaction: sa.Connection | None

    @property
    def caller(self) -> Actor:
        """Who asks. Raises Error `unauthenticated` when nobody was let in."""
        if self.actor is None:
            raise errors.unauthenticated()
        return self.actor

    @property
    def transaction(self) -> sa.Connection:
        """The operation's one transaction: reading for a query, writing for a mutation."""
        if self.open_transaction is None:
            raise RuntimeError("a field that needs the database is missing in planning.MEMORY_FIELDS' complement")
        return self.open_transaction


if TYPE_CHECKING:
    Info = GraphQLResolveInfo[Context]
else:
    Info = GraphQLResolveInfo

"""`/.well-known/runkey`: proves that this server is the one it was. `/healthz`, `/readyz`: whether it lives, whether it can work."""

import urllib.parse

from anyio import to_thread
from starlette.types import Receive, Scope, Send

from runkey_server import __version__
from runkey_server.asgi.hosts import Hosts
from runkey_server.asgi.responses import send_json
from runkey_server.database import Database, read_epoch
from runkey_server.errors import Error
from runkey_wire import identity
from runkey_wire.errors import Malformed


class Identity:
    """Answers a challenge with a signature (Ed25519, see `runkey_wire.identity`)."""

    def __init__(self, seed: bytes, hosts: Hosts) -> None:
        """Sign under the seed that lies outside the database."""
        # slow import
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public_key = self._key.public_key().public_bytes_raw()
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sign this host's name and the challenge."""
        query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        try:
            challenge = identity.decode(query.get("challenge", [""])[0], identity.CHALLENGE_BYTES, "challenge")
        except Malformed as malformed:
            raise Error("invalid", f"{malformed}.") from None
        signature = self._key.sign(identity.message(self._hosts.host_of(scope), challenge))
        await send_json(
            send,
            {
                "server_id": identity.server_id(self._public_key),
                "public_key": identity.encode(self._public_key),
                "signature": identity.encode(signature),
            },
        )


async def healthz(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell that the process lives, and what it is."""
    await send_json(send, {"status": "ok", "service": "runkey-server", "version": __version__})


class Ready:
    """Tells whether requests can be served: the database answers."""

    def __init__(self, database: Database) -> None:
        """Ask this database."""
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask once."""
        await to_thread.run_sync(self._ask)
        await send_json(send, {"status": "ok"})

    def _ask(self) -> None:
        with self._database.reading() as transaction:
            read_epoch(transaction)

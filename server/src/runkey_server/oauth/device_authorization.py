"""Issues a device code and a user code (RFC 8628 sections 3.1 and 3.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import tokens
from runkey_server.asgi.hosts import network_of
from runkey_server.errors import Error
from runkey_server.machines import Asking
from runkey_server.oauth import store
from runkey_wire.device_authorization import EXPIRES_IN_SECONDS, USER_CODE_CHARACTERS

LONGER_ABOVE = 100
"""With more codes alive than this, new ones are longer: 34.6 bits, then 43.2; 300 guesses an hour are allowed in all."""

MAX_PENDING = 20_000
MAX_PENDING_OF_ONE_NETWORK = MAX_PENDING // 10
"""Nobody can fill the place of all from one network."""


@dataclass(frozen=True)
class Issued:
    """The two codes, given out this once. user_code: without its dash."""

    device_code: str
    user_code: str


def ask(transaction: sa.Connection, pepper: bytes, asking: Asking, at: datetime) -> Issued:
    """Let a machine wait for somebody's decision. Raises Error `unavailable` when far too many wait, `too_many` for its network."""
    store.forget_expired(transaction, at)
    pending = store.count_pending(transaction, at)
    network = network_of(asking.address)
    if store.count_pending(transaction, at, network=network) >= MAX_PENDING_OF_ONE_NETWORK:
        raise Error("too_many", "Too many machines are logging in from your network at this moment.", retry_after_seconds=60)
    if pending >= MAX_PENDING:
        raise Error("unavailable", "Too many machines are logging in at this moment.", retry_after_seconds=60)
    characters = USER_CODE_CHARACTERS[pending >= LONGER_ABOVE]
    ends = at + timedelta(seconds=EXPIRES_IN_SECONDS)
    device_code = tokens.mint_token()
    while True:
        user_code = tokens.mint_user_code(characters)
        digests = (tokens.digest(device_code), tokens.keyed_digest(pepper, user_code))
        if store.insert_device(transaction, *digests, asking, network=network, at=at, ends=ends):
            return Issued(device_code, user_code)

"""Puts a letter where the one worker that hands letters over finds it: in the transaction of what the letter tells of."""

import json
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server.mail import store
from runkey_server.mail.model import Letter
from runkey_server.mail.sealing import Seal

KEPT = timedelta(days=1)
"""How long a letter that cannot be handed over is tried; one with a code that ends sooner, as long as the code."""


def put(
    transaction: sa.Connection, letter: Letter, *, at: datetime, seal_under: bytes | None = None, ends_at: datetime | None = None
) -> None:
    """Let a letter go out. seal_under: the signing key, for a letter whose path holds a code that works."""
    body = json.dumps({"words": letter.words, "path": letter.path}).encode()
    if seal_under is not None:
        body = Seal(seal_under).close(body)
    ends_at = min(ends_at or at + KEPT, at + KEPT)
    store.insert_letter(transaction, letter.to, body, is_sealed=seal_under is not None, at=at, ends_at=ends_at)

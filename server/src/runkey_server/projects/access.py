"""Every permission in one function."""

from typing import Literal

from runkey_server.asgi.actor import Actor

Act = Literal["read", "write", "delete"]

_MAY_DELETE = (None, "user", "service")
"""Kinds of keys; None for a browser's session. A stolen machine key must not destroy what its owner has."""


def may(actor: Actor | None, act: Act, owner_id: int, *, opened_by: str | None = None) -> bool:
    """Say whether an actor may do something in a project of the account `owner_id`.

    opened_by: for a write to a run that has not ended, the id of the key that opened it. A key writes to those runs of its own whoever owns
    them by now: one that was claimed has changed hands while it was being written, and workers hear of that a moment later. One that was
    replaced or has expired may do nothing else.
    """
    if actor is None or (act == "delete" and actor.key_kind not in _MAY_DELETE):
        return False
    if act == "write" and opened_by is not None and opened_by == actor.key_id:
        return True
    return not actor.only_opened_runs and actor.account_id == owner_id

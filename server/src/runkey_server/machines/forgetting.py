"""Sends a machine away, or gives it another name."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server import keys
from runkey_server.errors import Error
from runkey_server.keys import ApiKey
from runkey_server.machines import store
from runkey_server.machines.model import Machine
from runkey_wire.device_authorization import MAX_MACHINE_WORD_CHARACTERS, machine_word


def revoke(transaction: sa.Connection, machine: Machine, at: datetime) -> None:
    """End every key of a machine, at once and everywhere. Its row stays, so that its runs still say where they were made."""
    _revoke(transaction, machine.id, at)


def end_key(transaction: sa.Connection, key: ApiKey, at: datetime) -> list[str]:
    """End a key; with a machine's own key, the machine is sent away. Gives the ids of the keys that ended."""
    ended = keys.revoke(transaction, key, at)
    if key.machine_id:
        ended += _revoke(transaction, key.machine_id, at)
    return sorted(set(ended))


def take_back(transaction: sa.Connection, key: ApiKey, at: datetime) -> None:
    """End a key that was given out and arrived nowhere: its machine is as it was before, and one that was new is sent away."""
    keys.revoke(transaction, key, at)
    if key.machine_id and all(each.revoked_at is not None for each in keys.list_keys(transaction, machine_id=key.machine_id)):
        store.update_machine(transaction, key.machine_id, revoked_at=at)


def rename(transaction: sa.Connection, machine: Machine, name: str) -> None:
    """Give a machine another name. Raises Error `invalid` for one that cannot be shown."""
    if not name.strip() or machine_word(name) != name.strip():
        raise Error("invalid", f"A machine's name has 1 to {MAX_MACHINE_WORD_CHARACTERS} characters that can be shown.")
    store.update_machine(transaction, machine.id, name=name.strip())


def _revoke(transaction: sa.Connection, machine_id: str, at: datetime) -> list[str]:
    ended = []
    for key in keys.list_keys(transaction, machine_id=machine_id):
        if key.revoked_at is None:
            ended += keys.revoke(transaction, key, at)
    store.update_machine(transaction, machine_id, revoked_at=at)
    return ended

"""Lets a machine in: its row, and its own key, whose secret is given out this once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import accounts, keys, tokens
from runkey_server.accounts import Account
from runkey_server.keys import ApiKey
from runkey_server.machines import store
from runkey_server.machines.model import Asking, Machine
from runkey_wire.device_authorization import machine_word

_NOTE_HOST_EVERY = timedelta(minutes=10)
PAGE = "/settings/machines"


@dataclass(frozen=True)
class Joined:
    """A machine that was let in, and its key. is_new: whether it was not known before."""

    machine: Machine
    key: ApiKey
    secret: str
    is_new: bool


def register(transaction: sa.Connection, pepper: bytes, account: Account, asking: Asking, at: datetime) -> Joined:
    """Let a machine in. One that names an id which this account knows is renewed: its former keys write their open runs to the end.

    One that was sent away comes back as another: what was revoked stays revoked.
    """
    known = find_renewed(transaction, account, asking, at)
    told = {"os_user": asking.os_user, "system": asking.system, "address": asking.address, "joined_at": at}
    if known is None:
        machine_id = tokens.mint_id("mac")
        name = asking.name or "a machine without a name"
        store.insert_machine(transaction, id=machine_id, account_id=account.id, name=name, created_at=at, **told)
        accounts.tell(transaction, account.id, f"The machine {name} was logged in to your account.", PAGE, at)
    else:
        machine_id = known.id
        # Its name stays: it may have been given one here.
        store.update_machine(transaction, machine_id, **told)
        accounts.tell(transaction, account.id, f"The machine {known.name} was logged in to your account again.", PAGE, at)
        for former in keys.list_keys(transaction, machine_id=machine_id):
            keys.retire(transaction, former, at)
    if asking.name:
        store.upsert_host(transaction, machine_id, asking.name, at, timedelta(0))
    machine = store.find_machine(transaction, machine_id, account.id, at)
    assert machine is not None
    key, secret = keys.mint(
        transaction,
        pepper,
        account.id,
        kind="machine",
        description=machine.name,
        expires_at=at + keys.LIFETIME,
        machine_id=machine_id,
        at=at,
    )
    return Joined(machine, key, secret, is_new=known is None)


def find_renewed(transaction: sa.Connection, account: Account, asking: Asking, at: datetime) -> Machine | None:
    """Give the machine whose login would be renewed; None when a new one would join."""
    known = store.find_machine(transaction, asking.machine_id, account.id, at) if asking.machine_id else None
    return None if known is None or known.revoked_at is not None else known


def note_host(transaction: sa.Connection, machine_id: str | None, host: str | None, at: datetime) -> None:
    """Note on which host a machine's login was used; nothing happens for a key that is no machine's."""
    name = machine_word(host or "")
    if machine_id and name:
        store.upsert_host(transaction, machine_id, name, at, _NOTE_HOST_EVERY)

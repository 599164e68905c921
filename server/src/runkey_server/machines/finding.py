"""One machine, or all of an account."""

from datetime import datetime

import sqlalchemy as sa

from runkey_server.errors import Error
from runkey_server.machines import store
from runkey_server.machines.model import Machine


def find_machine(transaction: sa.Connection, account_id: int, machine_id: str, at: datetime) -> Machine | None:
    """Find a machine of an account; None alike for another account's."""
    return store.find_machine(transaction, machine_id, account_id, at)


def get_machine(transaction: sa.Connection, account_id: int, machine_id: str, at: datetime) -> Machine:
    """Find a machine of an account. Raises Error `not_found`."""
    machine = store.find_machine(transaction, machine_id, account_id, at)
    if machine is None:
        raise Error("not_found", f"There is no machine {machine_id[:80]!r} in this account.")
    return machine


def list_machines(transaction: sa.Connection, account_id: int, at: datetime) -> list[Machine]:
    """Give an account's machines, the last that joined first."""
    return store.list_machines(transaction, account_id, at)

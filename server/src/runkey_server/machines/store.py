"""The rows of machines and their hosts: functions that take an open transaction."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from runkey_server.database import insert_for
from runkey_server.keys.tables import api_keys
from runkey_server.machines.model import Host, Machine
from runkey_server.machines.tables import machine_hosts, machines
from runkey_server.runs.tables import runs

_MAX_HOSTS = 1_000


def insert_machine(transaction: sa.Connection, **values: Any) -> None:
    """Add a row."""
    transaction.execute(sa.insert(machines).values(**values))


def update_machine(transaction: sa.Connection, machine_id: str, **values: Any) -> None:
    """Change a row."""
    transaction.execute(sa.update(machines).where(machines.c.id == machine_id).values(**values))


def find_machine(transaction: sa.Connection, machine_id: str, account_id: int, at: datetime) -> Machine | None:
    """Find one machine of an account."""
    return next(iter(_select(transaction, at, machines.c.id == machine_id, machines.c.account_id == account_id)), None)


def list_machines(transaction: sa.Connection, account_id: int, at: datetime) -> list[Machine]:
    """Give an account's machines, the last that joined first."""
    return _select(transaction, at, machines.c.account_id == account_id)


def upsert_host(transaction: sa.Connection, machine_id: str, name: str, at: datetime, at_most_every: timedelta) -> None:
    """Note that a machine's login was used on a host, unless that was noted a moment ago."""
    known = transaction.execute(
        sa.select(machine_hosts.c.last_seen_at).where(machine_hosts.c.machine_id == machine_id, machine_hosts.c.name == name)
    ).scalar()
    if known is not None:
        if known <= at - at_most_every:
            place = (machine_hosts.c.machine_id == machine_id, machine_hosts.c.name == name)
            transaction.execute(sa.update(machine_hosts).where(*place).values(last_seen_at=at))
        return
    counted = sa.select(sa.func.count()).where(machine_hosts.c.machine_id == machine_id)
    if transaction.execute(counted).scalar_one() < _MAX_HOSTS:
        transaction.execute(
            insert_for(transaction, machine_hosts)
            .values(machine_id=machine_id, name=name, first_seen_at=at, last_seen_at=at)
            .on_conflict_do_nothing()
        )


def _select(transaction: sa.Connection, at: datetime, *conditions: "sa.ColumnElement[bool]") -> list[Machine]:
    counts = sa.and_(
        api_keys.c.revoked_at.is_(None),
        api_keys.c.replaced_at.is_(None),
        sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > at),
    )
    own_keys = api_keys.c.machine_id == machines.c.id
    statement = sa.select(
        *machines.c,
        sa.select(sa.func.max(api_keys.c.last_used_at)).where(own_keys).scalar_subquery().label("last_seen_at"),
        sa.exists().where(own_keys, counts).label("has_key"),
        sa.select(sa.func.count())
        .select_from(runs.join(api_keys, api_keys.c.id == runs.c.opened_by))
        .where(own_keys, runs.c.deleted_at.is_(None))
        .scalar_subquery()
        .label("runs"),
    )
    rows = transaction.execute(statement.where(*conditions).order_by(machines.c.joined_at.desc(), machines.c.id)).all()
    hosts = _hosts(transaction, [row.id for row in rows])
    return [Machine(**(dict(row._mapping) | {"hosts": tuple(hosts.get(row.id, ())), "has_key": bool(row.has_key)})) for row in rows]


def _hosts(transaction: sa.Connection, machine_ids: list[str]) -> dict[str, list[Host]]:
    found: dict[str, list[Host]] = {}
    if machine_ids:
        rows = transaction.execute(
            sa.select(machine_hosts).where(machine_hosts.c.machine_id.in_(machine_ids)).order_by(machine_hosts.c.last_seen_at.desc())
        )
        for row in rows:
            found.setdefault(row.machine_id, []).append(Host(row.name, row.first_seen_at, row.last_seen_at))
    return found

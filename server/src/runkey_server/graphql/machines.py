"""The viewer's machines: listing, renaming, revoking. These fields are runkey's own."""

from typing import Any

from runkey_server import machines
from runkey_server.errors import Error
from runkey_server.graphql.context import Context, Info


def _machine(machine: machines.Machine, context: Context) -> dict[str, Any]:
    return {
        "id": machine.id,
        "name": machine.name,
        "osUser": machine.os_user,
        "system": machine.system,
        "address": machine.address,
        "state": machine.state.replace(" ", "_"),
        "createdAt": machine.created_at,
        "joinedAt": machine.joined_at,
        "lastSeenAt": machine.last_seen_at,
        "runCount": machine.runs,
        "hosts": [host.name for host in machine.hosts],
        "isThis": machine.id == context.caller.machine_id,
    }


def _list(_: Any, info: Info) -> list[dict[str, Any]]:
    context: Context = info.context
    found = machines.list_machines(context.transaction, context.caller.account_id, context.now)
    context.spend(len(found))
    # A machine's key sees itself and no other.
    return [_machine(each, context) for each in found if context.caller.may_manage_keys or each.id == context.caller.machine_id]


def _rename(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    machines.rename(context.transaction, _meant(context, input["id"]), input["name"])
    return {"machine": _machine(_meant(context, input["id"]), context)}


def _revoke(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    machines.revoke(context.transaction, _meant(context, input["id"], may_be_own=True), context.now)
    return {"machine": _machine(_meant(context, input["id"], may_be_own=True), context)}


def _meant(context: Context, machine_id: str, *, may_be_own: bool = False) -> machines.Machine:
    """Find the machine that is meant: one of the account when the caller may manage those, or the calling one."""
    caller = context.caller
    if not caller.may_manage_keys and not (may_be_own and machine_id == caller.machine_id):
        raise Error("forbidden", "A machine's own key can end that machine and change no other: do it on the page /settings/machines.")
    return machines.get_machine(context.transaction, caller.account_id, machine_id, context.now)


RESOLVERS = {
    "User": {"machines": _list},
    "Mutation": {"renameMachine": _rename, "revokeMachine": _revoke},
}

"""`runkey machines list|revoke|rename`: the machines that were logged in to the account.

A machine's own key sees and ends that machine alone; for the others there is the page, or a user's key.
"""

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey machines revoke mac_3kd92mfp"
    acts = parser.add_subparsers(dest="act", metavar="list|revoke|rename", required=True)
    listing = acts.add_parser("list", help="list the machines")
    revoke = acts.add_parser("revoke", help="send a machine away: its keys end at once")
    revoke.add_argument("id", metavar="MACHINE_ID", help="a machine's id, as in `runkey machines list`")
    rename = acts.add_parser("rename", help="give a machine another name")
    rename.add_argument("id", metavar="MACHINE_ID", help="a machine's id, as in `runkey machines list`")
    rename.add_argument("name", metavar="NAME", help="its new name")
    listing.epilog = "Example: runkey machines list --json"
    revoke.epilog = "Example: runkey machines revoke mac_3kd92mfpqx7z"
    rename.epilog = "Example: runkey machines rename mac_3kd92mfpqx7z gpu07"
    for each in (listing, revoke, rename):
        each.add_argument("--host", metavar="URL", help="the server (default: the one that would be used)")
        each.add_argument("--profile", metavar="NAME", help="the login of this name")
        each.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    from runkey.cli.status import proved_login, with_page
    from runkey.errors import ForbiddenError

    steps = proved_login(arguments)
    try:
        return int(_ACTS[arguments.act](steps, arguments))
    except ForbiddenError as refusal:
        raise with_page(refusal, steps.credential.host, "/settings/machines") from None


def _list(steps: Any, arguments: argparse.Namespace) -> int:
    import time

    from runkey import api
    from runkey.cli.status import answer
    from runkey.clock import ago
    from runkey.terminal import printable

    machines = api.list_machines(steps.credential)
    if arguments.json:
        answer({"ok": True, "machines": machines})
        return 0
    now = time.time()
    for machine in machines:
        state = machine["state"].replace("_", " ")
        seen = f"seen {ago(machine['lastSeenAt'], now)}" if machine["lastSeenAt"] else "not seen yet"
        if machine["isThis"]:
            # The server notes a use some seconds later.
            seen = "seen just now"
        runs = f"{machine['runCount']} run{'s' if machine['runCount'] != 1 else ''}"
        this = "this machine" if machine["isThis"] else ""
        print(printable(f"{machine['id']:18} {machine['name'][:30]:20} {state:10} {seen:20} {runs:8} {this}".rstrip()))
    if not machines:
        steps.terminal.say("No machine was logged in to this account by a click yet: runkey login")
    elif str(steps.credential.kind) == "machine":
        steps.terminal.say(f"A machine's own key sees that machine alone. All of them: {steps.credential.host}/settings/machines")
    return 0


def _revoke(steps: Any, arguments: argparse.Namespace) -> int:
    from runkey import api
    from runkey.cli.status import answer

    machine = api.revoke_machine(steps.credential, arguments.id)
    if arguments.json:
        answer({"ok": True, "machine": machine})
    else:
        steps.terminal.say(f"The machine {machine['name']} is sent away: its keys are refused everywhere from now on.")
    return 0


def _rename(steps: Any, arguments: argparse.Namespace) -> int:
    from runkey import api
    from runkey.cli.status import answer

    machine = api.rename_machine(steps.credential, arguments.id, arguments.name)
    if arguments.json:
        answer({"ok": True, "machine": machine})
    else:
        steps.terminal.say(f"The machine {machine['id']} is now called {machine['name']}.")
    return 0


_ACTS = {"list": _list, "revoke": _revoke, "rename": _rename}

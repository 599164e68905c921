"""`runkey profiles`: the logins that this machine has, and which one counts here."""

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey profiles"
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List the profiles. Raises NotLoggedIn when there is none (with --json: an empty list)."""
    from runkey.cli.status import answer, nowhere
    from runkey.credentials.store import CredentialStore
    from runkey.settings import Environment
    from runkey.terminal import printable

    environment = Environment()
    store = CredentialStore(environment.config_folder)
    entries = store.read()["entries"]
    chosen, why = chosen_profile(environment, store)
    if arguments.json:
        rows = [
            {"profile": name, "host": entry["host"], "account": entry.get("account"), "store": entry.get("store"), "chosen": name == chosen}
            for name, entry in sorted(entries.items())
        ]
        answer({"ok": True, "profiles": rows})
        return 0
    if not entries:
        raise nowhere(environment)
    width = max(map(len, entries))
    for name, entry in sorted(entries.items()):
        mark, because = ("*", f"  ({why})") if name == chosen else (" ", "")
        print(printable(f"{mark} {name:{width}}  {entry.get('account') or '(not checked)'} on {entry['host']}{because}"))
    return 0


def chosen_profile(environment: Any, store: Any) -> tuple[str | None, str]:
    """Name the profile that counts here, and say why."""
    from runkey.credentials.finding import Finder
    from runkey.session import Session
    from runkey.terminal import Terminal

    named = environment.get("RUNKEY_PROFILE")
    if named:
        return named, "RUNKEY_PROFILE"
    directory = Finder(environment, store, Session(), Terminal().warn).directory_profile()
    if directory:
        return directory[0], f"by {directory[1]}"
    return store.default_profile(), "the default"

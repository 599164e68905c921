"""`runkey logout`: revokes this machine's key on the server and forgets it here."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey logout --host https://track.example.org"
    parser.add_argument("--host", metavar="URL", help="the server (default: the default profile's)")
    parser.add_argument("--profile", metavar="NAME", help="the login of this name")
    parser.add_argument("--all", action="store_true", help="every server and profile on this machine")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Log out."""
    from runkey import keeping
    from runkey.cli.status import answer
    from runkey.credentials.store import CredentialStore
    from runkey.errors import NotLoggedIn
    from runkey.session import process
    from runkey.settings import Environment, normalise_host
    from runkey.terminal import Terminal

    environment, terminal = Environment(), Terminal()
    store = CredentialStore(environment.config_folder)
    kept = store.read()
    host = normalise_host(arguments.host) if arguments.host else None
    profiles = [
        name
        for name, entry in kept["entries"].items()
        if arguments.all
        or name == arguments.profile
        or (arguments.profile is None and (entry["host"] == host if host else name == kept.get("default")))
    ]
    if not profiles:
        if arguments.profile:
            others = f" There are: {', '.join(sorted(kept['entries']))}." if kept["entries"] else ""
            raise NotLoggedIn(f"There is no profile {arguments.profile!r}: nothing to forget.{others}")
        held = " RUNKEY_API_KEY logs this environment in: unset it." if environment.get("RUNKEY_API_KEY") else ""
        raise NotLoggedIn(f"This machine is not logged in {f'to {host}' if host else 'anywhere'}: nothing to forget.{held}")
    ended = []
    for name in profiles:
        credential = keeping.stored_credential(store, environment, name)
        owed = keeping.end(credential, store, environment, process)
        ended.append({"profile": name, "host": credential.host, "account": credential.account, "owed": owed})
        if arguments.json:
            continue
        if owed:
            terminal.warn(owed)
        else:
            terminal.say(f"Logged out of {credential.host}: the key is revoked there and forgotten here.")
        for other, entry in store.read()["entries"].items():
            if other not in profiles and credential.key_id and (entry["host"], entry.get("key_id")) == (credential.host, credential.key_id):
                terminal.warn(
                    f"The profile {other} has the same key, which ends with it. Log in again: runkey login --profile {other} --relogin"
                )
    if any(environment.get(name) for name in ("RUNKEY_API_KEY", "RUNKEY_API_KEY_FILE")) and not arguments.json:
        terminal.warn("RUNKEY_API_KEY is still set in this environment and still logs in.")
    if arguments.json:
        answer({"ok": True, "ended": ended})
    return 0

"""`runkey keys list|create|rotate|revoke`: the account's keys. Making keys, and revoking others, needs a user's key."""

import argparse
import sys
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey keys create --description 'nightly jobs' --days 90"
    acts = parser.add_subparsers(dest="act", metavar="list|create|rotate|revoke", required=True)
    listing = acts.add_parser("list", help="list the keys; secrets are kept nowhere")
    create = acts.add_parser("create", help="make a key and print it, this once")
    create.add_argument("--description", metavar="TEXT", help="what it is for")
    create.add_argument("--days", type=int, metavar="N", help="how many days it is good for (default: 365)", default=365)
    rotate = acts.add_parser("rotate", help="replace this machine's key, or the one named, by a new one")
    rotate.add_argument("id", nargs="?", metavar="KEY_ID", help="a key's id, as in `runkey keys list`")
    revoke = acts.add_parser("revoke", help="end a key at once, and the keys that it made")
    revoke.add_argument("id", metavar="KEY_ID", help="a key's id, as in `runkey keys list`")
    listing.epilog = "Example: runkey keys list --json"
    create.epilog = "Example: runkey keys create --description 'nightly jobs' --days 90 > key.txt"
    rotate.epilog = "Example: runkey keys rotate key_3kd92mfpqx7z"
    revoke.epilog = "Example: runkey keys revoke key_3kd92mfpqx7z"
    for each in (listing, create, rotate, revoke):
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
        raise with_page(refusal, steps.credential.host, "/settings/keys") from None


def _list(steps: Any, arguments: argparse.Namespace) -> int:
    from runkey import api
    from runkey.cli.status import answer
    from runkey.terminal import printable

    keys = api.list_keys(steps.credential)
    if arguments.json:
        answer({"ok": True, "keys": keys})
        return 0
    for key in keys:
        used = f"used {key['lastUsedAt'][:16].replace('T', ' ')}" if key["lastUsedAt"] else "never used"
        if key["id"] == steps.credential.key_id:
            # The server notes a use some seconds later.
            used = "in use here"
        until = f"until {key['expiresAt'][:10]}" if key["expiresAt"] else ""
        print(printable(f"{key['id']:18} {key['name']:14} {key['state']:9} {used:22} {until:16} {key['description'] or ''}".rstrip()))
    return 0


def _create(steps: Any, arguments: argparse.Namespace) -> int:
    import time

    from runkey import api
    from runkey.clock import as_text
    from runkey.errors import UsageError

    if not 1 <= arguments.days <= 36_500:
        raise UsageError("--days is a number from 1 to 36500.")
    ends = as_text(time.time() + arguments.days * 86_400)
    key, secret = api.create_key(steps.credential, description=arguments.description, expires_at=ends)
    return _show_secret(key, secret, arguments)


def _rotate(steps: Any, arguments: argparse.Namespace) -> int:
    from runkey import api, keeping

    credential = steps.credential
    is_own = arguments.id in (None, credential.key_id)
    if is_own and credential.profile is None:
        from runkey.errors import UsageError

        raise UsageError(
            f"The key in use comes from {credential.source}, which cannot be changed from here. Name a key's id to rotate that one."
        )
    if is_own:
        # Tried first: a key that was replaced on the server and could not be stored here would be lost.
        keeping.choose_store(credential.store, steps.store, steps.environment, steps.terminal)
    key, secret = api.rotate_key(credential, None if is_own else arguments.id)
    if not is_own:
        return _show_secret(key, secret, arguments)
    from runkey.cli.status import answer

    changed = credential.replaced(secret=secret, key_id=key["id"], created=key["createdAt"], expires=key["expiresAt"])
    keeping.keep(changed, credential.store or "file", steps.store, steps.environment, steps.terminal, is_command=False)
    if arguments.json:
        answer({"ok": True, "key": key})
    else:
        steps.terminal.say(f"This machine has a new key, {key['id']}. Runs begun with the old one write on to their end.")
    return 0


def _revoke(steps: Any, arguments: argparse.Namespace) -> int:
    from runkey import api
    from runkey.cli.status import answer

    key = api.revoke_key(steps.credential, arguments.id)
    if arguments.json:
        answer({"ok": True, "key": key})
    else:
        steps.terminal.say(f"The key {key['id']} is revoked, and with it the keys that it made.")
    return 0


def _show_secret(key: dict[str, Any], secret: Any, arguments: argparse.Namespace) -> int:
    from runkey.cli.status import answer

    if arguments.json:
        answer({"ok": True, "key": key, "secret": secret.reveal()})
        return 0
    # The secret alone on standard output, so that it can be piped on; the words beside it.
    print(f"runkey: Key {key['id']}, shown this once:", file=sys.stderr)
    print(secret.reveal())
    return 0


_ACTS = {"list": _list, "create": _create, "rotate": _rotate, "revoke": _revoke}

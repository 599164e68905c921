"""`runkey-server key create|import|list|revoke`: works beside a running server, which refuses a revoked key within a second."""

import argparse
import getpass
import json
import sys
from datetime import timedelta

from runkey_server import accounts, clock, keys, machines
from runkey_server.cli.opening import add_data_argument, open_data
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.secret_keys import SecretKeys

DEFAULT_DAYS = 365


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey-server key create --user mira"
    acts = parser.add_subparsers(dest="act", metavar="create|import|list|revoke", required=True)
    create = acts.add_parser("create", help="make a key and print it, this once")
    create.add_argument("--kind", choices=("user", "service"), default="user", help="user (default) or service")
    create.add_argument("--days", metavar="N", default=str(DEFAULT_DAYS), help=f"its life in days, or never (default: {DEFAULT_DAYS})")
    taken_in = acts.add_parser("import", help="take in a key issued elsewhere; the secret is read from standard input")
    for each in (create, taken_in):
        each.add_argument("--user", required=True, metavar="NAME", help="the account that the key belongs to")
        each.add_argument("--description", metavar="TEXT", help="what it is for")
    listing = acts.add_parser("list", help="list keys; secrets are kept nowhere")
    listing.add_argument("--user", metavar="NAME", help="of this account only")
    listing.add_argument("--json", action="store_true", help="as JSON")
    revoke = acts.add_parser("revoke", help="end a key, what came of it, and the machine whose own it is, at once")
    revoke.add_argument("id", metavar="KEY_ID", help="its id, as in `key list`")
    for each in (create, taken_in, listing, revoke):
        add_data_argument(each)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    database, secrets = open_data(arguments.data)
    try:
        return int(_ACTS[arguments.act](database, secrets, arguments))
    finally:
        database.close()


def _create(database: Database, secrets: SecretKeys, arguments: argparse.Namespace) -> int:
    now = clock.now()
    with database.writing() as transaction:
        account = accounts.get_account(transaction, arguments.user)
        key, secret = keys.mint(
            transaction,
            secrets.pepper,
            account.id,
            kind=arguments.kind,
            description=arguments.description,
            expires_at=None if arguments.days == "never" else now + _days(arguments.days),
            at=now,
        )
    # The secret alone on standard output, so that it can be piped on; the words beside it.
    until = f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "it is revoked"
    print(f"Key {key.id} of {account.name}, shown this once; it works until {until}:", file=sys.stderr)
    print(secret)
    return 0


def _import(database: Database, secrets: SecretKeys, arguments: argparse.Namespace) -> int:
    secret = getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline(4_096)
    with database.writing() as transaction:
        account = accounts.get_account(transaction, arguments.user)
        key = keys.import_key(transaction, secrets.pepper, account, secret.strip(), at=clock.now(), description=arguments.description)
    print(f"Key {key.id} (…{key.last_four}) now logs in as {account.name}.")
    return 0


def _list(database: Database, _: SecretKeys, arguments: argparse.Namespace) -> int:
    now = clock.now()
    with database.reading() as transaction:
        names = {account.id: account.name for account in accounts.list_accounts(transaction)}
        account_id = accounts.get_account(transaction, arguments.user).id if arguments.user else None
        found = [key for key in keys.list_keys(transaction, account_id=account_id) if key.account_id in names]
    if arguments.json:
        print(json.dumps({"keys": [_as_json(key, names[key.account_id], key.state(now)) for key in found]}))
        return 0
    if not found:
        print("No keys yet. Make one: runkey-server key create --user NAME")
    for key in found:
        used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        print(f"{key.id:18} {key.name:16} {names[key.account_id]:20} {key.state(now):9} {used}  {key.description or ''}".rstrip())
    return 0


def _as_json(key: keys.ApiKey, user: str, state: str) -> dict[str, str | None]:
    moments = {
        name: clock.on_the_wire(moment) if (moment := getattr(key, name)) else None
        for name in ("created_at", "last_used_at", "expires_at", "replaced_at", "revoked_at")
    }
    return {"id": key.id, "name": key.name, "user": user, "kind": key.kind, "state": state, "description": key.description} | moments


def _revoke(database: Database, _: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.writing() as transaction:
        ended = machines.end_key(transaction, keys.get_key(transaction, arguments.id), clock.now())
    print(f"Revoked: {', '.join(ended)}")
    return 0


def _days(text: str) -> timedelta:
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:
        raise Error("invalid", f"--days {text!r} is no number of days; give 1 to 36500, or never.")
    return timedelta(days=int(text))


_ACTS = {"create": _create, "import": _import, "list": _list, "revoke": _revoke}

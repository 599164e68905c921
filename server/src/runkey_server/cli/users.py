"""`runkey-server user create|invite|reset|list|disable|enable|delete`: works beside a running server."""

import argparse
import json

import sqlalchemy as sa

from runkey_server import accounts, clock
from runkey_server.accounts import Account
from runkey_server.cli.opening import add_data_argument, open_data, prepare_folder
from runkey_server.cli.serving import find_served
from runkey_server.database import Database
from runkey_server.secret_keys import SecretKeys, load_or_make


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey-server user create mira"
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    create = acts.add_parser("create", help="make an account and print a one-time link to sign in with")
    create.add_argument("name", metavar="NAME", help="its name: lower-case letters, digits, dashes, underscores")
    create.add_argument("--admin", action="store_true", help="make it an administrator")
    create.add_argument("--email", help="its address for mail")
    invite = acts.add_parser("invite", help="print a one-time link by which somebody makes an account")
    invite.add_argument("--email", metavar="ADDRESS", help="send it there, where the server sends mail")
    reset = acts.add_parser("reset", help="print a one-time link by which an account gets a new password")
    reset.add_argument("name", metavar="NAME")
    disable = acts.add_parser("disable", help="end its sessions and refuse its keys, from this moment on")
    disable.add_argument("name", metavar="NAME")
    enable = acts.add_parser("enable", help="undo disable")
    enable.add_argument("name", metavar="NAME")
    delete = acts.add_parser("delete", help="end an account for good")
    delete.add_argument("name", metavar="NAME")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    listing = acts.add_parser("list", help="list the accounts")
    listing.add_argument("--json", action="store_true", help="as JSON")
    for each in (create, invite, reset, disable, enable, delete, listing):
        add_data_argument(each)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    if arguments.act == "create":
        # An operator may prepare accounts before the first start.
        load_or_make(prepare_folder(arguments.data))
    database, keys = open_data(arguments.data)
    try:
        return int(_ACTS[arguments.act](database, keys, arguments))
    finally:
        database.close()


def _create(database: Database, keys: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.writing() as transaction:
        now = clock.now()
        account = accounts.create_account(transaction, arguments.name, at=now, is_admin=arguments.admin, email=arguments.email)
        code = accounts.issue_link(transaction, accounts.SIGN_IN, at=now, account=account)
        _mail(transaction, keys, arguments, accounts.SIGN_IN, code, account.email, account)
    print(f"Account {account.name} made{' (administrator)' if account.is_admin else ''}.")
    _print_link(arguments, "Link to choose a password and sign in with (works once, within 7 days):", accounts.SIGN_IN, code, account.email)
    return 0


def _invite(database: Database, keys: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.writing() as transaction:
        code = accounts.issue_link(transaction, accounts.INVITATION, at=clock.now(), email=arguments.email)
        _mail(transaction, keys, arguments, accounts.INVITATION, code, arguments.email)
    _print_link(arguments, "Invitation to make an account (works once, within 7 days):", accounts.INVITATION, code, arguments.email)
    if find_served(arguments.data).sign_up == "closed":
        print("The server makes no accounts by itself now (--sign-up closed): start it with --sign-up invitation, and the link works.")
    return 0


def _reset(database: Database, keys: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.writing() as transaction:
        account = accounts.get_account(transaction, arguments.name)
        code = accounts.issue_link(transaction, accounts.RESET, at=clock.now(), account=account)
        _mail(transaction, keys, arguments, accounts.RESET, code, account.email, account)
    _print_link(arguments, "Link to choose a new password with (works once, within 30 minutes):", accounts.RESET, code, account.email)
    return 0


def _mail(
    transaction: sa.Connection,
    keys: SecretKeys,
    arguments: argparse.Namespace,
    purpose: str,
    code: str,
    to: str | None,
    account: Account | None = None,
) -> None:
    """Leave a link for the server to send, where it sends mail and there is an address."""
    if to and find_served(arguments.data).sends_mail:
        accounts.mail_link(transaction, purpose, code, to, seal_under=keys.signing, at=clock.now(), account=account)


def _print_link(arguments: argparse.Namespace, words: str, purpose: str, code: str, to: str | None) -> None:
    served = find_served(arguments.data)
    print(words)
    print(f"  {served.url}{accounts.link_path(purpose, code)}")
    if to:
        print(f"It is sent to {to} too." if served.sends_mail else f"The server sends no mail: hand it to {to} yourself.")


def _disable(database: Database, _: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.writing() as transaction:
        account = accounts.get_account(transaction, arguments.name)
        accounts.disable_account(transaction, account, clock.now())
    print(f"Account {account.name} is disabled: its keys and sessions are refused from now on.")
    return 0


def _enable(database: Database, _: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.writing() as transaction:
        account = accounts.get_account(transaction, arguments.name)
        accounts.disable_account(transaction, account, None)
    print(f"Account {account.name} is enabled: its keys count again.")
    return 0


def _delete(database: Database, _: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.reading() as transaction:
        account = accounts.get_account(transaction, arguments.name)
    if not arguments.yes:
        print("Its keys and sessions end, and nobody sees its projects any more; their data stays on the disk.")
        typed = input(f"Delete {account.name} for good? Type its name: ")
        if typed.strip().lower() != account.name:
            print("Nothing was deleted.")
            return 4
    with database.writing() as transaction:
        accounts.delete_account(transaction, account, clock.now())
    print(f"Account {account.name} is deleted. Its name stays taken.")
    return 0


def _list(database: Database, _: SecretKeys, arguments: argparse.Namespace) -> int:
    with database.reading() as transaction:
        found = accounts.list_accounts(transaction)
    if arguments.json:
        rows = [
            {
                "name": account.name,
                "admin": account.is_admin,
                "email": account.email,
                "created_at": clock.on_the_wire(account.created_at),
                "disabled_at": clock.on_the_wire(account.disabled_at) if account.disabled_at else None,
            }
            for account in found
        ]
        print(json.dumps({"accounts": rows}))
        return 0
    if not found:
        print("No accounts yet. Make one: runkey-server user create NAME")
    for account in found:
        marks = [mark for mark, holds in (("administrator", account.is_admin), ("disabled", not account.is_active)) if holds]
        print(f"{account.name:24} since {account.created_at:%Y-%m-%d}  {', '.join(marks)}".rstrip())
    return 0


_ACTS = {
    "create": _create,
    "invite": _invite,
    "reset": _reset,
    "disable": _disable,
    "enable": _enable,
    "delete": _delete,
    "list": _list,
}

"""`runkey login`: logs this machine in. The same steps as `runkey.login()`, which insist."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runkey.authentication import Login


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey login --host https://track.example.org\n         runkey login --key-stdin < key.txt"
    parser.add_argument("key", nargs="?", metavar="KEY", help="the key; a key typed here stays in the shell's history: prefer --key-stdin")
    parser.add_argument(
        "--host", "--base-url", metavar="URL", help="the server (default: the one that would be used; else it is asked for)"
    )
    parser.add_argument("--relogin", action="store_true", help="ask again although this machine is logged in")
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--key-stdin", action="store_true", help="read the key from standard input")
    given.add_argument("--key-file", metavar="FILE", help="read the key from a file")
    parser.add_argument("--store", choices=("file", "keyring", "netrc", "session"), help="where to keep the key (default: file)")
    parser.add_argument("--profile", metavar="NAME", help="name this login, to have several")
    parser.add_argument(
        "--wandb",
        nargs="?",
        const="yes",
        choices=("yes", "all"),
        help="log the official wandb client on this machine in as well; all: for every port of that host",
    )
    parser.add_argument("--anonymous", action="store_true", help="log without an account, where the server lets you; claim it later")
    parser.add_argument("--expect-user", metavar="NAME", help="log in to this account and no other")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser, only show the address")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="give up after so long, typing included")
    parser.add_argument("--no-verify", dest="verify", action="store_false", help="do not ask the server whether the key is good")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Log in."""
    from runkey import keeping
    from runkey.authentication import Login, take_steps
    from runkey.errors import CannotStore, NotLoggedIn, UsageError

    if arguments.store == "session":
        raise UsageError("A command's session ends with it, so nothing would be kept. Run the program itself by: runkey exec -- CMD")
    if arguments.anonymous and (arguments.key or arguments.key_stdin or arguments.key_file or arguments.expect_user):
        raise UsageError("An account without a name has no key to give and no user to expect: leave one of the two out.")
    key = _read_key(arguments)
    steps = Login(is_command=True)
    host = arguments.host or _host_of_new_profile(arguments, steps, has_key=key is not None)
    done = take_steps(
        steps,
        {
            "key": key,
            "host": host,
            "relogin": arguments.relogin,
            "force": True,
            "timeout": arguments.timeout,
            "verify": arguments.verify,
            "store": arguments.store,
            "profile": arguments.profile,
            "expect_user": arguments.expect_user,
            "anonymous": "must" if arguments.anonymous else None,
            "browser": arguments.browser,
        },
    )
    if not done or steps.credential is None:
        raise NotLoggedIn("Nothing was stored: the mode is not online. Unset RUNKEY_MODE (and WANDB_MODE) to log in.")
    if arguments.wandb:
        if steps.credential.profile is None:
            raise CannotStore("The key comes from the environment, which the official client reads by itself: set WANDB_API_KEY.")
        keeping.write_wandb_entry(steps.credential, steps.store, steps.environment, steps.terminal, every_port=arguments.wandb == "all")
    if arguments.json:
        from runkey.cli.status import answer, as_json

        answer({"ok": True, **as_json(steps.credential)})
    return 0


def _host_of_new_profile(arguments: argparse.Namespace, steps: "Login", *, has_key: bool) -> str | None:
    """Find out which server a profile is for that is not there yet; None where that is known. Raises UsageError when nobody can say.

    Not taken from the default profile: a key must not go to a server that it may not be meant for.
    """
    from runkey import asking
    from runkey.credentials.store import CredentialStore
    from runkey.errors import UsageError

    profile = arguments.profile or steps.environment.get("RUNKEY_PROFILE")
    if profile is None or steps.environment.host:
        return None
    store = CredentialStore(steps.environment.config_folder)
    if profile in store.read()["entries"]:
        return None
    if has_key or not steps.terminal.has_person:
        raise UsageError(f"There is no profile {profile!r} yet. Name its server: runkey login --profile {profile} --host URL")
    default = store.default_profile()
    return asking.ask_for_host(steps.terminal, store.host_of(default) if default else None, lambda: arguments.timeout)


def _seconds(text: str) -> float:
    """Read a number of seconds. Raises ArgumentTypeError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError("give a number of seconds above 0")
    return seconds


def _read_key(arguments: argparse.Namespace) -> str | None:
    import sys

    from runkey.errors import UsageError
    from runkey.terminal import Terminal

    if arguments.key is not None:
        if arguments.key_stdin or arguments.key_file:
            raise UsageError("Give one key: as an argument, by --key-stdin, or by --key-file.")
        Terminal().warn("A key given as an argument stays in the shell's history and is seen by others in `ps`. Prefer --key-stdin.")
        return str(arguments.key)
    if arguments.key_stdin:
        text = sys.stdin.readline(10_000).strip() if sys.stdin else ""
        if not text:
            raise UsageError("Standard input held no key. For example: runkey login --key-stdin < key.txt")
        return text
    if arguments.key_file:
        try:
            with open(arguments.key_file, encoding="utf-8") as file:
                return file.read(10_000).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise UsageError(f"Cannot read the key file {arguments.key_file}: {reason}.") from None
    return None

"""What an operator types: `runkey-server serve`, `user`, `key`, `backup`, `restore`, `doctor`, `demo`.

One subject a file, imported when asked for.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from runkey_server import __version__
from runkey_server.errors import Error

# command -> (module with add_arguments(parser) and run(arguments), what it does)
COMMANDS = {
    "serve": ("serve", "serve accounts, keys, pages and the wire of runs"),
    "user": ("users", "create, list, disable and delete accounts"),
    "key": ("keys", "create, import, list and revoke API keys"),
    "backup": ("backup", "copy everything to another folder while the server runs"),
    "restore": ("restore", "put a backup into an empty folder"),
    "doctor": ("doctor", "look whether everything that is kept is whole, and mend what can be mended"),
    "demo": ("demo", "show the whole thing on an empty machine: server, account, login, a real training run"),
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the whole usage before it; leaves examples in help texts as they are."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        # No abbreviations: what is short for one option today may be short for two tomorrow.
        named = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **named}
        super().__init__(*parts, **named)

    def error(self, message: str) -> NoReturn:
        raise Error("invalid", f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code: 0 ok, 1 unexpected, 2 usage, 4 refused, 7 the server's ground does not answer, 130 Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = _read(words)
        return int(arguments.run(arguments))
    except Error as error:
        print(f"runkey-server: {error.message}", file=sys.stderr)
        return {"invalid": 2, "unavailable": 7}.get(error.code, 4)
    except EOFError:
        print("\nrunkey-server: The input ended before the question was answered. Nothing was changed.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1


def _read(words: list[str]) -> argparse.Namespace:
    """Understand what was typed. Raises Error `invalid`."""
    parser = _Parser(
        prog="runkey-server",
        description="The server of runkey: logs machines in, and keeps what they log.",
        epilog="Example: runkey-server serve --data ./runkey-data --listen 127.0.0.1:8080",
    )
    parser.add_argument("--version", action="version", version=f"runkey-server {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, (module, help_text) in COMMANDS.items():
        command = commands.add_parser(name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
        if name == chosen:
            room = importlib.import_module(f"runkey_server.cli.{module}")
            room.add_arguments(command)
            command.set_defaults(run=room.run)
    return parser.parse_args(words)

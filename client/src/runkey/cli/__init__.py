"""What is typed: `runkey COMMAND`. One command a file, imported only when it is asked for.

Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not logged in, 4 refused by the server, 5 no way to ask or to store here, 6 not the server that
was logged in to, 7 network, 130 Ctrl-C. With --json the answer is one object on standard output, on success and on failure alike.
"""

import sys
from collections.abc import Sequence

COMMANDS = {
    "login": "log this machine in",
    "logout": "revoke this machine's key on the server and forget it here",
    "status": "who am I, on which server, from which source",
    "exec": "run a command with the environment that the official wandb client needs",
    "sync": "send the runs that never arrived",
    "claim": "make yours what this machine logged without an account",
    "switch": "choose which login counts, everywhere or in this folder",
    "profiles": "list the logins of this machine",
    "machines": "list, revoke and rename the account's machines",
    "keys": "list, create, rotate and revoke the account's keys",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if words else 2
    if words[0] == "--version":
        from runkey_wire.version import __version__

        print(f"runkey {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"runkey: There is no command {words[0]!r}. See: runkey --help", file=sys.stderr)
        return 2
    import importlib

    module = importlib.import_module(f"runkey.cli.{'executing' if words[0] == 'exec' else words[0]}")
    return run(module, words[0], words[1:])


def run(module: object, name: str, words: list[str]) -> int:
    """Parse one command's words and do it, turning errors into a sentence (or an object) and an exit code."""
    import argparse

    class Formatter(argparse.RawDescriptionHelpFormatter):
        def __init__(self, prog: str, indent_increment: int = 2, max_help_position: int = 24, width: int | None = None) -> None:
            # Told the width, it does not import shutil and three compressors to find it: a tenth of the command's time.
            super().__init__(prog, indent_increment, max_help_position, width or _width())

    parser = argparse.ArgumentParser(
        prog=f"runkey {name}",
        description=f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}.",
        formatter_class=Formatter,
    )
    module.add_arguments(parser)  # type: ignore[attr-defined]
    arguments = parser.parse_args(words)
    as_json = bool(getattr(arguments, "json", False))
    try:
        return int(module.run(arguments))  # type: ignore[attr-defined]
    except KeyboardInterrupt:
        print("\nrunkey: Left; nothing was stored.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        from runkey.errors import Error

        if not isinstance(error, Error):
            raise
        return _tell(error, as_json)


def _width() -> int:
    import os

    try:
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns - 2)
    except (OSError, ValueError, AttributeError):
        return 98


def overview() -> str:
    """The list of commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: runkey COMMAND …",
            "",
            "Log a machine in, so that what runs on it can log data to your account, on a server that is yours.",
            "",
            *lines,
            "",
            "Example: runkey login --host https://track.example.org",
            "Each command has --help.",
        ]
    )


def _tell(error: Exception, as_json: bool) -> int:
    code = int(getattr(error, "exit_code", 1))
    if as_json:
        import json

        failure = {"ok": False, "error": {"type": type(error).__name__, "message": str(error)}}
        layer = getattr(error, "layer", None)
        if layer:
            failure["error"]["layer"] = layer  # type: ignore[index]
        print(json.dumps(failure))
    else:
        from runkey.terminal import printable

        print(f"runkey: {printable(str(error))}", file=sys.stderr)
    return code

"""What is typed: `runkey COMMAND`. One command a file, imported only when it is asked for.

Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not logged in, 4 refused by the server, 5 no way to ask or to store here, 6 not the server that
was logged in to, 7 network, 130 Ctrl-C. With --json the answer is one object on standard output, on success and on failure alike.
"""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

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
    "export": "fetch a run's or a project's history as CSV or Parquet",
    "keys": "list, create, rotate and revoke the account's keys",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[0:1] == ["help"] and words[1:2] and words[1] in COMMANDS:
        words = [*words[1:], "--help"]
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if words else 2
    if words[0] == "--version":
        from runkey_wire.version import __version__

        print(f"runkey {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"runkey: There is no command {words[0]!r}.{_meant(words[0])} See: runkey --help", file=sys.stderr)
        return 2
    try:
        import importlib

        module = importlib.import_module(f"runkey.cli.{'executing' if words[0] == 'exec' else words[0]}")
        return run(module, words[0], words[1:])
    except KeyboardInterrupt:
        print(f"\nrunkey: Left{'; nothing was stored' if words[0] == 'login' else ''}.", file=sys.stderr)
        return 130


def run(module: object, name: str, words: list[str]) -> int:
    """Parse one command's words and do it, turning errors into a sentence (or an object) and an exit code."""
    import argparse

    class Formatter(argparse.RawDescriptionHelpFormatter):
        def __init__(self, prog: str, indent_increment: int = 2, max_help_position: int = 24, width: int | None = None) -> None:
            # Told the width, it does not import shutil and three compressors to find it: a tenth of the command's time.
            super().__init__(prog, indent_increment, max_help_position, width or _width())

    class Parser(argparse.ArgumentParser):
        def __init__(self, *parts: Any, **named: Any) -> None:
            # No abbreviations: what is short for one option today may be short for two tomorrow.
            named = {"formatter_class": Formatter, "allow_abbrev": False, **named}
            super().__init__(*parts, **named)

        def error(self, message: str) -> NoReturn:
            raise _usage_error(self.prog, message, words)

    parser = Parser(prog=f"runkey {name}", description=f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}.")
    module.add_arguments(parser)  # type: ignore[attr-defined]
    # Known before the words are understood, because it says how to tell that they are not. What exec runs has words of its own.
    as_json = "--json" in words and name != "exec"
    try:
        return int(module.run(parser.parse_args(words)))  # type: ignore[attr-defined]
    except BrokenPipeError:
        return 1
    except Exception as error:
        from runkey.errors import Error

        if not isinstance(error, Error):
            raise
        return _tell(error, as_json)


def _usage_error(prog: str, message: str, words: list[str]) -> Exception:
    """Make a sentence of what argparse complains of. A key that stands in the wrong place is not repeated."""
    from runkey.errors import UsageError
    from runkey_wire import api_key

    for word in words:
        if api_key.looks_like_key(word.rpartition("=")[2]):
            message = message.replace(word, "…")
    hint = "A key is given by --key-stdin or --key-file." if any(word.partition("=")[0] == "--key" for word in words) else ""
    return UsageError(f"{message[:1].upper()}{message[1:]}. {hint or f'See: {prog} --help'}")


def _meant(word: str) -> str:
    """Guess the command that somebody meant."""
    # slow import: only for who mistypes
    import difflib

    near = {"whoami": "status", "list": "profiles", "run": "exec"}.get(word.lower())
    found = [near] if near else difflib.get_close_matches(word.lower(), COMMANDS, 1)
    return f" Did you mean {found[0]}?" if found else ""


def _width() -> int:
    import os

    from runkey.settings import Environment

    columns = Environment().get("COLUMNS") or ""
    if columns.isdecimal() and int(columns) >= 40:
        return int(columns) - 2
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

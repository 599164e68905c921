"""`runkey sync`: sends the journals of runs that never arrived, or only in part.

Exit code 0 when everything is on the server, or there was nothing to send; 1 when a journal was damaged, so that what it held is not all
there; else that of what went wrong.
"""

import argparse
import os
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey sync runkey/run-20260131_120000-abcd1234"
    parser.add_argument(
        "folders", metavar="DIR", nargs="*", help="a run's folder, or one that holds several (default: RUNKEY_DIR, ./runkey)"
    )
    parser.add_argument(
        "--host", metavar="URL", help="the server, for runs that were begun without one (default: the one that would be used)"
    )
    parser.add_argument("--profile", metavar="NAME", help="the login to send with, where there are several")
    parser.add_argument("--to-my-account", action="store_true", help="send also what was begun as another account, to yours")
    parser.add_argument("--overwrite", action="store_true", help="send also over rows that the server has and this journal has not")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Send them. Raises UsageError for a folder that holds no run, NotLoggedIn, WrongServer, ConnectionFailed."""
    from runkey.cli.status import answer
    from runkey.clock import SystemClock
    from runkey.errors import Error
    from runkey.runs.syncing import Synced, Syncing
    from runkey.terminal import Terminal

    terminal = Terminal()
    found = _find(arguments.folders)
    logins = _Logins(arguments)
    syncing = Syncing(
        logins.credential_for,
        clock=SystemClock(),
        say=terminal.say,
        any_account=arguments.to_my_account,
        overwrite=arguments.overwrite,
    )
    results: list[Synced] = []
    failure: Error | None = None
    for folder in found:
        try:
            synced = syncing.send(folder)
        except Error as error:
            synced = Synced(folder, "failed", str(error), error=error)
        results.append(synced)
        failure = failure or synced.error
        if not arguments.json:
            terminal.say(f"{folder}: {synced.outcome}. {synced.said}".strip())
    code = _code(results, failure)
    if arguments.json:
        answer({"ok": code == 0, "runs": [each.as_dict() for each in results]})
    elif not results:
        terminal.say("There is nothing to send.")
    return code


def _find(named: list[str]) -> list[str]:
    """Give the folders of runs: the named ones, and those in the named ones. Raises UsageError for one that holds none."""
    from runkey.errors import UsageError
    from runkey.settings import Environment
    from runkey.stream import folders

    if not named:
        return _inside(Environment().runs_folder)
    found: dict[str, str] = {}
    for name in named:
        inside = [name] if os.path.isdir(name) and folders.is_run_folder(name) else _inside(name)
        if not inside:
            raise UsageError(f"{name} holds no run's journal. Name a folder run-…, or the one that they lie in.")
        found |= {os.path.realpath(folder): folder for folder in inside if os.path.realpath(folder) not in found}
    return list(found.values())


def _inside(folder: str) -> list[str]:
    from runkey.errors import UsageError
    from runkey.stream import folders

    try:
        return folders.list_run_folders(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


class _Logins:
    """Finds the credential for a journal; each server proves itself once."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._found: dict[tuple[str | None, str | None], Any] = {}

    def credential_for(self, standing: Any) -> Any:
        """Give the credential for the server that a run was begun with, of its account where this machine has it."""
        place = (self._arguments.host or standing.host, standing.account)
        if place not in self._found:
            self._found[place] = self._look(standing)
        return self._found[place]

    def _look(self, standing: Any) -> Any:
        from runkey.authentication import Login
        from runkey.errors import NotLoggedIn, WrongServer

        steps = Login()
        steps.setup({"host": self._arguments.host or standing.host, "profile": self._arguments.profile})
        steps.is_apikey_configured()
        if steps.credential is None:
            where = f" to {steps.host}" if steps.host else ""
            raise NotLoggedIn(
                f"This machine is not logged in{where}. Log in: runkey login" + (f" --host {steps.host}" if steps.host else "")
            )
        credential = steps.verified(steps.credential)
        if standing.account is not None and not credential.stands_for(standing.account) and not self._arguments.profile:
            others = steps.store.find_all(credential.host)
            mine = next((each for each in others if each.stands_for(standing.account)), None)
            credential = steps.verified(mine) if mine is not None else credential
        is_moved = self._arguments.host and standing.host and steps.host != standing.host
        if standing.server_id not in (None, credential.server_id) and not (is_moved or self._arguments.to_my_account):
            raise WrongServer(f"{credential.host} is another server than the one this run was begun with. Nothing was sent.")
        return credential


def _code(results: list[Any], failure: Any) -> int:
    if failure is not None:
        return int(failure.exit_code)
    codes = {"partly": 7, "unreadable": 1}
    return max((codes.get(each.outcome, 0 if each.is_whole else 1) for each in results), default=0)

"""`runkey switch [NAME]`: which login counts from now on, everywhere or in this folder. What is running keeps the one it began with."""

import argparse
import os


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey switch work\n         runkey switch --here work"
    parser.add_argument("name", nargs="?", metavar="NAME", help="the profile, as in `runkey profiles`; asked for where somebody can answer")
    parser.add_argument("--here", action="store_true", help="only in this folder and those below it, by a file .runkey that holds the name")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Choose a profile. Raises UsageError for one that is not there."""
    from runkey.cli.profiles import chosen_profile
    from runkey.cli.status import answer, nowhere
    from runkey.credentials.finding import DIRECTORY_PROFILE
    from runkey.credentials.store import CredentialStore
    from runkey.errors import CannotStore, UsageError
    from runkey.settings import Environment
    from runkey.terminal import Terminal

    environment, terminal = Environment(), Terminal()
    store = CredentialStore(environment.config_folder)
    entries = store.read()["entries"]
    if not entries:
        raise nowhere(environment)
    names = sorted(entries)
    name = arguments.name
    if name is None:
        if not terminal.has_person:
            raise UsageError(f"Name the profile: runkey switch {'|'.join(names)}")
        now, _ = chosen_profile(environment, store)
        shown = [
            f"{each}: {entries[each].get('account') or '(not checked)'} on {entries[each]['host']}{' (now)' if each == now else ''}"
            for each in names
        ]
        try:
            name = names[terminal.choose(shown)]
        except EOFError:
            raise UsageError("The input ended before a profile was chosen. Nothing was changed.") from None
    if name not in entries:
        raise UsageError(f"There is no profile {name!r}. There are: {', '.join(names)}. Make it: runkey login --profile {name}")
    if arguments.here:
        path = os.path.join(os.getcwd(), DIRECTORY_PROFILE)
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(name + "\n")
        except OSError as error:
            raise CannotStore(f"Cannot write {path}: {error.strerror}. Nothing was changed.") from None
    else:
        store.set_default(name)
    chosen, why = chosen_profile(environment, store)
    if arguments.json:
        answer({"ok": True, "profile": name, "host": entries[name]["host"], "here": arguments.here, "chosen": chosen})
        return 0
    where = "in this folder and below (remove .runkey to undo)" if arguments.here else "from now on"
    account = entries[name].get("account") or "a key not yet checked"
    terminal.say(f"The profile {name} counts {where}: {account} on {entries[name]['host']}. What is running goes on as it began.")
    if chosen != name:
        terminal.warn(f"Here the profile {chosen} still comes first ({why}).")
    return 0

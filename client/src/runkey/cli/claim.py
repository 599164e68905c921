"""`runkey claim`: makes yours what this machine logged without an account.

With a real login to the same server on this machine, everything moves at once; without one, a link does it in the browser.
"""

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey claim"
    parser.add_argument("--host", metavar="URL", help="the server (default: the one that would be used)")
    parser.add_argument("--profile", metavar="NAME", help="the login to claim for, where there are several")
    parser.add_argument("--link", action="store_true", help="make the link, although this machine is logged in")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Claim. Raises NotLoggedIn when there is nothing to claim here, ForbiddenError when it was claimed already."""
    from runkey import api
    from runkey.authentication import Login
    from runkey.cli.status import answer
    from runkey.errors import NotLoggedIn

    steps = Login()
    steps.setup({"host": arguments.host, "profile": arguments.profile})
    steps.is_apikey_configured()
    host = steps.host
    if host is None:
        raise NotLoggedIn("There is nothing to claim: this machine has logged nothing without an account.")
    anonymous = _anonymous(steps, host)
    if anonymous is None:
        raise NotLoggedIn(f"There is nothing to claim: this machine has logged nothing without an account to {host}.")
    steps.prove(host)
    real = next((each for each in steps.store.find_all(host) if not each.is_anonymous), None)
    if arguments.profile:
        real = steps.credential if steps.credential and not steps.credential.is_anonymous else None
    address, code = api.create_claim_link(anonymous)
    if real is None or arguments.link:
        if arguments.json:
            answer({"ok": True, "claim_url": address})
        else:
            steps.terminal.say("Open this address in a browser and sign in; it works once, within 7 days:")
            print(address)
            if real is None:
                steps.terminal.say("Then log this machine in under your name: runkey login")
        return 0
    claimed = api.claim_runs(real, code)
    _note(steps, real, anonymous, claimed["entity"])
    if arguments.json:
        answer({"ok": True, "account": real.account, **claimed})
    else:
        runs = f"{claimed['runCount']} run{'s' if claimed['runCount'] != 1 else ''}"
        steps.terminal.say(
            f"{runs} of {claimed['entity']} moved to {real.account} on {host}. What still runs goes on logging, to that account."
        )
    return 0


def _anonymous(steps: Any, host: str) -> Any:
    """Give the key of an account without a name: the stored one, or one that the environment or netrc holds."""
    stored = next((each for each in steps.store.find_all(host) if each.is_anonymous), None)
    if stored is not None:
        return stored
    held = steps.credential
    return held if held is not None and held.is_anonymous else None


def _note(steps: Any, real: Any, anonymous: Any, entity: str) -> None:
    """Let runs under way know whom they belong to now, and forget the key that opens no more."""
    if real.profile:
        steps.store.note(real.profile, claimed=sorted({*(real.claimed or []), entity}))
    if anonymous.profile:
        steps.store.forget(anonymous.profile)

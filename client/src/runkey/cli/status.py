"""`runkey status`: who am I, on which server, as which machine, from which source, since when, until when.

Answers from what is stored and says when that was last checked; --check asks the server now.
"""

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey status --explain"
    parser.add_argument("--host", metavar="URL", help="the server (default: the one that would be used)")
    parser.add_argument("--profile", metavar="NAME", help="the login of this name")
    parser.add_argument("--explain", action="store_true", help="list every source, the winner, and why the others lost")
    parser.add_argument("--check", action="store_true", help="ask the server now")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Tell who is logged in. Raises NotLoggedIn, AuthenticationError with --check, and what broken sources raise."""
    from runkey.credentials.finding import Finder
    from runkey.credentials.store import CredentialStore
    from runkey.session import Session
    from runkey.settings import Environment, normalise_host
    from runkey.terminal import Terminal

    environment = Environment()
    store = CredentialStore(environment.config_folder)
    profile = arguments.profile or environment.get("RUNKEY_PROFILE")
    finder = Finder(environment, store, Session(), Terminal().warn, profile=profile)
    named = arguments.host or (None if arguments.profile else environment.host)
    found = (normalise_host(named), "--host" if arguments.host else "the environment") if named else finder.find_host()
    if found is None:
        raise nowhere(environment)
    host, host_source = found
    sources = finder.explain(host) if arguments.explain else []
    credential = None
    if not arguments.explain:
        credential = finder.find(host)
    else:
        credential = next((line.credential for line in sources if line.credential), None)
    if credential is not None and arguments.check:
        credential = _checked(credential, arguments)
    if arguments.json:
        return _answer_json(host, host_source, credential, sources)
    if sources:
        _print_sources(sources)
    if credential is None:
        raise nowhere(environment, host)
    print(_sentences(credential, host_source))
    return 0


def nowhere(environment: Any, host: str | None = None) -> Exception:
    """Give the error for a machine that is not logged in, with what to do: there, or anywhere."""
    from runkey.errors import NotLoggedIn

    if host is not None:
        return NotLoggedIn(f"This machine is not logged in to {host}. Log in: runkey login --host {host}")
    for name in ("RUNKEY_API_KEY", "RUNKEY_API_KEY_FILE"):
        if environment.get(name):
            return NotLoggedIn(f"{name} is set, but no server is named that its key is for. Set RUNKEY_HOST, or give --host URL.")
    return NotLoggedIn("This machine is not logged in anywhere. Log in: runkey login --host URL")


def proved_login(arguments: argparse.Namespace) -> Any:
    """Give the steps of the login that counts, on a server that has proved who it is. Raises NotLoggedIn, and as `Login.prove` does."""
    from runkey.authentication import Login

    steps = Login()
    steps.setup({"host": arguments.host, "profile": arguments.profile})
    if not steps.is_apikey_configured() or steps.credential is None:
        raise nowhere(steps.environment, steps.host)
    steps.prove(steps.credential.host)
    return steps


def with_page(refusal: Exception, host: str, page: str) -> Exception:
    """Give a refusal that speaks of a page with that page's whole address: the server names its pages by the path, or not at all."""
    text = str(refusal)
    if f" {page}" in text:
        text = text.replace(f" {page}", f" {host}{page}")
    elif "page" in text:
        text = f"{text} The page: {host}{page}"
    return type(refusal)(text)


def as_json(credential: Any) -> dict[str, Any]:
    """Describe a credential without its secret."""
    from runkey.machine import machine_name

    names = ("host", "account", "server_id", "profile", "store", "source", "key_id", "kind", "created", "expires", "checked")
    return {name: getattr(credential, name) for name in names} | {"machine": machine_name()}


def answer(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    import json

    print(json.dumps(value))


def _checked(credential: Any, arguments: argparse.Namespace) -> Any:
    from runkey.authentication import Login
    from runkey.errors import Error

    steps = Login()
    steps.setup({"host": credential.host, "profile": arguments.profile})
    try:
        fresh = steps.verified(credential)
    except Error as error:
        if not arguments.json and credential.account:
            print(f"Stored as {credential.account} on {credential.host}, key from {credential.source}.")
        raise error
    if fresh.profile and fresh.store in ("file", "keyring", "netrc"):
        steps.store.note(fresh.profile, **{name: getattr(fresh, name) for name in ("account", "key_id", "kind", "expires", "checked")})
    return fresh


def _sentences(credential: Any, host_source: str) -> str:
    import time

    from runkey.clock import ago
    from runkey.machine import machine_name
    from runkey.terminal import printable

    now = time.time()
    if credential.is_anonymous:
        who = f"Logging without an account, as {credential.account}"
    else:
        who = f"Logged in as {credential.account}" if credential.account else "A key is configured, not yet checked,"
    until = f", until {credential.expires[:10]}" if credential.expires else ""
    key = [
        credential.key_id or "",
        f"from {credential.source}",
        f"made {ago(credential.created, now)}" if credential.created else "",
    ]
    checked = ago(credential.checked, now) if credential.checked else "never"
    lines = [
        f"{who} on {credential.host}",
        f"  server   {host_source}",
        f"  key      {', '.join(part for part in key if part)}{until}",
        f"  machine  {machine_name()}",
        f"  checked  {checked}{'' if checked == 'just now' else '; ask the server now with --check'}",
    ]
    if credential.is_anonymous:
        lines.append("Make it yours: runkey claim")
    return "\n".join(map(printable, lines))


def _print_sources(sources: list[Any]) -> None:
    from runkey.terminal import printable

    won = False
    for line in sources:
        mark, why = "  ", line.why
        if line.credential is not None:
            if won:
                why = f"{line.why}; a source above comes first"
            else:
                mark, won = "* ", True
        print(printable(f"{mark}{line.name}: {why}"))


def _answer_json(host: str, host_source: str, credential: Any, sources: list[Any]) -> int:
    value: dict[str, Any] = {"ok": credential is not None, "host": host, "host_source": host_source}
    if credential is not None:
        value |= as_json(credential)
    else:
        value["error"] = {"type": "NotLoggedIn", "message": f"This machine is not logged in to {host}."}
    if sources:
        winner = next((line for line in sources if line.credential), None)
        value["sources"] = [
            {"name": line.name, "found": line.credential is not None, "won": line is winner, "why": line.why} for line in sources
        ]
    answer(value)
    return 0 if credential is not None else 3

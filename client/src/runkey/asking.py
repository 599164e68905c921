"""Asks a person: for the server, for a key. Several processes of one job ask once: one holds the lock, the rest take over what it got."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from runkey import api
from runkey.credentials.locking import locked
from runkey.credentials.model import Credential, Secret
from runkey.errors import AuthenticationError, Error, NotLoggedIn, UsageError
from runkey.settings import normalise_host
from runkey.terminal import Invitation, Terminal, TimedOut
from runkey_wire import api_key
from runkey_wire.device_authorization import ANONYMOUS_SUPPORTED

if TYPE_CHECKING:
    from runkey.authentication import Login

BROWSE = "Log in with your browser"
PASTE = "Paste an API key"
TRY = "Try it without an account: a private dashboard, which you can claim later"
KEEP = "Keep it on this machine for now: offline, to be sent later with `runkey sync`"


def ask_for_key(steps: "Login", host: str) -> bool:
    """Ask until a key is taken, or time is over. Raises NotLoggedIn at the end of input, AuthenticationError when the person says no."""
    before = _stored_key(steps, host)
    with _one_asks(steps):
        after = _stored_key(steps, host)
        if after is not None and after != before and steps.adopt_stored(host):
            return True
        steps.prove(host)
        ways: dict[str, Callable[[Login, str], bool]] = {BROWSE: _browse, PASTE: _paste}
        if _may_try(steps, host):
            ways[TRY] = _try
        if not steps.settings.force and not steps.is_command:
            ways[KEEP] = _keep_here
        try:
            if steps.terminal.is_notebook:
                return _browse(steps, host)
            steps.terminal.say(f"Logging in to {host}.")
            chosen = steps.terminal.choose(list(ways), steps.remaining())
            return list(ways.values())[chosen](steps, host)
        except TimedOut:
            return steps.time_is_over()
        except EOFError:
            raise NotLoggedIn("The input ended before a key was given. Nothing was stored.") from None


def ask_for_host(terminal: Terminal, offered: str | None, remaining: Callable[[], float | None]) -> str:
    """Ask for the server's address; Enter takes the offered one. Raises NotLoggedIn when nobody answers."""
    question = f"Server [{offered}]: " if offered else "Server (for example https://track.example.org): "
    while True:
        try:
            answer = terminal.ask(question, remaining()).strip() or offered or ""
        except (TimedOut, EOFError):
            raise NotLoggedIn("Nobody named a server. Name it with host= or --host, or set RUNKEY_HOST.") from None
        try:
            if answer:
                return normalise_host(answer)
            terminal.say("Type the address of the server that the data goes to, or leave with Ctrl-C.")
        except UsageError as error:
            terminal.say(str(error))


def start_anonymously(steps: "Login", host: str) -> None:
    """Have an account without a name made, and log in to it. Raises ForbiddenError where the server does not let everybody."""
    steps.prove(host)
    place = steps.choose_store()
    made = api.create_anonymous_account(host)
    credential = Credential(
        host,
        Secret(str(made["apiKey"]["name"])),
        "this process",
        account=made["entity"]["name"],
        server_id=steps.session.proved.get(host),
        profile=steps.settings.profile,
        key_id=made["apiKey"].get("id"),
        kind="anonymous",
        expires=made["anonymousUntil"],
    )
    steps.take_anonymous(credential, place, f"Whoever has this link sees what you log: {made['dashboardUrl']}")


def _may_try(steps: "Login", host: str) -> bool:
    """Whether to offer an account without a name: not where a program insists, or the word was "never", or one account was named."""
    if steps.settings.anonymous == "never" or steps.settings.expect_user or (steps.settings.force and not steps.is_command):
        return False
    # slow import: what only asking needs
    from runkey.oauth import endpoints

    return endpoints.read_metadata(host).get(ANONYMOUS_SUPPORTED) is True


def _try(steps: "Login", host: str) -> bool:
    start_anonymously(steps, host)
    return True


def _keep_here(steps: "Login", _: str) -> bool:
    steps.update_session(None)
    return False


def _browse(steps: "Login", host: str) -> bool:
    # slow import: what only a login through a browser needs
    from runkey.oauth import browser
    from runkey.oauth.joining import RENEWALS, Joining, describe_this_machine

    place = steps.choose_store()
    shown: list[Invitation] = []

    def invite(address: str, code: str, is_opened: bool) -> Invitation:
        if shown:
            shown[0].note("That code has expired; here is another.")
        shown[:] = [steps.terminal.invite(address, code, is_opened)]
        return shown[0]

    joining = Joining(
        host,
        describe_this_machine(steps.machine_id_for(host)),
        clock=steps.clock,
        remaining=steps.remaining,
        invite=invite,
        opener=browser.find_opener(steps.environment) if steps.settings.browser and not steps.terminal.is_notebook else None,
        # A notebook that runs by itself, from beginning to end, waits for one code's life and no longer.
        renewals=RENEWALS if steps.terminal.can_type else 0,
    )
    joined = joining.wait()
    shown[0].replace(f"This machine was let in to the account {joined.account} on {host}.")
    steps.join(joined, host, place)
    return True


def _paste(steps: "Login", host: str) -> bool:
    steps.terminal.say(f"Make a key in your browser: {host}/authorize")
    with steps.terminal.hiding():
        return _paste_until_taken(steps)


def _paste_until_taken(steps: "Login") -> bool:
    while True:
        key = steps.terminal.ask_hidden("Paste the API key (it is not shown) and press Enter: ", steps.remaining()).strip()
        if not key:
            steps.terminal.say("Nothing was pasted. Try again, or leave with Ctrl-C.")
            continue
        fault = api_key.fault_of(key)
        if fault:
            steps.terminal.say(f"The key {fault}. Copy it again.")
            continue
        steps.terminal.say(api_key.summary_of(key))
        try:
            steps.configure_api_key(key)
        except AuthenticationError as refusal:
            steps.terminal.say(f"{refusal} Try another.")
            continue
        return True


@contextlib.contextmanager
def _one_asks(steps: "Login") -> Iterator[None]:
    """Let one process ask. Where no lock can be made (a read-only home), each asks for itself."""
    folder = steps.store.folder
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            stack.enter_context(locked(os.path.join(folder, ".asking.lock")))
        yield


def _stored_key(steps: "Login", host: str) -> str | None:
    try:
        found = steps.store.find(profile=steps.settings.profile, host=host)
    except Error:
        return None
    return None if found is None else found.secret.reveal()

"""One wait, two ways, the first to finish wins; the other is cancelled on the server.

A thread asks with the device code, each request held until somebody decides; the redirect comes to a listener of its own. Only this
thread speaks to the person, so that Ctrl-C leaves at once.
"""

import contextlib
import getpass
import platform
import queue
import threading
from collections.abc import Callable

from runkey.clock import Clock
from runkey.credentials.model import Secret
from runkey.errors import AuthenticationError, Error
from runkey.machine import machine_name
from runkey.oauth import browser, endpoints
from runkey.oauth.device_flow import Denied, DeviceFlow, Expired
from runkey.oauth.endpoints import Joined, Refusal
from runkey.oauth.loopback import Answer, Loopback
from runkey.settings import is_loopback
from runkey.terminal import Invitation, TimedOut
from runkey_wire import device_authorization as wire

RENEWALS = 2
"""How often an expired code is replaced by a new one before giving up: half an hour in all."""

_CANCEL_SECONDS = 2.0

Outcome = Joined | Answer | Exception


def describe_this_machine(machine_id: str | None) -> dict[str, str]:
    """Say what the person who approves is shown: parameters of both endpoints."""
    try:
        os_user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id without a name, as containers have
        os_user = ""
    told = {
        wire.MACHINE_NAME: machine_name(),
        wire.OS_USER: os_user,
        wire.SYSTEM: f"{platform.system()} {platform.release()} {platform.machine()}",
        wire.MACHINE_ID: machine_id or "",
    }
    return {name: value for name, value in told.items() if value}


class Joining:
    """One login through a browser."""

    def __init__(
        self,
        host: str,
        asking: dict[str, str],
        *,
        clock: Clock,
        remaining: Callable[[], float | None],
        invite: Callable[[str, str, bool], Invitation],
        opener: list[str] | None,
        renewals: int = RENEWALS,
    ) -> None:
        """asking: what the machine tells of itself. invite: shows an address and a code. opener: how to open a browser, if one can be."""
        self._host = host
        self._asking = asking
        self._clock = clock
        self._remaining = remaining
        self._invite = invite
        self._opener = opener
        self._renewals = renewals
        self._is_over = threading.Event()
        self._ending = threading.Lock()
        self._loopback: Loopback | None = None

    def wait(self, take: Callable[[Joined], None]) -> None:
        """Wait for somebody's click, and have the key taken. take: raises whatever keeps it from being taken, which then comes from here.

        Raises AuthenticationError when they say no, or nobody decides in time; TimedOut when this login's own time is over; ServerError,
        ConnectionFailed.
        """
        for turn in range(self._renewals + 1):
            try:
                self._wait_for_one_code(take, is_first=turn == 0)
                return
            except Expired:
                continue
            except Denied:
                raise AuthenticationError(
                    f"The person at the browser said no to this machine on {self._host}. Nothing was stored."
                ) from None
        raise AuthenticationError("Nobody approved this machine before its codes expired. Nothing was stored. Start the login again.")

    def _wait_for_one_code(self, take: Callable[[Joined], None], *, is_first: bool) -> None:
        outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._is_over = is_over = threading.Event()
        flow = self._ask()
        invitation: Invitation | None = None
        try:
            address = self._start_loopback(outcomes) if is_first and self._opener else None
            invitation = self._invite(flow.uri_with_code, flow.user_code, address is not None)
            if address and self._opener and not browser.open_address(self._opener, address):
                invitation.note("No browser could be started: open the address yourself.")
            threading.Thread(target=self._poll, args=(flow, outcomes, is_over), daemon=True, name="runkey-login-poll").start()
            joined = self._first(flow, outcomes, invitation)
            invitation.replace(f"This machine was let in to the account {joined.account} on {self._host}.")
            take(joined)
        except BaseException:
            # A key that is just being given is ended with its code.
            self._end(outcomes)
            if self._loopback is not None:
                self._loopback.close()
            self._cancel_device_code(flow)
            if invitation is not None:
                invitation.withdraw()
            raise
        self._end(outcomes)
        if self._loopback is not None:
            self._loopback.close()

    def _ask(self) -> DeviceFlow:
        answer = endpoints.ask_for_codes(self._host, self._asking, timeout_seconds=self._network_seconds())
        return DeviceFlow(answer, self._clock.monotonic())

    def _start_loopback(self, outcomes: "queue.SimpleQueue[Outcome]") -> str | None:
        """Listen for the redirect and give the address to open; None where that cannot be, for the other way goes on alone."""
        issuer = str(endpoints.read_metadata(self._host, timeout_seconds=self._network_seconds()).get("issuer") or "")
        if issuer != self._host and not (is_loopback(issuer) and is_loopback(self._host)):
            return None
        with contextlib.suppress(OSError):
            self._loopback = Loopback(self._host, issuer, outcomes.put)
            return self._loopback.authorization_url(self._asking)
        return None

    def _network_seconds(self) -> float:
        remaining = self._remaining()
        return endpoints.SECONDS if remaining is None else min(endpoints.SECONDS, max(remaining, 0.01))

    def _first(self, flow: DeviceFlow, outcomes: "queue.SimpleQueue[Outcome]", invitation: Invitation) -> Joined:
        """Wait for the first way that leads to an end."""
        while True:
            remaining = self._remaining()
            try:
                # Never without an end: only so does Windows let Ctrl-C through.
                outcome = outcomes.get(timeout=1.0 if remaining is None else min(1.0, remaining))
            except queue.Empty:
                if remaining is not None and remaining <= 0:
                    raise TimedOut from None
                continue
            if isinstance(outcome, Joined):
                return outcome
            if isinstance(outcome, Exception):
                raise outcome
            if outcome.error == "access_denied":
                raise Denied
            if outcome.code and self._loopback is not None:
                try:
                    joined = self._redeem(outcome.code, self._loopback)
                except (Refusal, Error) as failure:
                    # The device code still waits.
                    why = failure.code if isinstance(failure, Refusal) else str(failure)
                    invitation.note(f"What the browser brought back was not taken ({why}). Open this address instead: {flow.uri_with_code}")
                    continue
                self._cancel_device_code(flow)
                return joined

    def _redeem(self, code: str, loopback: Loopback) -> Joined:
        """Change what the redirect brought for the key.

        Where the answer is lost it is asked for again: had the first request got through, the second ends the key that it gave (RFC 6749
        section 4.1.2), and none is left that nobody holds.
        """

        def redeem(seconds: float) -> Joined:
            return endpoints.redeem_code(self._host, code, loopback.redirect_uri, loopback.verifier, timeout_seconds=seconds)

        try:
            return redeem(self._network_seconds())
        except Refusal:
            raise
        except Error:
            return redeem(self._network_seconds())
        except BaseException:
            # A key that is just being given is ended with its code.
            self._end_on_server(Secret(code))
            raise

    def _poll(self, flow: DeviceFlow, outcomes: "queue.SimpleQueue[Outcome]", is_over: threading.Event) -> None:
        """Ask until an end is reached; in a thread of its own."""
        while not is_over.is_set():
            try:
                joined = endpoints.redeem_device_code(self._host, flow.device_code, hold=flow.holds)
            except Exception as error:
                try:
                    pause = flow.pause_after(error)
                except Exception as end:
                    outcomes.put(end)
                    return
                if self._clock.monotonic() > flow.ends_at:
                    outcomes.put(Expired())
                    return
                is_over.wait(pause)
                continue
            with self._ending:
                if not is_over.is_set():
                    outcomes.put(joined)
                    return
            self._drop(joined)
            return

    def _end(self, outcomes: "queue.SimpleQueue[Outcome]") -> None:
        """Let no other way come to an end any more; one that just has is undone."""
        with self._ending:
            self._is_over.set()
        with contextlib.suppress(queue.Empty):
            while True:
                late = outcomes.get_nowait()
                if isinstance(late, Joined):
                    self._drop(late)

    def _drop(self, joined: Joined) -> None:
        """End a key that nobody will hold: the other way was first, or the person left."""
        self._end_on_server(joined.secret)

    def _cancel_device_code(self, flow: DeviceFlow) -> None:
        self._end_on_server(flow.device_code)

    def _end_on_server(self, token: Secret) -> None:
        """End a key; or a code, and the key that it may have given a moment ago."""
        with contextlib.suppress(Error):
            endpoints.revoke(self._host, token, timeout_seconds=_CANCEL_SECONDS)

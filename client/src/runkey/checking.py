"""What the steps of a login share: how much time is left, which server, whether it is the right one, and whose key it is."""

from runkey import api, asking, leaving
from runkey.clock import Clock, SystemClock, as_text
from runkey.credentials.finding import Finder
from runkey.credentials.model import Credential
from runkey.credentials.store import CredentialStore
from runkey.errors import AuthenticationError, ConnectionFailed, ForbiddenError, ServerError, UsageError
from runkey.session import Backend, process
from runkey.settings import DEFAULT_HOST, Environment, Settings, is_plain_http_elsewhere
from runkey.terminal import Terminal

CHECKED_SECONDS = 60.0
"""How long a key that the server took counts as checked: calling login() again costs no request within it."""


class Ground:
    """What one login stands on. It can be handed in; by default it is the process's own."""

    settings: Settings
    store: CredentialStore
    finder: Finder

    def __init__(
        self,
        *,
        environment: Environment | None = None,
        terminal: Terminal | None = None,
        clock: Clock | None = None,
        is_command: bool = False,
    ) -> None:
        """is_command: `runkey login`, which alone may change which server is the default."""
        self.environment = environment or Environment()
        self.terminal = terminal or Terminal()
        self.clock = clock or SystemClock()
        self.session = process
        self.is_command = is_command
        self.host: str | None = None
        self.credential: Credential | None = None
        self.failure: str | None = None
        self._backend: Backend | None = None
        self._silent: bool | None = None
        self._deadline: float | None = None

    def remaining(self) -> float | None:
        """Seconds until this login's time is over; None when it has all the time there is."""
        return None if self._deadline is None else max(0.0, self._deadline - self.clock.monotonic())

    def network_seconds(self) -> float:
        """Seconds that one question to the server may take: what is left of this login, and never long."""
        remaining = self.remaining()
        return api.VIEWER_SECONDS if remaining is None else min(api.VIEWER_SECONDS, max(remaining, 0.01))

    def resolve_host(self) -> str | None:
        """Find out which server is meant; None when nobody said."""
        if not self.settings.is_host_argument and self.session.current is not None and not self.settings.profile:
            # What this process logged in to, by name or by answering, wins over the environment and the files.
            self.host = self.session.current.host
        if self.host is None:
            found = self.finder.find_host()
            self.host = found[0] if found else None
        return self.host

    def need_host(self) -> str:
        """Find out which server is meant, asking if need be. Raises UsageError when nobody says."""
        host = self.resolve_host()
        if host is None:
            host = self._ask_for_host()
        self._warn_of_plain_http(host)
        self.host = host
        return host

    def _ask_for_host(self) -> str:
        local = api.is_runkey_server(DEFAULT_HOST)
        if not self.terminal.has_person:
            hint = f" A runkey server answers at {DEFAULT_HOST}." if local else ""
            raise UsageError(f"Which server? Name it with host= or --host, or set RUNKEY_HOST.{hint}")
        return asking.ask_for_host(self.terminal, DEFAULT_HOST if local else None, self.remaining)

    def _warn_of_plain_http(self, host: str) -> None:
        if is_plain_http_elsewhere(host) and self.store.entry_of(host) is None:
            self.warn_once(f"{host} is not encrypted: everybody on the way can read the key. Prefer https.")

    def check(self, credential: Credential) -> None:
        """Ask the server about a key that is configured, unless that was done a moment ago. No answer is no refusal."""
        place = (credential.host, credential.secret.reveal()[-8:])
        checked = self.session.checked_at.get(place)
        if checked is not None and self.clock.monotonic() - checked < CHECKED_SECONDS:
            return
        try:
            self.credential = self.verified(credential)
        except (ConnectionFailed, ServerError) as failure:
            self.failure = str(failure)
            # It did not prove itself yet: whoever sends the key first asks it to, and which server is expected stands here.
            self.credential = credential.replaced(server_id=credential.server_id or self._expected_server(credential.host))

    def verified(self, credential: Credential) -> Credential:
        """Have the server prove who it is, and say whose key this is."""
        host = credential.host
        try:
            server_id = self.prove(credential.host)
            found = api.viewer(credential, timeout_seconds=self.network_seconds())
        except ForbiddenError as error:
            raise AuthenticationError(str(error)) from None
        except ConnectionFailed as failure:
            raise ConnectionFailed(f"{failure} What was stored stays as it was.", failure.layer) from None
        self.session.checked_at[(host, credential.secret.reveal()[-8:])] = self.clock.monotonic()
        key = found.get("currentApiKey") or {}
        return credential.replaced(
            account=found.get("username"),
            server_id=server_id,
            key_id=key.get("id"),
            kind=key.get("kind"),
            created=key.get("createdAt") or credential.created,
            expires=key.get("expiresAt"),
            checked=self.now(),
            claimed=found.get("claimedEntities") or None,
        )

    def prove(self, host: str) -> str:
        """Have the server prove, once a process, that it is the one that was logged in to; give its id. Raises as `api.prove` does.

        Logging in anew (`relogin`) is how a person accepts that a server was set up anew under its old address.
        """
        is_first = host not in self.session.proved
        expected = None if self.settings.relogin else self._expected_server(host)
        server_id = api.prove_once(host, expected, timeout_seconds=min(api.PROOF_SECONDS, self.network_seconds()))
        if is_first:
            leaving.pay_debts(self.store, host, server_id)
        return server_id

    def _expected_server(self, host: str) -> str | None:
        return (self.store.entry_of(host) or {}).get("server_id")

    def refuse_unexpected(self, credential: Credential) -> None:
        """Raise AuthenticationError for another account than the one that was named, or one that nobody could check."""
        expected = self.settings.expect_user
        if expected is None or credential.account == expected:
            return
        found = f"this is the account {credential.account}" if credential.account else "whose key this is was not checked"
        raise AuthenticationError(f"The account {expected} was expected, but {found}. Nothing was stored.")

    def now(self) -> str:
        """Give the present moment as it is kept."""
        return as_text(self.clock.now())

    def is_silent(self) -> bool:
        """Whether only warnings and errors are to be said."""
        return self.environment.silent if self._silent is None else self._silent

    def say_once(self, text: str) -> None:
        """Say something, unless it was said in this process."""
        if text not in self.session.said and not self.is_silent():
            self.session.said.add(text)
            self.terminal.say(text)

    def warn_once(self, text: str) -> None:
        """Warn of something, unless that was done in this process."""
        if text not in self.session.said:
            self.session.said.add(text)
            self.terminal.warn(text)

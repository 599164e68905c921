"""login(): authenticate this machine to log data to your account; logout().

`Login` has one method a step, and `login()` takes them in this order: `setup`, `login` (with `is_apikey_configured` and `login_display`),
`configure_api_key` or `prompt_api_key`, `update_session`, `propagate_login`. The signature's first five arguments stand in W&B's order of
2021.
"""

from typing import TYPE_CHECKING, Any

from runkey import api, asking, keeping
from runkey.clock import Clock, SystemClock, as_text
from runkey.credentials.finding import Finder
from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore
from runkey.errors import AuthenticationError, ConnectionFailed, ForbiddenError, NotLoggedIn, ServerError, UsageError
from runkey.machine import machine_name
from runkey.session import Backend, process
from runkey.settings import DEFAULT_HOST, Environment, Settings, is_plain_http_elsewhere, normalise_host
from runkey.terminal import Terminal
from runkey_wire import api_key

if TYPE_CHECKING:
    from runkey.oauth.endpoints import Joined

CHECKED_SECONDS = 60.0
"""How long a key that the server took counts as checked: calling login() again costs no request within it."""

HOW_TO_GET_A_KEY = "A key is made on the server's page /authorize, or by: runkey-server key create --user NAME"


def login(
    anonymous: str | None = None,
    key: str | None = None,
    relogin: bool | None = None,
    host: str | None = None,
    force: bool | None = None,
    *,
    timeout: float | None = None,
    verify: bool = True,
    store: str | None = None,
    profile: str | None = None,
) -> bool:
    """Authenticate this machine to log data to your account.

    anonymous: "must", "allow" or "never". key: the authentication key. relogin: ask again although logged in. host: the server.
    force: insist, and never go offline instead. timeout: seconds for the whole wait, typing included; None waits for a person.
    verify: ask the server whether the key is good before it is stored. store: "file", "keyring", "netrc" or "session". profile: its name.

    Returns whether a key is configured. Raises UsageError when none can be and there is nobody to ask, AuthenticationError when the server
    refuses the key, WrongServer, ConnectionFailed, CannotStore.
    """
    return take_steps(
        Login(),
        {
            "anonymous": anonymous,
            "key": key,
            "relogin": relogin,
            "host": host,
            "force": force,
            "timeout": timeout,
            "verify": verify,
            "store": store,
            "profile": profile,
        },
    )


def take_steps(steps: "Login", kwargs: dict[str, Any]) -> bool:
    """Take the steps of a login in order; the one way in which `login()`, `runkey login` and `init()` log in."""
    steps.setup(kwargs)
    if not steps.is_online():
        return False
    settings = steps.settings
    if settings.key is None:
        if steps.login():
            return True
        if not steps.prompt_api_key():
            return False
    else:
        steps.configure_api_key(settings.key)
    steps.propagate_login()
    steps.login_display()
    return True


def current_credential(host: str | None = None) -> Credential | None:
    """Give the credential that this process would send with now; None when it has not logged in and nothing is stored."""
    environment = Environment()
    finder = Finder(environment, CredentialStore(environment.config_folder), process, Terminal().warn)
    if host is None:
        if process.current is not None:
            return process.current
        found = (environment.host, "") if environment.host else finder.find_host()
        if found is None:
            return None
        host = normalise_host(found[0])
    return finder.find(host)


class Login:
    """The steps of one login. What it works with can be handed in; by default it is the process's own."""

    settings: Settings

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

    # --- the steps -----------------------------------------------------------------------------------------------------

    def setup(self, kwargs: dict[str, Any]) -> None:
        """Settle settings: arguments over environment over files. Raises UsageError for what cannot be meant."""
        kwargs = dict(kwargs)
        word = kwargs.get("anonymous")
        if word and kwargs.get("key") is None and api_key.looks_like_key(str(word)):
            # Today's W&B has the key first.
            self.terminal.warn("login() takes anonymous first; what looked like a key there is taken as the key. Write key=… instead.")
            kwargs |= {"anonymous": None, "key": word}
        self.settings = Settings(self.environment, **kwargs)
        self.store = CredentialStore(self.environment.config_folder)
        keeping.check_store(self.settings.store)
        self.finder = Finder(self.environment, self.store, self.session, self.terminal.warn, profile=self.settings.profile)
        if self.settings.timeout is not None:
            self._deadline = self.clock.monotonic() + self.settings.timeout
        self.host = self.settings.host

    def is_online(self) -> bool:
        """Whether the mode lets anything be sent; says so once when it does not."""
        mode = self.environment.mode
        if mode == "online" and not (self.session.is_offline and not self.settings.force and not self.settings.relogin):
            return True
        if mode == "online":
            mode = "offline"
        self._say_once(f"The mode is {mode}: nothing is asked, sent or stored.")
        return False

    def is_apikey_configured(self) -> bool:
        """Whether a source has a key for the server. Raises UsageError for an explicit source that is broken."""
        host = self._resolve_host()
        if host is None:
            self.credential = None
        elif self.settings.anonymous == "must":
            # This host's stored account without a name, and nothing else.
            self.credential = next((found for found in self.store.find_all(host) if found.is_anonymous), None)
        else:
            self.credential = self.finder.find(host)
        return self.credential is not None

    def set_backend(self, backend: Backend | None) -> None:
        """Name something in progress that is to hear of the new credential."""
        self._backend = backend

    def set_silent(self, silent: bool | None) -> None:
        """Say nothing but warnings and errors."""
        self._silent = silent

    def login(self) -> bool:
        """Whether this machine is logged in already, and need not be again.

        A stored key that the server proves bad: with a person there, says so and gives False; without, raises AuthenticationError.
        """
        configured = self.is_apikey_configured()
        if not configured or self.settings.relogin:
            return False
        assert self.credential is not None
        if self.is_command and self.credential.is_anonymous and self.settings.anonymous is None and self.terminal.has_person:
            # Somebody who types `runkey login` wants to be logged in under a name.
            return False
        try:
            self._check(self.credential)
        except AuthenticationError as refusal:
            if self.settings.anonymous == "must":
                # It was claimed, or its time is over: another one is made.
                return False
            if not self.terminal.has_person:
                raise
            self.terminal.say(str(refusal))
            return False
        self._refuse_unexpected(self.credential)
        self.session.hold(self.credential)
        self.propagate_login()
        self.login_display()
        return True

    def login_display(self) -> None:
        """Say who is logged in, where, as which machine, from which source; once a process for each such line."""
        if self.credential is None or self._is_silent():
            return
        seen = self.credential
        place = f"on {seen.host}, machine {machine_name()}, key from {seen.source}"
        if self.failure:
            self._say_once(f"A key is configured, but not checked: {self.failure} It is for {seen.account or 'an account'} {place}.")
        elif not seen.account:
            self._say_once(f"A key is stored, not yet checked, {place}.")
        elif seen.is_anonymous:
            until = f", until {seen.expires[:10]}" if seen.expires else ""
            self._say_once(f"Logging without an account, as {seen.account} on {seen.host}{until}. Make it yours: runkey claim")
        else:
            self._say_once(f"Logged in as {seen.account} {place}. Use `runkey login --relogin` to change.")

    def configure_api_key(self, key: str) -> None:
        """Take a key: its shape, then the server, then the store, in that order; one that fails a step changes nothing.

        Raises UsageError for its shape, AuthenticationError for its refusal, WrongServer, ConnectionFailed, CannotStore.
        """
        key = key.strip()
        fault = api_key.fault_of(key)
        if fault:
            raise UsageError(f"The key {fault}. Nothing was sent or stored.")
        self._refuse_contradiction(key)
        if self.terminal.is_notebook and self.settings.key is not None and not self._is_silent():
            self._say_once("A key in a notebook goes wherever the notebook goes. Prefer RUNKEY_API_KEY, or `runkey login` in a terminal.")
        host = self._need_host()
        credential = Credential(host, Secret(key), "this process", profile=self.settings.profile, created=self._now())
        # Tried before the server is asked: a key that cannot be kept is not worth a question.
        place = self.choose_store()
        if self.settings.verify:
            credential = self.verified(credential)
        self._refuse_unexpected(credential)
        self.credential = keeping.keep(credential, place, self.store, self.environment, self.terminal, is_command=self.is_command)
        self.update_session(key)

    def update_session(self, key: str | None) -> None:
        """Let every later use in this process see the credential; None takes this process offline."""
        if key is None:
            self.session.is_offline = True
            return
        if self.credential is None or self.credential.secret.reveal() != key:
            self.credential = self.verified(Credential(self._need_host(), Secret(key), "this process"))
        variable = self.environment.get("RUNKEY_API_KEY")
        if variable and variable != key:
            self.terminal.warn("RUNKEY_API_KEY is set to another key: this process uses the new one, other processes still that.")
        self.session.hold(self.credential)

    def prompt_api_key(self) -> bool:
        """Ask a person for a key until one is taken; False when time ran out and this process went offline.

        Where an account without a name is asked for, or allowed, makes one without asking. Raises NotLoggedIn when nobody can be asked,
        and when `force` insists; ForbiddenError when the server makes no such accounts.
        """
        if self.settings.anonymous in ("must", "allow"):
            asking.start_anonymously(self, self._need_host())
            return True
        if not self.terminal.has_person:
            where = f" for {self.host}" if self.host else ""
            raise NotLoggedIn(
                f"No key is configured{where}, and there is nobody to ask (no terminal). Set RUNKEY_API_KEY, or run `runkey login` where "
                f"there is one. {HOW_TO_GET_A_KEY}"
            )
        host = self._need_host()
        return asking.ask_for_key(self, host)

    def join(self, joined: "Joined", host: str, place: str) -> None:
        """Take the key that a click in a browser gave to this machine. Raises AuthenticationError when another account was expected."""
        self.credential = Credential(
            host,
            joined.secret,
            "this process",
            account=joined.account,
            server_id=self.session.proved.get(host),
            profile=self.settings.profile,
            key_id=joined.key_id,
            kind="machine",
            machine_id=joined.machine_id,
            created=self._now(),
            expires=as_text(self.clock.now() + joined.expires_in) if joined.expires_in else None,
            checked=self._now(),
        )
        try:
            self._refuse_unexpected(self.credential)
        except AuthenticationError:
            keeping.end_unwanted(self.credential)
            raise
        self._take(self.credential, place, f"This machine was let in to the account {joined.account}.")

    def take_anonymous(self, credential: Credential, place: str, said: str) -> None:
        """Take the key of an account without a name."""
        self._take(credential, place, said)

    def _take(self, credential: Credential, place: str, said: str) -> None:
        # Said before anything is sent, so that somebody who was tricked into another's account can stop here.
        if not self._is_silent():
            self.terminal.say(said)
        secret = credential.secret.reveal()
        self.session.checked_at[(credential.host, secret[-8:])] = self.clock.monotonic()
        self.credential = keeping.keep(credential, place, self.store, self.environment, self.terminal, is_command=self.is_command)
        self.update_session(secret)

    def propagate_login(self) -> None:
        """Hand the credential to what is in progress on the same server and account: a run sends what it held back. No other is touched."""
        if self.credential is None:
            return
        backends = [self._backend] if self._backend is not None else []
        for backend in [*backends, *self.session.backends]:
            if backend.host != self.credential.host:
                continue
            if backend.account is None or self.credential.stands_for(backend.account):
                backend.adopt(self.credential)
            else:
                self.terminal.warn(
                    f"A run in progress belongs to {backend.account} and does not take over the key of {self.credential.account}."
                )

    # The name as W&B's page spells it.
    propogate_login = propagate_login

    # --- what the steps share ------------------------------------------------------------------------------------------

    def remaining(self) -> float | None:
        """Seconds until this login's time is over; None when it has all the time there is."""
        return None if self._deadline is None else max(0.0, self._deadline - self.clock.monotonic())

    def adopt_stored(self, host: str) -> bool:
        """Take over what another process stored meanwhile."""
        found = self.store.find(profile=self.settings.profile, host=host)
        if found is None:
            return False
        self.credential = found
        self.session.hold(found)
        return True

    def choose_store(self) -> str:
        """Decide where the key will be kept, and try whether that can be. Raises CannotStore."""
        return keeping.choose_store(self.settings.store, self.store, self.environment, self.terminal)

    def machine_id_for(self, host: str) -> str | None:
        """Give the id that the server knows the entry by which this login will replace; None for a new one."""
        return self.store.machine_id(host, self.settings.profile)

    def time_is_over(self) -> bool:
        """Act on a time-out while a person was awaited: go offline and give False; raises NotLoggedIn when `force` insists."""
        if self.settings.force or self.is_command:
            raise NotLoggedIn(f"Nobody answered within {self.settings.timeout:g} seconds. Nothing was stored.")
        self.terminal.warn(f"Nobody answered within {self.settings.timeout:g} seconds: this process goes on offline, nothing is sent.")
        self.update_session(None)
        return False

    def _resolve_host(self) -> str | None:
        if not self.settings.is_host_argument and self.session.current is not None and not self.settings.profile:
            # What this process logged in to, by name or by answering, wins over the environment and the files.
            self.host = self.session.current.host
        if self.host is None:
            found = self.finder.find_host()
            self.host = found[0] if found else None
        return self.host

    def _need_host(self) -> str:
        host = self._resolve_host()
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
            self._warn_once(f"{host} is not encrypted: everybody on the way can read the key. Prefer https.")

    def _refuse_contradiction(self, key: str) -> None:
        variable = self.environment.get("RUNKEY_API_KEY")
        if self.settings.key is not None and variable and variable != key and not self.settings.relogin:
            raise UsageError(
                "Two keys were given and they differ: one here, one in RUNKEY_API_KEY. Unset RUNKEY_API_KEY, or insist with relogin "
                "(--relogin)."
            )

    def _check(self, credential: Credential) -> None:
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
            if self.remaining() == 0.0:
                raise ConnectionFailed(f"{failure} The time given for logging in is over. Nothing was changed.", "timeout") from None
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
            checked=self._now(),
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
            keeping.pay_debts(self.store, host, server_id)
        return server_id

    def _expected_server(self, host: str) -> str | None:
        return (self.store.entry_of(host) or {}).get("server_id")

    def _refuse_unexpected(self, credential: Credential) -> None:
        """Raise AuthenticationError for another account than the one that was named, or one that nobody could check."""
        expected = self.settings.expect_user
        if expected is None or credential.account == expected:
            return
        found = f"this is the account {credential.account}" if credential.account else "whose key this is was not checked"
        raise AuthenticationError(f"The account {expected} was expected, but {found}. Nothing was stored.")

    def network_seconds(self) -> float:
        """Seconds that one question to the server may take: what is left of this login, and never long."""
        remaining = self.remaining()
        return api.VIEWER_SECONDS if remaining is None else min(api.VIEWER_SECONDS, max(remaining, 0.01))

    def _now(self) -> str:
        return as_text(self.clock.now())

    def _is_silent(self) -> bool:
        return self.environment.silent if self._silent is None else self._silent

    def _say_once(self, text: str) -> None:
        if text not in self.session.said and not self._is_silent():
            self.session.said.add(text)
            self.terminal.say(text)

    def _warn_once(self, text: str) -> None:
        if text not in self.session.said:
            self.session.said.add(text)
            self.terminal.warn(text)


def logout(host: str | None = None, *, profile: str | None = None) -> bool:
    """Revoke this machine's key on the server and forget it here; whether there was one.

    Without a network the local half succeeds, and a warning says that the server's is still owed.
    """
    environment = Environment()
    store = CredentialStore(environment.config_folder)
    wanted = normalise_host(host) if host else None
    credential = store.find(profile=profile or (None if wanted else store.default_profile()), host=wanted)
    if credential is None:
        return False
    outcome = keeping.end(credential, store, environment, process)
    if outcome:
        Terminal().warn(outcome)
    return True

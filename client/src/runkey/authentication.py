"""login(): authenticate this machine to log data to your account.

`Login` has one method a step, and `login()` takes them in this order: `setup`, `login` (with `is_apikey_configured` and `login_display`),
`configure_api_key` or `prompt_api_key`, `update_session`, `propagate_login`. The signature's first five arguments stand in W&B's order of
2021.
"""

from typing import TYPE_CHECKING, Any

from runkey import asking, keeping, leaving
from runkey.checking import Ground
from runkey.clock import as_text
from runkey.credentials.finding import Finder
from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore
from runkey.errors import AuthenticationError, ConnectionFailed, NotLoggedIn, UsageError
from runkey.machine import machine_name
from runkey.session import Backend, process
from runkey.settings import Environment, Settings, normalise_host
from runkey.terminal import Terminal, TimedOut
from runkey_wire import api_key

if TYPE_CHECKING:
    from runkey.oauth.endpoints import Joined

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
    try:
        return _take_steps(steps)
    except TimedOut:
        return steps.time_is_over()
    except ConnectionFailed as failure:
        if steps.remaining() != 0.0:
            raise
        return steps.time_is_over(failure)


def _take_steps(steps: "Login") -> bool:
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


class Login(Ground):
    """The steps of one login."""

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
        self.say_once(f"The mode is {mode}: nothing is asked, sent or stored.")
        return False

    def is_apikey_configured(self) -> bool:
        """Whether a source has a key for the server. Raises UsageError for an explicit source that is broken."""
        host = self.resolve_host()
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
            self.check(self.credential)
        except AuthenticationError as refusal:
            if self.settings.anonymous == "must":
                # It was claimed, or its time is over: another one is made.
                return False
            if not self.terminal.has_person:
                raise
            self.terminal.say(str(refusal))
            return False
        self.refuse_unexpected(self.credential)
        self.session.hold(self.credential)
        self.propagate_login()
        self.login_display()
        return True

    def login_display(self) -> None:
        """Say who is logged in, where, as which machine, from which source; once a process for each such line."""
        if self.credential is None or self.is_silent():
            return
        seen = self.credential
        place = f"on {seen.host}, machine {machine_name()}, key from {seen.source}"
        if self.failure:
            self.say_once(f"A key is configured, but not checked: {self.failure} It is for {seen.account or 'an account'} {place}.")
        elif not seen.account:
            self.say_once(f"A key is stored, not yet checked, {place}.")
        elif seen.is_anonymous:
            until = f", until {seen.expires[:10]}" if seen.expires else ""
            self.say_once(f"Logging without an account, as {seen.account} on {seen.host}{until}. Make it yours: runkey claim")
        else:
            self.say_once(f"Logged in as {seen.account} {place}. Use `runkey login --relogin` to change.")

    def configure_api_key(self, key: str) -> None:
        """Take a key: its shape, then the server, then the store, in that order; one that fails a step changes nothing.

        Raises UsageError for its shape, AuthenticationError for its refusal, WrongServer, ConnectionFailed, CannotStore.
        """
        key = key.strip()
        fault = api_key.fault_of(key)
        if fault:
            raise UsageError(f"The key {fault}. Nothing was sent or stored.")
        self._refuse_contradiction(key)
        if self.terminal.is_notebook and self.settings.key is not None and not self.is_silent():
            self.say_once("A key in a notebook goes wherever the notebook goes. Prefer RUNKEY_API_KEY, or `runkey login` in a terminal.")
        host = self.need_host()
        credential = Credential(host, Secret(key), "this process", profile=self.settings.profile, created=self.now())
        # Tried before the server is asked: a key that cannot be kept is not worth a question.
        place = self.choose_store()
        if self.settings.verify:
            credential = self.verified(credential)
        self.refuse_unexpected(credential)
        self.credential = keeping.keep(credential, place, self.store, self.environment, self.terminal, is_command=self.is_command)
        self.update_session(key)

    def update_session(self, key: str | None) -> None:
        """Let every later use in this process see the credential; None takes this process offline."""
        if key is None:
            self.session.is_offline = True
            return
        if self.credential is None or self.credential.secret.reveal() != key:
            self.credential = self.verified(Credential(self.need_host(), Secret(key), "this process"))
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
            asking.start_anonymously(self, self.need_host())
            return True
        if not self.terminal.has_person:
            where = f" for {self.host}" if self.host else ""
            raise NotLoggedIn(
                f"No key is configured{where}, and there is nobody to ask (no terminal). Set RUNKEY_API_KEY, or run `runkey login` where "
                f"there is one. {HOW_TO_GET_A_KEY}"
            )
        host = self.need_host()
        return asking.ask_for_key(self, host)

    def join(self, joined: "Joined", host: str, place: str) -> None:
        """Take the key that a click in a browser gave to this machine. Raises as `take` does."""
        credential = Credential(
            host,
            joined.secret,
            "this process",
            account=joined.account,
            server_id=self.session.proved.get(host),
            profile=self.settings.profile,
            key_id=joined.key_id,
            kind="machine",
            machine_id=joined.machine_id,
            created=self.now(),
            expires=as_text(self.clock.now() + joined.expires_in) if joined.expires_in else None,
            checked=self.now(),
        )
        self.take(credential, place, f"This machine was let in to the account {joined.account}.")

    def take(self, credential: Credential, place: str, said: str) -> None:
        """Take a key that was just given to this machine; one that cannot be kept is ended, for nobody will hold it.

        Raises AuthenticationError when another account was expected, CannotStore.
        """
        try:
            self.refuse_unexpected(credential)
            # Said before anything is sent, so that somebody who was tricked into another's account can stop here.
            if not self.is_silent():
                self.terminal.say(said)
            self.credential = keeping.keep(credential, place, self.store, self.environment, self.terminal, is_command=self.is_command)
        except BaseException:
            leaving.end_unwanted(credential)
            raise
        self.session.checked_at[(credential.host, credential.secret.reveal()[-8:])] = self.clock.monotonic()
        self.update_session(credential.secret.reveal())

    def adopt_stored(self, found: Credential) -> None:
        """Take over what another process stored meanwhile. Raises AuthenticationError when another account was expected."""
        self.refuse_unexpected(found)
        self.credential = found
        self.session.hold(found)

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

    def choose_store(self) -> str:
        """Decide where the key will be kept, and try whether that can be. Raises CannotStore."""
        return keeping.choose_store(self.settings.store, self.store, self.environment, self.terminal)

    def machine_id_for(self, host: str) -> str | None:
        """Give the id that the server knows the entry by which this login will replace; None for a new one."""
        return self.store.machine_id(host, self.settings.profile)

    def time_is_over(self, network: ConnectionFailed | None = None) -> bool:
        """Act on a time-out: go offline and give False. network: what was awaited, if that was no person.

        When `force` insists, raises NotLoggedIn, or ConnectionFailed with the layer "timeout".
        """
        within = f"within {self.settings.timeout:g} seconds"
        if self.settings.force or self.is_command:
            if network is not None:
                raise ConnectionFailed(f"{network} The time given for logging in is over. Nothing was changed.", "timeout")
            raise NotLoggedIn(f"Nobody answered {within}. Nothing was stored.")
        what = f"Logging in did not come to an end {within} ({network})" if network is not None else f"Nobody answered {within}"
        self.terminal.warn(f"{what}: this process goes on offline, nothing is sent.")
        self.update_session(None)
        return False

    def _refuse_contradiction(self, key: str) -> None:
        if self.settings.key is None or self.settings.relogin:
            return
        for name, held in self.finder.keys_in_environment().items():
            if held != key:
                raise UsageError(
                    f"Two keys were given and they differ: one here, one in {name}. Unset {name}, or insist with relogin (--relogin)."
                )

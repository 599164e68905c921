"""The sources of a credential in their order. First hit wins; the rest say why they lost.

Each source gives a credential, or None when it is not there, or raises when it is there and broken: a job with a damaged key must fail
loudly instead of logging to somebody else's account with the next one.
"""

import os
import stat
from collections.abc import Callable

from runkey.credentials import netrc
from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore, members_of, shown_path
from runkey.errors import UsageError
from runkey.session import Session
from runkey.settings import Environment, normalise_host
from runkey_wire import api_key

DIRECTORY_PROFILE = ".runkey"
_MAX_PROFILE_BYTES = 200


class Found:
    """One source and what it gave. credential None: why says why it does not count."""

    __slots__ = ("credential", "name", "why")

    def __init__(self, name: str, credential: Credential | None, why: str) -> None:
        """Hold one line of `status --explain`."""
        self.name = name
        self.credential = credential
        self.why = why


class Finder:
    """Looks for the credential of a host in every place, in order."""

    def __init__(
        self,
        environment: Environment,
        store: CredentialStore,
        session: Session,
        warn: Callable[[str], None],
        *,
        profile: str | None = None,
        folder: str | None = None,
    ) -> None:
        """folder: where to look for the directory's profile from; by default the current one."""
        self._environment = environment
        self._store = store
        self._session = session
        self._warn = warn
        self._profile = profile
        self._folder = folder

    def find_host(self) -> tuple[str, str] | None:
        """Give the host of the chosen profile, the directory's, or the default one, and its source; None before the first login."""
        if self._profile:
            host = self._store.host_of(self._profile)
            if host is None:
                raise UsageError(f"There is no profile {self._profile!r}. Log in to make it: runkey login --profile {self._profile}")
            return host, f"profile {self._profile}"
        directory = self.directory_profile()
        if directory:
            name, path = directory
            host = self._store.host_of(name)
            if host is None:
                raise UsageError(f"{path} names the profile {name!r}, which does not exist here. Log in, or remove the file.")
            return host, f"{path} (profile {name})"
        default = self._store.default_profile()
        host = self._store.host_of(default) if default else None
        return (host, f"default profile {default}") if host and default else None

    def find(self, host: str) -> Credential | None:
        """Give the first credential for a host; None when no source has one. Raises UsageError for an explicit source that is broken."""
        for source in self._sources():
            found = source(host)
            if found.credential is not None:
                return found.credential
        return None

    def explain(self, host: str) -> list[Found]:
        """Give every source with what it has, in order; a broken one says what is wrong with it."""
        lines = []
        for source in self._sources():
            try:
                lines.append(source(host))
            except UsageError as error:
                lines.append(Found(source.__name__.lstrip("_"), None, f"broken: {error}"))
        return lines

    def directory_profile(self) -> tuple[str, str] | None:
        """Give the profile that `.runkey` names and the file's path, searched from here up to the home folder or a mount's border.

        The file counts only when it belongs to the user: a checkout of somebody else's must not choose where one's data goes.
        """
        if not hasattr(os, "geteuid"):
            return None
        folder = os.path.abspath(self._folder or os.getcwd())
        home = os.path.abspath(self._environment.home)
        while True:
            path = os.path.join(folder, DIRECTORY_PROFILE)
            name = self._read_profile(path)
            if name:
                return name, shown_path(path)
            parent = os.path.dirname(folder)
            if folder in (home, parent) or os.path.ismount(folder):
                return None
            folder = parent

    def _read_profile(self, path: str) -> str | None:
        try:
            info = os.lstat(path)
            if not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid():
                return None
            with open(path, encoding="utf-8") as file:
                name = file.read(_MAX_PROFILE_BYTES).strip()
        except (OSError, UnicodeDecodeError):
            return None
        if api_key.looks_like_key(name):
            raise UsageError(f"{path} holds a key, where the name of a profile belongs. Take it out; a key may lie only in the store.")
        return name or None

    def _sources(self) -> list[Callable[[str], Found]]:
        return [
            self._this_process,
            self._runkey_api_key,
            self._runkey_api_key_file,
            self._wandb_api_key,
            self._profiles,
            self._netrc,
        ]

    def _this_process(self, host: str) -> Found:
        held = self._session.credentials.get(host)
        return Found("this process", held, "logged in here" if held else "it has not logged in yet")

    def _runkey_api_key(self, host: str) -> Found:
        found = self._from_variable(host, "RUNKEY_API_KEY")
        if found.credential is not None and self._key_in_file() not in (None, found.credential.secret.reveal()):
            raise UsageError("RUNKEY_API_KEY and RUNKEY_API_KEY_FILE are both set, and hold different keys. Unset one of them.")
        return found

    def _runkey_api_key_file(self, host: str) -> Found:
        name = "RUNKEY_API_KEY_FILE"
        text = self._key_in_file()
        if text is None:
            return Found(name, None, "not set")
        return Found(name, _checked(host, text, f"{self._environment.get(name)} ({name})"), "set")

    def keys_in_environment(self) -> dict[str, str]:
        """Give what RUNKEY_API_KEY and RUNKEY_API_KEY_FILE hold, where they are set. Raises UsageError for a file that cannot be read."""
        held = {"RUNKEY_API_KEY": self._environment.get("RUNKEY_API_KEY"), "RUNKEY_API_KEY_FILE": self._key_in_file()}
        return {name: key for name, key in held.items() if key is not None}

    def _key_in_file(self) -> str | None:
        name = "RUNKEY_API_KEY_FILE"
        path = self._environment.get(name)
        if not path:
            return None
        try:
            with open(os.path.expanduser(path), encoding="utf-8") as file:
                return file.read(10_000).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise UsageError(f"{name} names {path}, which cannot be read: {reason}.") from None

    def _wandb_api_key(self, host: str) -> Found:
        name = "WANDB_API_KEY"
        if not self._environment.get(name):
            return Found(name, None, "not set")
        base_url = self._environment.get("WANDB_BASE_URL")
        if not base_url or normalise_host(base_url) != host:
            return Found(name, None, f"passed over: WANDB_BASE_URL does not name {host}, and a key goes only to the server it is for")
        return self._from_variable(host, name)

    def _from_variable(self, host: str, name: str) -> Found:
        text = self._environment.get(name)
        if not text:
            return Found(name, None, "not set")
        return Found(name, _checked(host, text, name), "set")

    def _profiles(self, host: str) -> Found:
        directory = None if self._profile else self.directory_profile()
        if directory and self._store.host_of(directory[0]) not in (None, host):
            # It chooses a server, and another one was named: on that one it has no say.
            directory = None
        named = self._profile or (directory[0] if directory else None)
        name = f"profile {named}" if named else "stored profiles"
        found = self._store.find(profile=named, host=host)
        if found is None:
            return Found(name, None, f"none for {host} in {shown_path(self._store.path)}")
        fault = api_key.fault_of(found.secret.reveal())
        if fault:
            raise UsageError(f"The key for {host} in {found.source} {fault}. Log in again: runkey login --host {host} --relogin")
        if directory:
            found = found.replaced(source=f"{found.source} (profile {named}, by {directory[1]})")
        return Found(name, found, "stored by login")

    def _netrc(self, host: str) -> Found:
        path = self._environment.netrc_path
        if path is None:
            return Found("netrc", None, "there is none")
        try:
            text = netrc.find(path, host)
        except FileNotFoundError:
            return Found("netrc", None, f"{shown_path(path)} is not there")
        except UsageError as error:
            if self._environment.get("NETRC"):
                raise
            self._warn(str(error))
            return Found("netrc", None, "it cannot be read")
        if text is None:
            return Found("netrc", None, f"no entry for {' or '.join(netrc.names_of(host))} in {shown_path(path)}")
        fault = api_key.fault_of(text)
        if fault:
            # Other programs' passwords live here too: one that is no key is not ours to complain about.
            return Found("netrc", None, f"the entry in {shown_path(path)} is no key: it {fault}")
        kept = self._store.entry_of(host) or {}
        known = members_of(kept) if kept.get("store") == "netrc" else {}
        known |= {"store": "netrc", "profile": kept.get("profile") if known else None}
        return Found("netrc", Credential(host, Secret(text), shown_path(path), **known), "an entry stands there")


def _checked(host: str, text: str, source: str) -> Credential:
    fault = api_key.fault_of(text)
    if fault:
        raise UsageError(f"The key in {source} {fault}. Set it anew, or unset it.")
    return Credential(host, Secret(text), source)

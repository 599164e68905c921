"""`<config>/credentials.json`: what login keeps, one entry a profile.

`{"version": 1, "default": profile, "entries": {profile: {host, server_id, account, machine_id, key, store, …}}}`. Where another store
holds the key ("keyring", "netrc"), the entry says so and has none. Members that this version does not know survive. A file that others
can read, that is a link, or that is not what it should be is named and never used: a broken credential must not be passed over in
silence.
"""

import json
import os
import stat
from typing import Any

from runkey.credentials.locking import locked
from runkey.credentials.model import Credential, Secret
from runkey.credentials.writing import cannot_write, make_private_folder, replace_file
from runkey.errors import UsageError

FILE_NAME = "credentials.json"
_VERSION = 1
_KEPT = ("account", "server_id", "machine_id", "key_id", "kind", "created", "expires", "checked", "claimed", "store")

# What a note of what was put into another program's file always has.
_NOTED = {"file": str, "path": str, "profile": str, "for_wandb": bool, "undo": dict}


class CredentialStore:
    """The file of one configuration folder. Every reading reads it anew; every change is made under a lock."""

    def __init__(self, folder: str) -> None:
        """Use a folder; nothing is made before the first change."""
        self.folder = folder
        self.path = os.path.join(folder, FILE_NAME)

    def read(self) -> dict[str, Any]:
        """Give what is kept; empty when there is no file. Raises UsageError for a file that is there and broken."""
        try:
            info = os.lstat(self.path)
            self._check(info)
            with open(self.path, "rb") as file:
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return {"version": _VERSION, "default": None, "entries": {}}
        except OSError as error:
            raise UsageError(
                f"Cannot read {self.path}: {error.strerror}. Make it readable for you, or name another folder in RUNKEY_CONFIG_DIR."
            ) from None
        return self._parse(data)

    def find(self, *, profile: str | None = None, host: str | None = None) -> Credential | None:
        """Find the entry of a profile, or of a host; None when there is none, or it holds no key here."""
        kept = self.read()
        for name in [profile] if profile else _in_order(kept):
            entry = kept["entries"].get(name)
            if entry is not None and host in (None, entry.get("host")):
                return self._credential(name, entry)
        return None

    def find_all(self, host: str) -> list[Credential]:
        """Give every credential of a host that is here, the one that `find` gives first."""
        kept = self.read()
        entries = [(name, kept["entries"][name]) for name in _in_order(kept)]
        found = [self._credential(name, entry) for name, entry in entries if entry.get("host") == host]
        return [credential for credential in found if credential is not None]

    def default_profile(self) -> str | None:
        """Name the default profile; None before the first login."""
        default = self.read().get("default")
        return default if isinstance(default, str) else None

    def host_of(self, profile: str) -> str | None:
        """Give the host of a profile; None when there is no such profile."""
        entry = self.read()["entries"].get(profile)
        return None if entry is None else str(entry.get("host"))

    def entry_of(self, host: str) -> dict[str, Any] | None:
        """Give what is kept of a host; None when it was never logged in to."""
        kept = self.read()
        entries: dict[str, dict[str, Any]] = kept["entries"]
        for name in _in_order(kept):
            if entries[name].get("host") == host:
                return {**entries[name], "profile": name}
        return None

    def machine_id(self, host: str, profile: str | None) -> str | None:
        """Give the machine id of the entry that a login to this host under this profile would replace."""
        entry = self.read()["entries"].get(profile) if profile else self.entry_of(host)
        is_replaced = entry and entry.get("host") == host and entry.get("kind") != "anonymous"
        return entry.get("machine_id") if entry and is_replaced else None

    def keep(self, credential: Credential, *, make_default: bool) -> str:
        """Add or replace an entry; give its profile's name. Raises CannotStore.

        The first entry becomes the default. An account without a name stands beside one with a name, and never in its place.
        """
        with self.changing() as kept:
            entries = kept["entries"]
            name = credential.profile or next(
                (name for name, entry in entries.items() if _is_same_login(entry, credential)),
                profile_name(credential.host, entries, "-anonymous" if credential.is_anonymous else ""),
            )
            entry = entries.setdefault(name, {})
            entry["host"] = credential.host
            # The server's, once it gave one; the entry's for as long as it lives: a home that many nodes share is one login.
            machine_id = credential.machine_id or entry.get("machine_id") or os.urandom(8).hex()
            for member in _KEPT:
                entry[member] = getattr(credential, member)
            entry["machine_id"] = machine_id
            if credential.store == "file":
                entry["key"] = credential.secret.reveal()
            else:
                entry.pop("key", None)
            default = entries.get(kept.get("default")) or {}
            outranked = not default or (default.get("kind") == "anonymous" and not credential.is_anonymous)
            if outranked or (make_default and not credential.is_anonymous):
                kept["default"] = name
        return name

    def put_back(self, profile: str, before: dict[str, Any]) -> None:
        """Let an entry, and the default, be again what they were. before: what was kept then. Raises CannotStore."""
        with self.changing() as kept:
            kept["entries"].pop(profile, None)
            if profile in before["entries"]:
                kept["entries"][profile] = before["entries"][profile]
            kept["default"] = before.get("default")

    def set_default(self, profile: str) -> None:
        """Let another profile be the default. Raises CannotStore."""
        with self.changing() as kept:
            kept["default"] = profile

    def note(self, profile: str, **members: Any) -> None:
        """Change members of an entry, if it is still there. Raises CannotStore."""
        with self.changing() as kept:
            if profile in kept["entries"]:
                kept["entries"][profile].update(members)

    def forget(self, profile: str) -> None:
        """Drop an entry; another one, if there is any, becomes the default. Raises CannotStore."""
        with self.changing() as kept:
            kept["entries"].pop(profile, None)
            if kept.get("default") == profile:
                kept["default"] = next(iter(sorted(kept["entries"])), None)

    def changing(self) -> "_Change":
        """Hold the file to ourselves: `with` gives what is kept, and writes it back when the block ends well."""
        return _Change(self)

    def _check(self, info: os.stat_result) -> None:
        if stat.S_ISLNK(info.st_mode):
            raise UsageError(f"{self.path} is a link, which is never followed for secrets. Put the file itself in its place.")
        if os.name != "posix":
            return
        if stat.S_IMODE(info.st_mode) & 0o077:
            raise UsageError(f"{self.path} can be read by others on this machine, so it is not used. Run: chmod 600 {self.path}")
        if info.st_uid not in (os.geteuid(), 0):
            raise UsageError(f"{self.path} belongs to another user, so it is not used. Remove it and log in again.")

    def _parse(self, data: bytes) -> dict[str, Any]:
        try:
            kept = json.loads(data)
        except (ValueError, RecursionError):
            kept = None
        version = kept.get("version") if isinstance(kept, dict) else None
        if isinstance(version, int) and version > _VERSION:
            raise UsageError(f"{self.path} was written by a newer runkey. Update this one, or name another folder in RUNKEY_CONFIG_DIR.")
        if version != _VERSION or not _is_whole(kept):
            raise UsageError(f"{self.path} is damaged: it is not the JSON that login writes. Mend it, or remove it and log in again.")
        return dict(kept)

    def _credential(self, profile: str, entry: dict[str, Any]) -> Credential | None:
        store = entry.get("store") or "file"
        host = str(entry["host"])
        members = members_of(entry) | {"store": store, "profile": profile}
        if store == "keyring":
            # optional dependency
            from runkey.credentials import keyring

            secret = keyring.get(host, profile)
            return None if secret is None else Credential(host, Secret(secret), "the system's keyring", **members)
        if store == "netrc" or not entry.get("key"):
            return None
        return Credential(host, Secret(str(entry["key"])), shown_path(self.path), **members)


class _Change:
    def __init__(self, store: CredentialStore) -> None:
        self._store = store
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> dict[str, Any]:
        make_private_folder(self._store.folder)
        self._lock = locked(os.path.join(self._store.folder, ".lock"))
        try:
            self._lock.__enter__()
        except OSError as error:
            raise cannot_write(self._store.folder, error) from None
        try:
            self._kept = self._store.read()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self._kept

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                replace_file(self._store.path, json.dumps(self._kept, indent=1).encode() + b"\n")
        finally:
            self._lock.__exit__(None, None, None)


def _is_whole(kept: Any) -> bool:
    """Whether what was read is what login writes: members that this version knows have their type, of others nothing is asked."""
    if not isinstance(kept, dict) or not isinstance(kept.get("default"), str | None):
        return False
    lists = [kept.get(member, []) for member in ("debts", "lodged")]
    if not all(isinstance(each, list) and all(isinstance(line, dict) for line in each) for each in lists):
        return False
    if not all(_NOTED.items() <= {name: type(value) for name, value in note.items()}.items() for note in lists[1]):
        return False
    entries = kept.get("entries")
    return isinstance(entries, dict) and all(map(_is_entry, entries.values()))


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("host"), str):
        return False
    claimed = entry.get("claimed") or []
    texts = [entry.get(member) for member in (*_KEPT, "key") if member != "claimed"]
    return (
        all(isinstance(text, str | None) for text in texts) and isinstance(claimed, list) and all(isinstance(name, str) for name in claimed)
    )


def members_of(entry: dict[str, Any]) -> dict[str, Any]:
    """Give what an entry says of its credential."""
    return {member: entry.get(member) for member in _KEPT}


def _in_order(kept: dict[str, Any]) -> list[str]:
    """Name the profiles: the default one first, accounts without a name last."""
    entries = kept["entries"]
    return sorted(entries, key=lambda name: (name != kept.get("default"), entries[name].get("kind") == "anonymous"))


def _is_same_login(entry: dict[str, Any], credential: Credential) -> bool:
    return entry.get("host") == credential.host and (entry.get("kind") == "anonymous") == credential.is_anonymous


def profile_name(host: str, taken: dict[str, Any], ending: str = "") -> str:
    """Name a new profile after its host: `track.example.org`, with a number when that is taken."""
    base = (host.partition("://")[2].replace(":", "-").strip("[]") or "default") + ending
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def shown_path(path: str) -> str:
    """Write a path with the home folder as ~."""
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if home not in ("", "/") and path.startswith(home + os.sep) else path

"""Where a credential is kept: the stores file, keyring, netrc, session, and the official client's entry."""

import os
from typing import Any

from runkey.credentials import lodging, netrc, wandb_settings
from runkey.credentials.model import Credential
from runkey.credentials.store import CredentialStore, shown_path
from runkey.errors import CannotStore, UsageError
from runkey.settings import Environment
from runkey.terminal import Terminal

STORES = ("file", "keyring", "netrc", "session")

# The host name that BuildKit gives every build step.
_IMAGE_BUILD = "buildkitsandbox"
_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


def check_store(store: str | None) -> None:
    """Check the name of a store. Raises UsageError."""
    if store is not None and store not in STORES:
        raise UsageError(f"store is one of {', '.join(STORES)}.")


def choose_store(wanted: str | None, store: CredentialStore, environment: Environment, terminal: Terminal) -> str:
    """Decide where a key will be kept, and try whether that can be. Raises CannotStore before anything was sent."""
    place = wanted or "file"
    if place == "session":
        return place
    if hasattr(os, "uname") and os.uname().nodename == _IMAGE_BUILD:
        raise CannotStore(
            "This is the build of an image: a key stored here would stay in a layer for everybody who pulls it. Give it to the step as "
            'a build secret in RUNKEY_API_KEY_FILE, or use store="session".'
        )
    if any(os.path.exists(mark) for mark in _CONTAINER_MARKS):
        terminal.warn("This is a container: what login stores goes away with it, or along with its image.")
    if place == "keyring":
        # optional dependency
        from runkey.credentials import keyring

        if not keyring.is_usable():
            terminal.say(f"No keyring answers here, so the key is kept in {shown_path(store.path)}, readable by you alone.")
            place = "file"
    with store.changing():
        # Writes the file back as it was: a full disk or a folder that cannot be written to shows itself now.
        pass
    return place


def keep(
    credential: Credential,
    place: str,
    store: CredentialStore,
    environment: Environment,
    terminal: Terminal,
    *,
    is_command: bool,
) -> Credential:
    """Keep a credential; give it with its source.

    Raises CannotStore, and UsageError for a file that cannot be read; then nothing has changed.
    """
    if place == "session":
        return credential.replaced(store="session", source="this process (kept nowhere)")
    before = store.read()
    credential = credential.replaced(store=place)
    profile = store.keep(credential, make_default=is_command)
    credential = credential.replaced(profile=profile, source=shown_path(store.path))
    try:
        if place == "netrc":
            path = environment.netrc_path or netrc.default_path(environment.home)
            machine = netrc.names_of(credential.host)[0]
            lodging.put_in_netrc(store, profile, path, machine, credential.secret.reveal(), for_wandb=False)
            credential = credential.replaced(source=shown_path(path))
        else:
            lodging.take_back(store, profile, of_store_alone=True)
        if place == "keyring":
            credential = _put_in_keyring(credential, store, terminal, is_command=is_command)
        _renew_wandb_entry(credential, store)
    except BaseException:
        store.put_back(profile, before)
        raise
    _tell_of_default(before, profile, store, terminal, is_command=is_command)
    return credential


def _put_in_keyring(credential: Credential, store: CredentialStore, terminal: Terminal, *, is_command: bool) -> Credential:
    # optional dependency
    from runkey.credentials import keyring

    if keyring.put(credential.host, credential.profile or "", credential.secret.reveal()):
        return credential.replaced(source="the system's keyring")
    terminal.say(f"The keyring did not answer, so the key is kept in {shown_path(store.path)}, readable by you alone.")
    credential = credential.replaced(store="file")
    store.keep(credential, make_default=is_command)
    return credential


def _tell_of_default(before: dict[str, Any], profile: str, store: CredentialStore, terminal: Terminal, *, is_command: bool) -> None:
    old = before.get("default")
    if not is_command or old in (None, profile) or store.default_profile() != profile:
        return
    old_host, host = before["entries"].get(old, {}).get("host"), store.host_of(profile)
    if old_host == host:
        terminal.say(f"The login that counts on {host} is now the profile {profile} (it was {old}).")
    else:
        terminal.say(f"The default server is now {host} (it was {old_host}).")


def write_wandb_entry(
    credential: Credential, store: CredentialStore, environment: Environment, terminal: Terminal, *, every_port: bool
) -> None:
    """Let the official client on this machine log in too: an entry in netrc, which `logout` takes back.

    Its versions disagree about the port in the name; the form without one is read by other programs for every port of the host, so it is
    written only where the port is the default one, or when asked for (every_port). Raises CannotStore, UsageError.
    """
    path = environment.netrc_path or netrc.default_path(environment.home)
    names = netrc.names_of(credential.host)
    if every_port and len(names) > 1:
        terminal.warn(f"The entry for {names[1]} is read by curl and others for every port of that host.")
    profile = credential.profile or ""
    for machine in names if every_port else names[:1]:
        lodging.put_in_netrc(store, profile, path, machine, credential.secret.reveal(), for_wandb=True)
    settings = wandb_settings.path_in(environment)
    lodging.put_in_wandb_settings(store, profile, settings, credential.host)
    where = f"its key is in {shown_path(path)}, this server in {shown_path(settings)}"
    terminal.say(f"The official wandb client on this machine is logged in too: {where}.")


def _renew_wandb_entry(credential: Credential, store: CredentialStore) -> None:
    """Give the official client the new key, where it was logged in with the former one."""
    profile = credential.profile or ""
    for path, machine in lodging.machines_for_wandb(store, profile):
        lodging.put_in_netrc(store, profile, path, machine, credential.secret.reveal(), for_wandb=True)

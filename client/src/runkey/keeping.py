"""Where a credential is kept: the stores file, keyring, netrc, session, and the official client's entry."""

import os

from runkey.credentials import netrc, wandb_settings
from runkey.credentials.model import Credential
from runkey.credentials.store import CredentialStore, shown_path
from runkey.credentials.writing import make_folder
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
    make_folder(store.folder)
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
    """Keep a credential; give it with its source. Raises CannotStore, and then nothing has changed."""
    if place == "session":
        return credential.replaced(store="session", source="this process (kept nowhere)")
    credential = credential.replaced(store=place)
    before = store.default_profile()
    old = store.entry_of(credential.host)
    source = shown_path(store.path)
    if place == "netrc":
        path = environment.netrc_path or netrc.default_path(environment.home)
        netrc.write(path, netrc.names_of(credential.host)[0], credential.secret.reveal())
        source = shown_path(path)
    profile = store.keep(credential, make_default=is_command)
    if place == "keyring":
        # optional dependency
        from runkey.credentials import keyring

        if keyring.put(credential.host, profile, credential.secret.reveal()):
            source = "the system's keyring"
        else:
            terminal.say(f"The keyring did not answer, so the key is kept in {shown_path(store.path)}, readable by you alone.")
            credential = credential.replaced(store="file", profile=profile)
            store.keep(credential, make_default=is_command)
    if is_command and before is not None and before != profile:
        terminal.say(f"The default server is now {credential.host} (it was {store.host_of(before)}).")
    if old and old.get("wandb_netrc"):
        write_wandb_entry(credential.replaced(profile=profile), store, environment, terminal, every_port=False)
    return credential.replaced(profile=profile, source=source)


def write_wandb_entry(
    credential: Credential, store: CredentialStore, environment: Environment, terminal: Terminal, *, every_port: bool
) -> None:
    """Let the official client on this machine log in too: an entry in netrc, which `logout` takes back.

    Its versions disagree about the port in the name; the form without one is read by other programs for every port of the host, so it is
    written only where the port is the default one, or when asked for (every_port). Raises CannotStore.
    """
    path = environment.netrc_path or netrc.default_path(environment.home)
    names = netrc.names_of(credential.host)
    machines = names if every_port or len(names) == 1 else names[:1]
    if every_port and len(names) > 1:
        terminal.warn(f"The entry for {names[1]} is read by curl and others for every port of that host.")
    kept = (store.entry_of(credential.host) or {}).get("wandb_netrc") or {"path": path, "before": {}}
    for machine in machines:
        old = netrc.write(path, machine, credential.secret.reveal())
        kept["before"].setdefault(machine, old)
    if credential.profile:
        store.note(credential.profile, wandb_netrc=kept)
    pointed = _point_wandb_here(credential, store, environment)
    terminal.say(f"The official wandb client on this machine is logged in too: its key is in {shown_path(path)}, this server in {pointed}.")


def _point_wandb_here(credential: Credential, store: CredentialStore, environment: Environment) -> str:
    path = wandb_settings.path_in(environment)
    kept = (store.entry_of(credential.host) or {}).get("wandb_settings")
    old = wandb_settings.write(path, credential.host)
    if kept is None and credential.profile:
        store.note(credential.profile, wandb_settings={"path": path, "before": old})
    return shown_path(path)

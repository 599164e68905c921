"""Lets go of a credential: ends it on the server and forgets it here. What cannot be ended now is owed, and paid at the next contact."""

import contextlib

from runkey import api
from runkey.credentials import debts, lodging, netrc
from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore, members_of
from runkey.errors import AuthenticationError, Error
from runkey.session import Session, process
from runkey.settings import Environment, normalise_host
from runkey.terminal import Terminal

_DEBT_SECONDS = 3.0
_UNWANTED_SECONDS = 3.0


def stored_credential(store: CredentialStore, environment: Environment, profile: str) -> Credential:
    """Give a profile's credential wherever its secret lies; an empty secret when it is gone. Raises UsageError for a broken file."""
    entry = store.read()["entries"][profile]
    found = store.find(profile=profile)
    if found is not None:
        return found
    secret = ""
    if entry.get("store") == "netrc" and environment.netrc_path:
        secret = netrc.find(environment.netrc_path, entry["host"]) or ""
    return Credential(entry["host"], Secret(secret), "netrc", **(members_of(entry) | {"profile": profile}))


def end(credential: Credential, store: CredentialStore, environment: Environment, session: Session) -> str | None:
    """Revoke a stored credential on the server and forget it here; a sentence about what is still owed, None when nothing is.

    Raises CannotStore when it cannot be forgotten here, UsageError for a file that cannot be read.
    """
    owed = None
    try:
        api.revoke_key(credential)
    except AuthenticationError:
        # Refused already: there is nothing left to end.
        pass
    except Error as error:
        owed = (
            f"The key was forgotten here, but not revoked on {credential.host}: {error} That is done when this machine next reaches it; "
            f"sooner on its page /settings/machines, or by: runkey-server key revoke {credential.key_id or 'KEY_ID'}"
        )
        if credential.secret.reveal():
            debts.owe(store, credential)
    _forget(credential, store)
    session.forget(credential.host)
    return owed


def end_unwanted(credential: Credential) -> None:
    """End a key that was given out but is not taken; without a network it ends by itself."""
    with contextlib.suppress(Error):
        api.revoke_key(credential, timeout_seconds=_UNWANTED_SECONDS)


def pay_debts(store: CredentialStore, host: str, server_id: str) -> None:
    """Revoke what was forgotten here while the server could not be reached; what cannot be done now stays owed."""
    for debt, secret in debts.list_debts(store, host, server_id):
        # slow import: what only a debtor needs
        from runkey.oauth import endpoints

        with contextlib.suppress(Error):
            if secret is not None:
                endpoints.revoke(host, secret, timeout_seconds=_DEBT_SECONDS)
            debts.settle(store, debt)


def _forget(credential: Credential, store: CredentialStore) -> None:
    if not credential.profile:
        return
    lodging.take_back(store, credential.profile)
    if credential.store == "keyring":
        # optional dependency
        from runkey.credentials import keyring

        keyring.delete(credential.host, credential.profile)
    store.forget(credential.profile)


def logout(host: str | None = None, *, profile: str | None = None) -> bool:
    """Revoke this machine's key on the server and forget it here; whether there was one.

    Without a network the local half succeeds, and a warning says that the server's is still owed. Raises UsageError for a host that is none
    or a broken file, CannotStore when the key cannot be forgotten here.
    """
    environment = Environment()
    store = CredentialStore(environment.config_folder)
    wanted = normalise_host(host) if host else None
    credential = store.find(profile=profile or (None if wanted else store.default_profile()), host=wanted)
    if credential is None:
        return False
    outcome = end(credential, store, environment, process)
    if outcome:
        Terminal().warn(outcome)
    return True

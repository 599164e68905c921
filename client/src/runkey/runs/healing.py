"""Another key for a run whose own was refused."""

import contextlib

from runkey import api, session
from runkey.credentials.model import Credential
from runkey.credentials.store import CredentialStore
from runkey.errors import Error
from runkey.settings import Environment


def another_credential(old: Credential) -> Credential | None:
    """Look for another key of the same server and account among what login stored: never another account's.

    For an account without a name, the key of whoever claimed it, which may have happened elsewhere: that server is asked.
    """
    held = session.process.credentials.get(old.host)
    found = [held] if held is not None else []
    with contextlib.suppress(Error):
        found += CredentialStore(Environment().config_folder).find_all(old.host)
    others = [each for each in found if each.secret != old.secret]
    for each in others:
        if each.stands_for(old.account):
            return each
    if old.is_anonymous:
        for each in others:
            with contextlib.suppress(Error):
                if not each.is_anonymous and old.account in (api.viewer(each).get("claimedEntities") or ()):
                    return each
    return None

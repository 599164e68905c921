"""Reads the parameters that both grants share."""

from collections.abc import Mapping

from runkey_server.machines import Asking
from runkey_server.oauth.errors import OAuthError
from runkey_wire import device_authorization as wire


def check_client(form: Mapping[str, str]) -> None:
    """Raise OAuthError for any client but the one there is."""
    if form.get("client_id") != wire.CLIENT_ID:
        raise OAuthError("invalid_client", f"client_id must be {wire.CLIENT_ID}")


def check_scope(form: Mapping[str, str]) -> None:
    """Raise OAuthError for any scope but the one there is; none means that one."""
    if form.get("scope", wire.SCOPE) not in ("", wire.SCOPE):
        raise OAuthError("invalid_scope", f"the one scope is {wire.SCOPE}")


def read_asking(form: Mapping[str, str], address: str) -> Asking:
    """Read what a machine tells of itself; a hostile word is cut to what can be shown, never refused: it only misleads its own login."""
    return Asking(
        name=wire.machine_word(form.get(wire.MACHINE_NAME, "")),
        os_user=wire.machine_word(form.get(wire.OS_USER, "")),
        system=wire.machine_word(form.get(wire.SYSTEM, "")),
        address=address,
        machine_id=wire.machine_word(form.get(wire.MACHINE_ID, "")) or None,
    )

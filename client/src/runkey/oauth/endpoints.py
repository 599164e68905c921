"""Speaks to the authorization server's endpoints: forms out, JSON in, OAuth's own errors told apart from everything else."""

import contextlib
from typing import Any

from runkey import api, transport
from runkey.answers import Fields, parse, retry_after_seconds
from runkey.api import describe, sentence_of
from runkey.credentials.model import Secret
from runkey.errors import ConnectionFailed, Error, ServerError
from runkey.terminal import printable
from runkey.transport import Reply
from runkey_wire import device_authorization as wire

SECONDS = 10.0
"""For any answer but one that is held."""

_CANCEL_SECONDS = 2.0


class Joined:
    """What a machine got: a key of its own. expires_in: seconds."""

    __slots__ = ("account", "expires_in", "key_id", "machine_id", "machine_name", "secret")

    def __init__(self, answer: Fields) -> None:
        """Read the token endpoint's answer. Raises ServerError for one that is none."""
        self.secret = answer.key("access_token")
        self.account = answer.name("account")
        self.machine_id = answer.name("machine_id")
        self.machine_name = answer.text("machine_name") if answer.has("machine_name") else ""
        self.key_id = answer.name("key_id") if answer.has("key_id") else None
        self.expires_in = answer.seconds("expires_in") if answer.has("expires_in") else None


class Refusal(Exception):
    """An error out of the RFCs' lists. code: theirs; held: whether the server held the request before it answered."""

    def __init__(self, code: str, held: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.held = held


def read_metadata(host: str, *, timeout_seconds: float = SECONDS) -> dict[str, Any]:
    """Read what a server offers (RFC 8414); empty when it says nothing of the kind. Raises ConnectionFailed, ServerError."""
    reply = transport.send("GET", host + wire.METADATA_PATH, headers={"Accept": "application/json"}, timeout_seconds=timeout_seconds)
    _raise_what_passes(host, reply)
    answer = parse(reply)
    return answer if reply.status == 200 and isinstance(answer, dict) else {}


def ask_for_codes(host: str, asking: dict[str, str], *, timeout_seconds: float = SECONDS) -> Fields:
    """Ask for a device code and a user code (RFC 8628 section 3.1). Raises ServerError, ConnectionFailed."""
    try:
        return Fields(host, _post(host, wire.DEVICE_AUTHORIZATION_PATH, {"scope": wire.SCOPE, **asking}, timeout_seconds=timeout_seconds))
    except Refusal as refusal:
        raise ServerError(f"{host} does not let this machine ask: {refusal.code}.", status=400) from None


def redeem_device_code(host: str, device_code: Secret, *, hold: bool, timeout_seconds: float = SECONDS) -> Joined:
    """Ask whether somebody has approved. hold: let the server answer at the moment of the decision.

    Raises Refusal, also while nobody has decided; ServerError, ConnectionFailed.
    """
    form = {"grant_type": wire.DEVICE_GRANT, "device_code": device_code.reveal()}
    headers = {"Prefer": f"wait={wire.HOLD_SECONDS}"} if hold else {}
    return _joined(host, _post(host, wire.TOKEN_PATH, form, headers, timeout_seconds + (wire.HOLD_SECONDS if hold else 0)))


def redeem_code(host: str, code: str, redirect_uri: str, verifier: Secret, *, timeout_seconds: float = SECONDS) -> Joined:
    """Change an authorization code for the key (RFC 6749 section 4.1.3). Raises Refusal, ServerError, ConnectionFailed."""
    form = {"grant_type": wire.CODE_GRANT, "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier.reveal()}
    return _joined(host, _post(host, wire.TOKEN_PATH, form, timeout_seconds=timeout_seconds))


def revoke(host: str, token: Secret, *, timeout_seconds: float = SECONDS) -> None:
    """End a key, or a code that waits (RFC 7009); nothing happens for an unknown one. Raises ServerError, ConnectionFailed."""
    try:
        _post(host, wire.REVOKE_PATH, {"token": token.reveal()}, timeout_seconds=timeout_seconds)
    except Refusal as refusal:
        raise ServerError(f"{host} does not end it: {refusal.code}.", status=400) from None


def _post(
    host: str, path: str, form: dict[str, str], headers: dict[str, str] | None = None, timeout_seconds: float = SECONDS
) -> dict[str, Any]:
    # slow import
    import urllib.parse

    api.prove_once(host, None)
    body = urllib.parse.urlencode({"client_id": wire.CLIENT_ID, **form}).encode()
    given = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", **(headers or {})}
    reply = transport.send("POST", host + path, headers=given, body=body, timeout_seconds=timeout_seconds)
    _raise_what_passes(host, reply)
    if reply.status == 200 and not reply.body:
        return {}
    answer = parse(reply)
    if isinstance(answer, dict) and isinstance(answer.get("error"), str) and 400 <= reply.status < 500:
        raise Refusal(printable(answer["error"])[:100], "wait" in reply.headers.get("preference-applied", ""))
    if reply.status != 200 or not isinstance(answer, dict):
        raise ServerError(f"{host} does not answer as a runkey server does: {describe(reply)}.", status=reply.status)
    return answer


def _joined(host: str, answer: dict[str, Any]) -> Joined:
    """Read the token endpoint's answer; a key that came in one that cannot be used is ended, since nobody will hold it."""
    try:
        return Joined(Fields(host, answer))
    except ServerError:
        with contextlib.suppress(Error):
            revoke(host, Fields(host, answer).key("access_token"), timeout_seconds=_CANCEL_SECONDS)
        raise


def _raise_what_passes(host: str, reply: Reply) -> None:
    if reply.status in (408, 429) or reply.status >= 500:
        raise ServerError(
            f"{host} cannot answer now: {sentence_of(reply)}", status=reply.status, retry_after_seconds=retry_after_seconds(reply)
        )


def passes(error: Exception) -> bool:
    """Tell whether asking again later may help."""
    return isinstance(error, ConnectionFailed) or (
        isinstance(error, ServerError) and error.status is not None and (error.status in (408, 429) or error.status >= 500)
    )

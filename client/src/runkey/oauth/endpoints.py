"""Speaks to the authorization server's endpoints: forms out, JSON in, OAuth's own errors told apart from everything else."""

import json
from typing import Any

from runkey import api, transport
from runkey.api import describe, retry_after_seconds, sentence_of
from runkey.credentials.model import Secret
from runkey.errors import ConnectionFailed, ServerError
from runkey.transport import Reply
from runkey_wire import device_authorization as wire

_SECONDS = 10.0


class Joined:
    """What a machine got: a key of its own. expires_in: seconds."""

    __slots__ = ("account", "expires_in", "key_id", "machine_id", "machine_name", "secret")

    def __init__(self, answer: dict[str, Any]) -> None:
        """Read the token endpoint's answer. Raises KeyError, TypeError or ValueError for one that is none."""
        self.secret = Secret(str(answer["access_token"]))
        self.account = str(answer["account"])
        self.machine_id = str(answer["machine_id"])
        self.machine_name = str(answer.get("machine_name") or "")
        self.key_id = str(answer["key_id"]) if answer.get("key_id") else None
        self.expires_in = float(answer["expires_in"]) if answer.get("expires_in") else None


class Refusal(Exception):
    """An error out of the RFCs' lists. code: theirs; held: whether the server held the request before it answered."""

    def __init__(self, code: str, held: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.held = held


def read_metadata(host: str) -> dict[str, Any]:
    """Read what a server offers (RFC 8414); empty when it says nothing of the kind. Raises ConnectionFailed, ServerError."""
    reply = transport.send("GET", host + wire.METADATA_PATH, headers={"Accept": "application/json"}, timeout_seconds=_SECONDS)
    _raise_what_passes(host, reply)
    answer = _json(reply)
    return answer if reply.status == 200 and isinstance(answer, dict) else {}


def ask_for_codes(host: str, asking: dict[str, str]) -> dict[str, Any]:
    """Ask for a device code and a user code (RFC 8628 section 3.1). Raises ServerError, ConnectionFailed."""
    try:
        return _post(host, wire.DEVICE_AUTHORIZATION_PATH, {"scope": wire.SCOPE, **asking})
    except Refusal as refusal:
        raise ServerError(f"{host} does not let this machine ask: {refusal.code}.", status=400) from None


def redeem_device_code(host: str, device_code: Secret, *, hold: bool, timeout_seconds: float = _SECONDS) -> Joined:
    """Ask whether somebody has approved. hold: let the server answer at the moment of the decision.

    Raises Refusal, also while nobody has decided; ServerError, ConnectionFailed.
    """
    form = {"grant_type": wire.DEVICE_GRANT, "device_code": device_code.reveal()}
    headers = {"Prefer": f"wait={wire.HOLD_SECONDS}"} if hold else {}
    return _joined(host, _post(host, wire.TOKEN_PATH, form, headers, timeout_seconds + (wire.HOLD_SECONDS if hold else 0)))


def redeem_code(host: str, code: str, redirect_uri: str, verifier: Secret) -> Joined:
    """Change an authorization code for the key (RFC 6749 section 4.1.3). Raises Refusal, ServerError, ConnectionFailed."""
    form = {"grant_type": wire.CODE_GRANT, "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier.reveal()}
    return _joined(host, _post(host, wire.TOKEN_PATH, form))


def revoke(host: str, token: Secret, *, timeout_seconds: float = _SECONDS) -> None:
    """End a key, or a code that waits (RFC 7009); nothing happens for an unknown one. Raises ServerError, ConnectionFailed."""
    try:
        _post(host, wire.REVOKE_PATH, {"token": token.reveal()}, timeout_seconds=timeout_seconds)
    except Refusal as refusal:
        raise ServerError(f"{host} does not end it: {refusal.code}.", status=400) from None


def _post(
    host: str, path: str, form: dict[str, str], headers: dict[str, str] | None = None, timeout_seconds: float = _SECONDS
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
    answer = _json(reply)
    if isinstance(answer, dict) and isinstance(answer.get("error"), str) and 400 <= reply.status < 500:
        raise Refusal(answer["error"], "wait" in reply.headers.get("preference-applied", ""))
    if reply.status != 200 or not isinstance(answer, dict):
        raise ServerError(f"{host} does not answer as a runkey server does: {describe(reply)}.", status=reply.status)
    return answer


def _joined(host: str, answer: dict[str, Any]) -> Joined:
    try:
        return Joined(answer)
    except (KeyError, TypeError, ValueError):
        raise ServerError(f"{host} does not answer as a runkey server does: its token has not the expected members.") from None


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


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None

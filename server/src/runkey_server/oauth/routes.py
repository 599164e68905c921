"""The endpoints that programs speak to, and OAuth's own error shape (RFC 6749 section 5.2).

`/oauth/device_authorization`, `/oauth/token`, `/oauth/revoke`, `/.well-known/oauth-authorization-server`. What will work again by itself is
503 or 429 with Retry-After, never an `error` that a client takes for final.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.types import Receive, Scope, Send

from runkey_server import tokens
from runkey_server.asgi.hosts import Hosts, network_of
from runkey_server.asgi.rates import RateLimit
from runkey_server.asgi.requests import header, read_form
from runkey_server.asgi.responses import send_bytes, send_json
from runkey_server.clock import Clock
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.oauth.device_authorization import Issued, ask
from runkey_server.oauth.errors import OAuthError
from runkey_server.oauth.parameters import check_client, check_scope, read_asking
from runkey_server.oauth.redeeming import cancel, redeem_code, redeem_device_code
from runkey_server.oauth.waiting import Waiting
from runkey_wire import device_authorization as wire
from runkey_wire import limits

_NO_CACHE = ((b"pragma", b"no-cache"),)
_PREFERRED_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})")
# A cluster of a thousand nodes behind one address may log in at once; a loop gone wild may not go on.
_ASKS_A_SECOND, _ASKS_BURST_SECONDS = 1.0, 1_500.0


class OAuthDoor:
    """What the endpoints share; each is a method that a route is made of."""

    def __init__(
        self, database: Database, pepper: bytes, hosts: Hosts, waiting: Waiting, clock: Clock, *, offers_anonymous: Callable[[Scope], bool]
    ) -> None:
        """Use one worker's parts. offers_anonymous: whether a request may have an account without a name, which the metadata tells."""
        self._offers_anonymous = offers_anonymous
        self._database = database
        self._pepper = pepper
        self._hosts = hosts
        self._waiting = waiting
        self._clock = clock
        self._asking, self._redeeming = CapacityLimiter(1), CapacityLimiter(2)
        self._asks = RateLimit(_ASKS_A_SECOND, _ASKS_BURST_SECONDS)

    async def device_authorization(self, scope: Scope, receive: Receive, send: Send) -> None:
        """RFC 8628 section 3.1: a machine asks to be let in."""
        address = self._hosts.client_of(scope)
        self._asks.take(network_of(address))
        try:
            form = await _form(scope, receive)
            check_client(form)
            check_scope(form)
        except OAuthError as error:
            await _send_oauth_error(send, error)
            return
        issued = await to_thread.run_sync(self._ask, form, address, limiter=self._asking)
        shown = wire.shown_user_code(issued.user_code)
        uri = f"{self._hosts.base_url}/device"
        answer = {
            "device_code": issued.device_code,
            "user_code": shown,
            "verification_uri": uri,
            "verification_uri_complete": f"{uri}?user_code={shown}",
            "expires_in": wire.EXPIRES_IN_SECONDS,
            "interval": wire.INTERVAL_SECONDS,
        }
        await send_json(send, answer, headers=_NO_CACHE)

    async def token(self, scope: Scope, receive: Receive, send: Send) -> None:
        """RFC 6749 section 3.2: a code for a key."""
        try:
            form = await _form(scope, receive)
            check_client(form)
            match form.get("grant_type"):
                case wire.DEVICE_GRANT:
                    seconds = _preferred_wait(header(scope, b"prefer"))
                    answer = await self._device_grant(_needed(form, "device_code"), seconds, receive)
                case wire.CODE_GRANT:
                    answer = await to_thread.run_sync(self._redeem_code, form)
                case _:
                    raise OAuthError("unsupported_grant_type", f"grant_type is {wire.DEVICE_GRANT} or {wire.CODE_GRANT}")
        except OAuthError as error:
            await _send_oauth_error(send, error)
            return
        await send_json(send, answer, headers=_NO_CACHE)

    async def revoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        """RFC 7009: end a key, or a code and what it gave; 200 whatever the token was."""
        try:
            form = await _form(scope, receive)
            if "client_id" in form:
                check_client(form)
            token = _needed(form, "token")
        except OAuthError as error:
            await _send_oauth_error(send, error)
            return
        await to_thread.run_sync(self._cancel, token)
        await send_bytes(send, 200, b"", ((b"cache-control", b"no-store"), *_NO_CACHE))

    async def metadata(self, scope: Scope, receive: Receive, send: Send) -> None:
        """RFC 8414: what there is."""
        issuer = self._hosts.base_url
        answer = {
            "issuer": issuer,
            "authorization_endpoint": issuer + wire.AUTHORIZE_PATH,
            "token_endpoint": issuer + wire.TOKEN_PATH,
            "device_authorization_endpoint": issuer + wire.DEVICE_AUTHORIZATION_PATH,
            "revocation_endpoint": issuer + wire.REVOKE_PATH,
            "scopes_supported": [wire.SCOPE],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [wire.CODE_GRANT, wire.DEVICE_GRANT],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            wire.ANONYMOUS_SUPPORTED: self._offers_anonymous(scope),
        }
        # private: the last member depends on where the request comes from.
        headers = ((b"content-type", b"application/json"), (b"cache-control", b"private, max-age=300"))
        await send_bytes(send, 200, json.dumps(answer).encode(), headers)

    async def _device_grant(self, device_code: str, seconds: float, receive: Receive) -> dict[str, Any]:
        digest = tokens.digest(device_code)
        answer = await to_thread.run_sync(self._redeem_device_code, device_code, limiter=self._redeeming)
        held = False
        if isinstance(answer, OAuthError) and answer.code == "authorization_pending":
            held = bool(seconds) and await self._hold(digest, seconds, receive)
            if held:
                self._waiting.forget_pace(digest)
                answer = await to_thread.run_sync(self._redeem_device_code, device_code, limiter=self._redeeming)
            elif self._waiting.is_too_fast(digest):
                raise OAuthError("slow_down", f"wait {wire.SLOW_DOWN_SECONDS} seconds longer between polls")
        if isinstance(answer, OAuthError):
            raise OAuthError(answer.code, answer.description, held=held)
        return answer

    async def _hold(self, digest: bytes, seconds: float, receive: Receive) -> bool:
        """Hold a request; whoever goes away meanwhile is held no longer."""
        held = asyncio.ensure_future(self._waiting.hold(digest, seconds))
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait((held, gone), return_when=asyncio.FIRST_COMPLETED)
            return held.result() if held.done() else True
        finally:
            held.cancel()
            gone.cancel()

    def _ask(self, form: Mapping[str, str], address: str) -> Issued:
        with self._database.writing() as transaction:
            return ask(transaction, self._pepper, read_asking(form, address), self._clock())

    def _redeem_device_code(self, device_code: str) -> dict[str, Any] | OAuthError:
        try:
            account, joined = redeem_device_code(self._database, self._pepper, device_code, self._clock())
        except OAuthError as error:
            # A new one, given and not raised: one that crosses threads keeps its frames, and the transaction in them, in a circle that only
            # a full collection finds; and a held request would keep them all the while.
            return OAuthError(error.code, error.description)
        return self._answer(account.name, joined)

    def _redeem_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        code, redirect_uri, verifier = (_needed(form, name) for name in ("code", "redirect_uri", "code_verifier"))
        account, joined = redeem_code(self._database, self._pepper, code, redirect_uri, verifier, self._clock())
        return self._answer(account.name, joined)

    def _answer(self, account: str, joined: Any) -> dict[str, Any]:
        expires_at = joined.key.expires_at
        return {
            "access_token": joined.secret,
            "token_type": "Bearer",
            "expires_in": int((expires_at - self._clock()).total_seconds()),
            "scope": wire.SCOPE,
            "account": account,
            "machine_id": joined.machine.id,
            "machine_name": joined.machine.name,
            "key_id": joined.key.id,
        }

    def _cancel(self, token: str) -> None:
        with self._database.writing() as transaction:
            cancel(transaction, self._pepper, token, self._clock())


async def _form(scope: Scope, receive: Receive) -> dict[str, str]:
    try:
        return await read_form(scope, receive, limits.MAX_FORM_BYTES)
    except Error as error:
        if error.code != "invalid":
            raise
        raise OAuthError("invalid_request", error.message) from None


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _preferred_wait(preferences: str | None) -> float:
    """Read `Prefer: wait=N` (RFC 7240 section 4.3); 0 when the client does not ask for it."""
    found = _PREFERRED_WAIT.search(preferences or "")
    return min(float(found.group(1)), wire.HOLD_SECONDS) if found else 0.0


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"{name} is missing")
    return value


async def _send_oauth_error(send: Send, error: OAuthError) -> None:
    # 400 for all: 401 asks for a header of HTTP authentication, which no public client has.
    applied = ((b"preference-applied", b"wait"),) if error.held else ()
    await send_json(send, {"error": error.code, "error_description": error.description}, 400, _NO_CACHE + applied)

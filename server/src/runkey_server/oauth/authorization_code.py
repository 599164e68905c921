"""The authorization code grant's first half (RFC 6749 section 4.1, RFC 7636, RFC 8252): a request to understand, a code to issue.

Only redirects to the loopback interface: `http://127.0.0.1:PORT/callback` or `http://[::1]:PORT/callback`, any port.
"""

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import tokens
from runkey_server.accounts import Account
from runkey_server.errors import Error
from runkey_server.machines import Asking
from runkey_server.oauth import store
from runkey_server.oauth.errors import OAuthError
from runkey_server.oauth.parameters import check_scope, read_asking
from runkey_wire.device_authorization import CALLBACK_PATH, CLIENT_ID, MACHINE_ID, MACHINE_NAME, OS_USER, SYSTEM

CODE_LIFETIME = timedelta(seconds=60)
_LOOPBACK = ("127.0.0.1", "::1")
# 43 characters are SHA-256 in base64url (RFC 7636 section 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_STATE_CHARACTERS = 500
# What the form carries on, and nothing else that came with it: a password that was typed into it, least of all.
_CARRIED = (
    *("response_type", "client_id", "scope", "redirect_uri", "state", "code_challenge", "code_challenge_method"),
    *(MACHINE_NAME, OS_USER, SYSTEM, MACHINE_ID),
)


@dataclass(frozen=True)
class AuthorizationRequest:
    """What a program beside a browser asks for. parameters: its query, as it was read, to be carried through the form."""

    redirect_uri: str
    state: str
    code_challenge: str
    asking: Asking
    parameters: dict[str, str]

    def answer(self, issuer: str, **values: str) -> str:
        """Write the redirect's address with an answer; `iss` says who answers (RFC 9207)."""
        return f"{self.redirect_uri}?{urllib.parse.urlencode({**values, 'state': self.state, 'iss': issuer})}"


def read_request(query: Mapping[str, str], address: str, issuer: str) -> AuthorizationRequest:
    """Understand a request's query.

    Raises Error `invalid` when it cannot even be answered, because client or redirect are not what they must be; Refused with the
    redirect that says what is wrong otherwise.
    """
    if query.get("client_id") != CLIENT_ID:
        raise Error("invalid", f"This program is not known here: its client_id is not {CLIENT_ID!r}. Start the login again.")
    redirect_uri = query.get("redirect_uri", "")
    if not is_loopback_redirect(redirect_uri):
        raise Error("invalid", f"The login must come back to http://127.0.0.1:PORT{CALLBACK_PATH} on your own computer. Start it again.")
    request = AuthorizationRequest(
        redirect_uri,
        query.get("state", "")[:_MAX_STATE_CHARACTERS],
        query.get("code_challenge", ""),
        read_asking(query, address),
        {name: query[name] for name in _CARRIED if name in query},
    )
    try:
        _check(request, query)
    except OAuthError as error:
        raise Refused(request.answer(issuer, error=error.code, error_description=error.description)) from None
    return request


class Refused(Exception):
    """A request that is answered with an error by its redirect. location: where to."""

    def __init__(self, location: str) -> None:
        super().__init__("refused")
        self.location = location


def is_loopback_redirect(uri: str) -> bool:
    """Tell whether a redirect comes back to the loopback interface, at the one path, on a port of the client's choice."""
    try:
        parts = urllib.parse.urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if host not in _LOOPBACK or port is None:
        return False
    # Compared as a whole, so that no user, no query and no other spelling of an address gets by.
    return uri == f"http://{f'[{host}]' if ':' in host else host}:{port}{CALLBACK_PATH}"


def issue_code(transaction: sa.Connection, request: AuthorizationRequest, account: Account, at: datetime) -> str:
    """Make the code that the redirect carries, this once; it works for a minute."""
    code = tokens.mint_token()
    store.insert_code(
        transaction,
        tokens.digest(code),
        request.asking,
        account_id=account.id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        at=at,
        ends=at + CODE_LIFETIME,
    )
    return code


def _check(request: AuthorizationRequest, query: Mapping[str, str]) -> None:
    if query.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(request.code_challenge):
        raise OAuthError("invalid_request", "PKCE is needed: code_challenge_method=S256 and a code_challenge of 43 characters")
    if not request.state or len(query.get("state", "")) > _MAX_STATE_CHARACTERS:
        raise OAuthError("invalid_request", "state is needed, of at most 500 characters")
    check_scope(query)

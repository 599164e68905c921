"""The authorization server: how a machine gets a key of its own without anybody pasting one.

Two grants: the device code (RFC 8628), for a machine whose browser may be elsewhere, and the authorization code with PKCE over a loopback
redirect (RFC 8252, 7636), for a program beside a browser. Revocation (RFC 7009) and metadata (RFC 8414). The client is `runkey`, public;
the one scope is `runs`.

Tables: `device_authorizations`, `authorization_codes`; hashes, never codes. Nothing is minted when a person approves: the machine's key
comes into being when the machine redeems its code, so no secret waits in a table. The machine's row and key are made by `machines`; the
pages on which people approve are in `web`.
"""

from runkey_server.oauth.approving import approve, deny, look_up
from runkey_server.oauth.authorization_code import AuthorizationRequest, issue_code, read_request
from runkey_server.oauth.device_authorization import Issued, ask
from runkey_server.oauth.errors import OAuthError
from runkey_server.oauth.model import DeviceAuthorization
from runkey_server.oauth.redeeming import cancel, redeem_code, redeem_device_code
from runkey_server.oauth.store import forget_expired
from runkey_server.oauth.waiting import Waiting

__all__ = [
    "AuthorizationRequest",
    "DeviceAuthorization",
    "Issued",
    "OAuthError",
    "Waiting",
    "approve",
    "ask",
    "cancel",
    "deny",
    "forget_expired",
    "issue_code",
    "look_up",
    "read_request",
    "redeem_code",
    "redeem_device_code",
]

"""OAuth's own errors: a code out of the RFCs' lists, and a sentence. The client decides by the code."""

from typing import Literal

OAuthCode = Literal[
    # RFC 6749 sections 4.1.2.1 and 5.2
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "access_denied",
    # RFC 8628 section 3.5
    "authorization_pending",
    "slow_down",
    "expired_token",
    # RFC 7009 section 2.2.1
    "unsupported_token_type",
]


class OAuthError(Exception):
    """What a client asked for and does not get: for `authorization_pending` and `slow_down`, not yet."""

    def __init__(self, code: OAuthCode, description: str, *, held: bool = False) -> None:
        """held: whether the request was held, as it preferred, before this answer."""
        super().__init__(description)
        self.held = held
        self.code: OAuthCode = code
        self.description = description

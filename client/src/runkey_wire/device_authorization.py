"""The words of the device authorization grant (RFC 8628) and of the authorization code grant with PKCE (RFC 6749, 7636), as both sides
use them here.
"""

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CODE_GRANT = "authorization_code"
CLIENT_ID = "runkey"
SCOPE = "runs"

DEVICE_AUTHORIZATION_PATH = "/oauth/device_authorization"
AUTHORIZE_PATH = "/oauth/authorize"
TOKEN_PATH = "/oauth/token"
REVOKE_PATH = "/oauth/revoke"
METADATA_PATH = "/.well-known/oauth-authorization-server"
ANONYMOUS_SUPPORTED = "runkey_anonymous_accounts_supported"
"""Our own member of the metadata (RFC 8414 section 2 lets there be others)."""

CALLBACK_PATH = "/callback"
"""The path of a redirect to the loopback interface (RFC 8252 section 7.3); its port is the client's choice."""

EXPIRES_IN_SECONDS = 600
INTERVAL_SECONDS = 5
SLOW_DOWN_SECONDS = 5
"""By how much `slow_down` lengthens the interval (RFC 8628 section 3.5)."""

HOLD_SECONDS = 25
"""How long a token request may be held that says `Prefer: wait=25` (RFC 7240): below the 30 seconds at which proxies lose patience."""

USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_CHARACTERS = (8, 10)
"""Short, and longer when many are alive at once, so that a guess stays as unlikely."""

# What a machine tells of itself, so that the person who approves knows it: parameters of both endpoints.
MACHINE_NAME = "machine_name"
OS_USER = "os_user"
SYSTEM = "system"
MACHINE_ID = "machine_id"
MAX_MACHINE_WORD_CHARACTERS = 100


def shown_user_code(code: str) -> str:
    """Write a user code as people read it: two halves with a dash between."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def read_user_code(typed: str) -> str | None:
    """Read a user code as people type it: in any case, with or without dashes and spaces; None for anything that is none."""
    code = "".join(character for character in typed[:40].upper() if character not in "- –—\t")
    whole = len(code) in USER_CODE_CHARACTERS and all(character in USER_CODE_ALPHABET for character in code)
    return code if whole else None


def machine_word(text: str) -> str:
    """Cut what a machine says of itself to what can be shown: one short line without control characters."""
    shown = "".join(character if character.isprintable() else "�" for character in text[:MAX_MACHINE_WORD_CHARACTERS])
    return shown.strip()

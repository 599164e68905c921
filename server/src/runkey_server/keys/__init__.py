"""API keys: the one kind of secret a machine holds.

Table: `api_keys`, which holds keyed hashes, never secrets. Minting gives a secret out once; verifying refuses a malformed key without any
look-up and answers the rest from memory or one indexed look-up; what ends a key is here. What a key may do with a project is decided in
`projects`.
"""

from runkey_server.keys.authenticating import Authenticator, presented_key
from runkey_server.keys.minting import import_key, mint, retire, rotate
from runkey_server.keys.model import GRACE, LIFETIME, ApiKey
from runkey_server.keys.revoking import find_key, find_key_by_secret, get_key, list_keys, revoke
from runkey_server.keys.verifying import Verifier

__all__ = [
    "GRACE",
    "LIFETIME",
    "ApiKey",
    "Authenticator",
    "Verifier",
    "find_key",
    "find_key_by_secret",
    "get_key",
    "import_key",
    "list_keys",
    "mint",
    "presented_key",
    "retire",
    "revoke",
    "rotate",
]

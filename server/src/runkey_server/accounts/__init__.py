"""People: signing up, signing in, browser sessions, one-time links. An account is also an entity, the owner of projects.

Tables: `accounts`, `browser_sessions`, `one_time_links`. What an account may do is decided in `projects`; its API keys live in `keys`.
"""

from runkey_server.accounts.links import FIRST_ADMINISTRATOR, SIGN_IN, find_link, issue_link, redeem_first_administrator, redeem_sign_in
from runkey_server.accounts.managing import (
    administrator_exists,
    create_account,
    delete_account,
    disable_account,
    find_account,
    get_account,
    list_accounts,
)
from runkey_server.accounts.model import RESERVED_NAMES, Account
from runkey_server.accounts.sessions import SESSION_DAYS, begin_session, end_session, find_session
from runkey_server.accounts.signing_in import sign_in

__all__ = [
    "FIRST_ADMINISTRATOR",
    "RESERVED_NAMES",
    "SESSION_DAYS",
    "SIGN_IN",
    "Account",
    "administrator_exists",
    "begin_session",
    "create_account",
    "delete_account",
    "disable_account",
    "end_session",
    "find_account",
    "find_link",
    "find_session",
    "get_account",
    "issue_link",
    "list_accounts",
    "redeem_first_administrator",
    "redeem_sign_in",
    "sign_in",
]

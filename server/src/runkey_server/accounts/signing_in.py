"""Checks a name and a password, at the same cost and with the same words when there is no such name."""

from runkey_server import passwords
from runkey_server.accounts import store
from runkey_server.accounts.model import Account
from runkey_server.database import Database
from runkey_server.errors import Error


def sign_in(database: Database, name: str, password: str) -> Account:
    """Find the account that this name and password belong to. Raises Error `unauthenticated`, never saying which was wrong."""
    with database.reading() as transaction:
        account = store.find_account(transaction, name.strip().lower())
        kept = store.find_password_hash(transaction, account.id) if account and account.is_active else None
    # Outside the transaction: hashing takes tens of milliseconds, and a reader's place should not be held that long.
    is_right = passwords.is_right(password, kept)
    if account is None or not is_right:
        raise Error("unauthenticated", "No account has this name and this password. Check both and try again.")
    if kept and passwords.needs_rehash(kept):
        rehashed = passwords.hash_password(password)
        with database.writing() as transaction:
            store.set_password_hash(transaction, account.id, rehashed)
    return account

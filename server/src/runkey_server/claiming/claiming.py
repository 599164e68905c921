"""Moves what an account without a name logged to somebody's account: all of it in one transaction, once."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runkey_server import accounts, keys, projects, runs
from runkey_server.accounts import Account
from runkey_server.errors import Error

PAGE = "/"


@dataclass(frozen=True)
class Claimed:
    """What changed hands. entity: the account it was in; projects: their names by now."""

    entity: str
    projects: tuple[str, ...]
    runs: int


def issue_claim_link(transaction: sa.Connection, account: Account, at: datetime) -> str:
    """Make a claim link's code; an earlier one stops working. Raises Error `forbidden` for an account with a name."""
    if not account.is_anonymous or account.claimed_by is not None:
        raise Error("forbidden", "There is nothing to claim: this account has a name, or was claimed already.")
    return accounts.issue_link(transaction, accounts.CLAIM, at=at, account=account)


def find_claimable(transaction: sa.Connection, code: str, at: datetime) -> Account | None:
    """Give the account that a claim code belongs to; None for a code that does not work, or not any more."""
    account = accounts.find_linked_account(transaction, code, accounts.CLAIM, at)
    return account if account is not None and account.is_active and account.is_anonymous and account.claimed_by is None else None


def claim(transaction: sa.Connection, code: str, by: Account, at: datetime) -> Claimed:
    """Take over all projects and runs of the account that a code belongs to.

    Its key is retired: runs under way write on to their end with it, and it opens no more. Raises Error `forbidden` for a code that does
    not work any more, and for an account without a name that would claim another.
    """
    if by.is_anonymous:
        raise Error("forbidden", "An account without a name cannot claim another. Sign in to your own.")
    account = find_claimable(transaction, code, at)
    if account is None or not accounts.spend_link(transaction, code, at) or not accounts.mark_claimed(transaction, account, by):
        raise Error("forbidden", "This claim link was used already, or its time is over. Make a new one: runkey claim")
    count = runs.count_runs_of(transaction, account.id)
    names = projects.transfer(transaction, account.id, by.id)
    for key in keys.list_keys(transaction, account_id=account.id):
        keys.retire(transaction, key, at)
    accounts.tell(transaction, by.id, f"{count} run{'s' if count != 1 else ''} of {account.name} moved to your account.", PAGE, at)
    return Claimed(account.name, tuple(names), count)

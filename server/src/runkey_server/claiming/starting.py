"""Makes an account without a name, its one key, and its two links."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from runkey_server import accounts, keys
from runkey_server.accounts import Account
from runkey_server.claiming.offer import Caps
from runkey_server.keys import ApiKey


@dataclass(frozen=True)
class Started:
    """What is given out this once. dashboard_code: opens its pages as often as one likes; claim_code: works once."""

    account: Account
    key: ApiKey
    secret: str
    dashboard_code: str
    claim_code: str


def start(transaction: sa.Connection, pepper: bytes, caps: Caps, network: str, at: datetime) -> Started:
    """Make an account. Raises Error `too_many` when a network makes too many of them."""
    bucket = f"anonymous {network}"
    accounts.check_limit(transaction, bucket, accounts.ANONYMOUS_FROM_ONE_PLACE, at)
    accounts.note_attempt(transaction, bucket, at)
    ends = at + timedelta(days=caps.days)
    account = accounts.create_anonymous_account(transaction, at=at, until=ends)
    key, secret = keys.mint(transaction, pepper, account.id, kind="anonymous", description="without an account", expires_at=ends, at=at)
    return Started(
        account,
        key,
        secret,
        accounts.issue_link(transaction, accounts.DASHBOARD, at=at, account=account, expires_at=ends),
        accounts.issue_link(transaction, accounts.CLAIM, at=at, account=account),
    )

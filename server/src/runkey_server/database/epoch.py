"""The one-row counter that says: something about who may do what has changed.

Revoking a key, disabling an account and the like bump it in their own transaction. Every worker reads it several times a second and
forgets what it remembers of credentials when it moved, so that a revoked key is refused everywhere within a second although a check
normally costs no query.
"""

import sqlalchemy as sa

from runkey_server.database.columns import metadata

_epoch = sa.Table(
    "credential_epoch",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)


def bump_epoch(transaction: sa.Connection) -> None:
    """Count one change."""
    transaction.execute(sa.update(_epoch).values(value=_epoch.c.value + 1))


def read_epoch(transaction: sa.Connection) -> int:
    """Give the count."""
    return int(transaction.execute(sa.select(_epoch.c.value)).scalar_one())

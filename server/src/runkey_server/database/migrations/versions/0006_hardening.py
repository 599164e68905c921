"""Which key a login gave, from which network it was asked for; which key took another's place; when a password was last set."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("device_authorizations", sa.Column("spent_by", sa.Text))
    op.add_column("device_authorizations", sa.Column("network", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_device_authorizations_network", "device_authorizations", ["network"])
    op.add_column("api_keys", sa.Column("replaces", sa.Text))
    op.create_index("ix_api_keys_replaces", "api_keys", ["replaces"])
    op.add_column("accounts", sa.Column("password_set_at", sa.BigInteger))

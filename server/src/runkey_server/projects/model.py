"""What a project is."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Project:
    """A named place for runs. entity: the name of the account that owns it."""

    id: int
    account_id: int
    entity: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None

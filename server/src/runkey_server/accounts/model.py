"""What an account is."""

from dataclasses import dataclass
from datetime import datetime

# Names that the server's own addresses take, or soon may; a test holds them against the route table.
RESERVED_NAMES = frozenset(
    "account accounts admin api artifacts artifactsv2 assets authorize claim device docs favicon files first graphql healthz help "
    "invitation invite login logout machines metrics new oauth oidc public ready readyz robots runkey runs sdk search settings setup "
    "signin signout signup static storage teams user users welcome well-known".split()
)


@dataclass(frozen=True)
class Account:
    """A person who signs in and owns projects. name: also the entity; lower case, unique for ever."""

    id: int
    name: str
    is_admin: bool
    email: str | None
    created_at: datetime
    disabled_at: datetime | None = None
    has_password: bool = False

    @property
    def is_active(self) -> bool:
        """Whether its credentials count."""
        return self.disabled_at is None

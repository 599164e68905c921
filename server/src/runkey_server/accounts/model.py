"""What an account is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# Names that the server's own addresses take, or soon may; a test holds them against the route table.
RESERVED_NAMES = frozenset(
    "account accounts admin anonymous api artifacts artifactsv2 assets authorize claim device docs favicon files first graphql healthz "
    "help invitation invite login logout machines metrics new notices oauth oidc public ready readyz robots runkey runs sdk search "
    "settings setup signin signout signup static storage teams try user users welcome well-known".split()
)


FRESH = timedelta(minutes=5)
"""How long after a sign-in keys can be made, machines approved and passwords changed without giving the password again."""

ANONYMOUS_PREFIX = "anon-"


@dataclass(frozen=True)
class Account:
    """A person who signs in and owns projects. name: also the entity; lower case, unique for ever.

    anonymous_until: set for an account without a name: when it is purged unless it is claimed. claimed_by: who claimed it.
    """

    id: int
    name: str
    is_admin: bool
    email: str | None
    created_at: datetime
    disabled_at: datetime | None = None
    has_password: bool = False
    anonymous_until: datetime | None = None
    claimed_by: int | None = None
    stored_bytes: int = 0

    @property
    def is_active(self) -> bool:
        """Whether its credentials count."""
        return self.disabled_at is None

    @property
    def is_anonymous(self) -> bool:
        """Whether it was made without a name, claimed or not."""
        return self.anonymous_until is not None


@dataclass(frozen=True)
class BrowserSession:
    """A browser that is signed in. handle: its public id; signed_in_at: when its password was last given; is_guest: it may only look."""

    account: Account
    handle: str
    signed_in_at: datetime
    expires_at: datetime
    user_agent: str
    address: str
    is_guest: bool = False

    def is_fresh(self, at: datetime) -> bool:
        """Whether the password was given so lately that it need not be asked for again before something that matters."""
        return at - self.signed_in_at < FRESH


@dataclass(frozen=True)
class Notice:
    """Something an account is told once: words, and the page where more is found."""

    id: int
    at: datetime
    words: str
    path: str

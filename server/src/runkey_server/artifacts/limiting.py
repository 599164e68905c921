"""How much there may be of what costs no bytes of files: names, types, collections, versions under way."""

from collections.abc import Sized

import sqlalchemy as sa

from runkey_server.artifacts import store
from runkey_server.artifacts.model import Collection
from runkey_server.errors import Error

MAX_ID_CHARACTERS = 512
"""Of digests and clients' own ids: four bytes each fit into an index of PostgreSQL, which takes some 2,700."""

_MAX_ALIASES_AT_ONCE = 100
_MAX_ALIASES = 1_000
"""Of one version in one collection: whoever reads a version is given them all."""

_MAX_TYPES = 1_000
_MAX_COLLECTIONS = 10_000
_MAX_PENDING = 10_000
"""Of one sequence. What is given up stays for a week, and jobs that crash in a circle must not fill the disk with it."""

_MAX_MANIFESTS = 10_000
"""Of one version: one a writer, who may have announced it more than once before its digest was known."""


def check_count(aliases: Sized) -> None:
    """Raise Error `invalid` for more aliases than may be given in one call."""
    if len(aliases) > _MAX_ALIASES_AT_ONCE:
        raise Error("invalid", f"At most {_MAX_ALIASES_AT_ONCE} aliases can be given at once.")


def check_aliases_at(transaction: sa.Connection, membership_id: int) -> None:
    """Raise Error `invalid` when a version has more aliases in a collection than it may."""
    if store.places.count_aliases(transaction, membership_id) > _MAX_ALIASES:
        raise Error("invalid", f"A version has at most {_MAX_ALIASES:,} aliases in a collection.")


def check_types(transaction: sa.Connection, project_id: int) -> None:
    """Raise Error `invalid` when a project has more types than it may."""
    if store.collections.count_types(transaction, project_id) > _MAX_TYPES:
        raise Error("invalid", f"A project has at most {_MAX_TYPES:,} types of artifacts.")


def check_collections(transaction: sa.Connection, project_id: int) -> None:
    """Raise Error `invalid` when a project has more collections than it may; deleted ones count until they are purged."""
    if store.collections.count_collections_in(transaction, project_id) > _MAX_COLLECTIONS:
        raise Error("invalid", f"A project has at most {_MAX_COLLECTIONS:,} collections of artifacts.")


def check_manifests(there: Sized) -> None:
    """Raise Error `invalid` when no writer more can announce a manifest of a version."""
    if len(there) >= _MAX_MANIFESTS:
        raise Error("invalid", f"A version has at most {_MAX_MANIFESTS:,} manifests.")


def check_pending(transaction: sa.Connection, sequence: Collection) -> None:
    """Raise Error `invalid` when no version more can be begun in a sequence."""
    if store.versions.count_pending(transaction, sequence.id) >= _MAX_PENDING:
        many = f"{_MAX_PENDING:,} versions of {sequence.name!r} were begun and never committed."
        raise Error("invalid", f"{many} Those that nobody goes on with are dropped after a week.")

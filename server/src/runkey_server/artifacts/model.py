"""What a collection, a version and its place in a collection are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

State = Literal["PENDING", "COMMITTED", "DELETED"]
Kind = Literal["SEQUENCE", "PORTFOLIO"]
ManifestType = Literal["FULL", "PATCH", "INCREMENTAL"]

LATEST = "latest"
"""The alias of what was logged or linked last; see `aliasing`."""

NO_TTL = -2
INHERITED_TTL = -1
"""What the official client says in the place of seconds: never, and as its project has it (which here is never)."""


@dataclass(frozen=True)
class ArtifactType:
    """A kind of artifacts of a project, such as "dataset"; made by the first that names it."""

    id: int
    project_id: int
    name: str
    created_at: datetime


@dataclass(frozen=True)
class Collection:
    """Where versions are: a sequence, to which they are logged, or a portfolio, to which they are linked.

    account_id: who owns its project.
    """

    id: int
    project_id: int
    account_id: int
    kind: Kind
    type_name: str
    name: str
    description: str | None
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Artifact:
    """One version. digest: of its whole manifest, hex. metadata: JSON text, kept as it came.

    version_index: in its sequence, once committed. size_bytes, file_count: of what it holds, references included, once committed.
    ttl_seconds: as the client says it; see NO_TTL.
    """

    id: int
    project_id: int
    account_id: int
    collection_id: int
    collection_name: str
    type_name: str
    run_id: int | None
    state: State
    digest: str
    description: str | None
    metadata: str
    tags: tuple[str, ...]
    ttl_seconds: int | None
    history_step: int | None
    client_id: str | None
    distributed_id: str | None
    wanted_aliases: tuple[str, ...]
    version_index: int | None
    size_bytes: int
    file_count: int
    commit_hash: str | None
    created_at: datetime
    updated_at: datetime
    committed_at: datetime | None
    expires_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class Membership:
    """A version's place in a collection."""

    id: int
    collection_id: int
    artifact_id: int
    version_index: int
    created_at: datetime


@dataclass(frozen=True)
class Alias:
    """A name for a version in a collection."""

    id: int
    alias: str
    collection_id: int
    artifact_id: int


@dataclass(frozen=True)
class Version:
    """A version as a collection has it: its place there, what it is, and what it is called there."""

    place: Membership
    artifact: Artifact
    aliases: tuple[str, ...]


class Entry(NamedTuple):
    """One file of a version, or one reference to something that lies elsewhere. digest: base64 of the MD5; of a reference its own.

    A tuple, because a version may have a hundred thousand, and they are made while nobody else writes.
    """

    path: str
    digest: str
    size_bytes: int
    ref: str | None


@dataclass(frozen=True)
class Manifest:
    """The list of what a version holds. md5: of its bytes, base64; None until they were announced."""

    id: int
    artifact_id: int
    type: ManifestType
    md5: str | None
    base_artifact_id: int | None


@dataclass(frozen=True)
class Wanted:
    """A version that somebody wants to log.

    run_name: of the run that logs it. deduplicates: a version of the same digest, if there is one, is given instead.
    """

    entity: str | None
    project: str | None
    run_name: str | None
    type_name: str
    name: str
    digest: str
    aliases: tuple[str, ...]
    description: str | None = None
    metadata: str | None = None
    tags: tuple[str, ...] = ()
    ttl_seconds: int | None = None
    history_step: int | None = None
    client_id: str | None = None
    sequence_client_id: str | None = None
    distributed_id: str | None = None
    deduplicates: bool = True

"""Artifacts: versions of files that belong together, named, aliased, used and logged by runs.

Tables: `artifact_types`, `artifact_collections`, `artifacts`, `artifact_memberships`, `artifact_aliases`, `artifact_manifests`,
`artifact_entries`, `artifact_parts`, `artifact_uses`, `loose_blobs`. A version is begun (`creating`), what it holds is announced and sent,
a large file in parts (`joining`), and it is committed: from then on it does not change. The bytes lie in `files`, as blobs of the project
under the MD5 by which manifests name them, so equal files of all versions are kept once; `freeing` alone drops those that nothing needs. A
collection is a sequence, to which versions are logged, or a portfolio, to which they are linked; a version's place in either is a
membership, which has a number and aliases.
"""

from runkey_server.artifacts.aliasing import AliasOf, add_aliases, remove_aliases, set_aliases
from runkey_server.artifacts.changing import Changes, move_sequence, retag_collection, update_artifact, update_collection
from runkey_server.artifacts.committing import commit
from runkey_server.artifacts.creating import announce, create, put_manifest, update_manifest
from runkey_server.artifacts.deleting import delete, delete_artifact, delete_collection, measure_freed
from runkey_server.artifacts.finding import (
    find_artifact,
    find_artifacts,
    find_by_client_id,
    find_by_content,
    find_by_name,
    find_collection,
    find_collection_by_id,
    find_latest,
    find_membership,
    get_artifact,
    get_collection,
)
from runkey_server.artifacts.freeing import note_arrival, sweep_due
from runkey_server.artifacts.joining import Parts, find_parts, join
from runkey_server.artifacts.linking import link, unlink
from runkey_server.artifacts.listing import list_collections, list_inputs, list_memberships, list_outputs, list_places, list_versions
from runkey_server.artifacts.model import (
    LATEST,
    NO_TTL,
    Alias,
    Artifact,
    ArtifactType,
    Collection,
    Entry,
    Manifest,
    Membership,
    Version,
    Wanted,
)
from runkey_server.artifacts.moving import move_along
from runkey_server.artifacts.purging import ABANDONED_AFTER, expire, purge_due, purge_project
from runkey_server.artifacts.store.collections import count_collections, count_versions, find_type, list_types
from runkey_server.artifacts.store.contents import count_entries, find_manifest, list_entries, list_manifests
from runkey_server.artifacts.store.places import list_aliases, list_aliases_at, list_collection_aliases
from runkey_server.artifacts.store.versions import forget_runs
from runkey_server.artifacts.using import find_run, list_users, use
from runkey_server.artifacts.weighing import weigh, weigh_collection

__all__ = [
    "ABANDONED_AFTER",
    "LATEST",
    "NO_TTL",
    "Alias",
    "AliasOf",
    "Artifact",
    "ArtifactType",
    "Changes",
    "Collection",
    "Entry",
    "Manifest",
    "Membership",
    "Parts",
    "Version",
    "Wanted",
    "add_aliases",
    "announce",
    "commit",
    "count_collections",
    "count_entries",
    "count_versions",
    "create",
    "delete",
    "delete_artifact",
    "delete_collection",
    "expire",
    "find_artifact",
    "find_artifacts",
    "find_by_client_id",
    "find_by_content",
    "find_by_name",
    "find_collection",
    "find_collection_by_id",
    "find_latest",
    "find_manifest",
    "find_membership",
    "find_parts",
    "find_run",
    "find_type",
    "forget_runs",
    "get_artifact",
    "get_collection",
    "join",
    "link",
    "list_aliases",
    "list_aliases_at",
    "list_collection_aliases",
    "list_collections",
    "list_entries",
    "list_inputs",
    "list_manifests",
    "list_memberships",
    "list_outputs",
    "list_places",
    "list_types",
    "list_users",
    "list_versions",
    "measure_freed",
    "move_along",
    "move_sequence",
    "note_arrival",
    "purge_due",
    "purge_project",
    "put_manifest",
    "remove_aliases",
    "retag_collection",
    "set_aliases",
    "sweep_due",
    "unlink",
    "update_artifact",
    "update_collection",
    "update_manifest",
    "use",
    "weigh",
    "weigh_collection",
]

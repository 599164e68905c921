"""Artifacts as they are read: types, collections, versions, their places, aliases and files. What changes them is in `artifact_acts`."""

from collections.abc import Iterable
from typing import Any

from runkey_server import artifacts
from runkey_server.artifacts import Alias, Artifact, ArtifactType, Collection, Entry, Manifest, Membership
from runkey_server.errors import Error
from runkey_server.files import type_of
from runkey_server.graphql import ids
from runkey_server.graphql.context import Context, Info, page_of
from runkey_server.graphql.projects import as_project
from runkey_server.graphql.runs import as_run
from runkey_server.projects import Project, find_project_by_id
from runkey_server.runs import Run

_MAX_FILES_A_PAGE = 5_000
_MAX_PLACES = 1_000
_INHERITED_TTL = -1
_HEX = 16


def as_collection(collection: Collection) -> dict[str, Any]:
    """Describe a collection."""
    return {
        "__typename": "ArtifactSequence" if collection.kind == "SEQUENCE" else "ArtifactPortfolio",
        "__self": collection,
        "id": ids.build("ArtifactCollection", collection.id),
        "name": collection.name,
        "description": collection.description,
        "state": "READY",
        "createdAt": collection.created_at,
        "updatedAt": collection.updated_at,
        "tags": {"edges": [{"node": as_tag(collection.id, tag)} for tag in collection.tags]},
        "digestAlgorithm": "MANIFEST_MD5",
    }


def as_artifact(artifact: Artifact) -> dict[str, Any]:
    """Describe a version; what costs a look-up has a resolver of its own."""
    ttl = artifact.ttl_seconds
    return {
        "__self": artifact,
        "id": ids.build("Artifact", artifact.id),
        "versionIndex": artifact.version_index,
        "description": artifact.description,
        "metadata": artifact.metadata,
        "labels": "[]",
        "ttlDurationSeconds": _INHERITED_TTL if ttl is None else ttl,
        "ttlIsInherited": ttl is None,
        "tags": [as_tag(artifact.id, tag) for tag in artifact.tags],
        "historyStep": artifact.history_step,
        "state": artifact.state,
        "size": artifact.size_bytes,
        "digest": artifact.digest,
        "digestAlgorithm": "MANIFEST_MD5",
        "commitHash": artifact.commit_hash,
        "fileCount": artifact.file_count,
        "createdAt": artifact.created_at,
        "updatedAt": artifact.updated_at,
    }


def as_membership(place: Membership) -> dict[str, Any]:
    """Describe a version's place in a collection."""
    return {
        "__self": place,
        "id": ids.build("ArtifactCollectionMembership", place.id),
        "versionIndex": place.version_index,
        "createdAt": place.created_at,
    }


def as_manifest(manifest: Manifest, project_id: int) -> dict[str, Any]:
    """Describe a manifest; its file is a blob of the project."""
    return {
        "id": ids.build("ArtifactManifest", manifest.id),
        "type": manifest.type,
        "digest": manifest.md5,
        "file": as_file(ids.build("ArtifactManifest", manifest.id), "wandb_manifest.json", project_id, manifest.md5 or "", 0),
    }


def as_file(file_id: str, name: str, project_id: int, md5: str, size_bytes: int) -> dict[str, Any]:
    """Describe a file of an artifact. Its addresses are made when they are asked for."""
    return {
        "__blob": (project_id, md5, name),
        "id": file_id,
        "name": name,
        "displayName": name,
        "sizeBytes": size_bytes,
        "mimetype": type_of(name),
        "md5": md5,
        "digest": md5,
        "storagePath": f"blobs/{md5}" if md5 else None,
        "uploadHeaders": [],
    }


def as_tag(owner_id: int, name: str) -> dict[str, Any]:
    """Describe a tag; it has no row of its own."""
    return {"id": f"Tag:{owner_id}:{name}", "name": name, "tagCategoryName": None}


def page_from(edges: list[dict[str, Any]], at_most: int, total: int | None = None) -> dict[str, Any]:
    """Make a connection of edges, of which one more than fits was looked for."""
    page = edges[:at_most]
    made = {"edges": page, "pageInfo": {"endCursor": page[-1]["cursor"] if page else None, "hasNextPage": len(edges) > at_most}}
    return made if total is None else made | {"totalCount": total}


# --- where they are looked for ----------------------------------------------------------------------------------------


def _by_id(_: Any, info: Info, id: str) -> Any:
    context: Context = info.context
    found = artifacts.find_artifact(context.transaction, context.caller, ids.number_of("Artifact", id))
    return None if found is None else as_artifact(found)


def _collection_by_id(_: Any, info: Info, id: str) -> Any:
    context: Context = info.context
    found = artifacts.find_collection_by_id(context.transaction, context.caller, ids.number_of("ArtifactCollection", id))
    return None if found is None else as_collection(found)


def _by_client_id(_: Any, info: Info, clientID: str) -> Any:  # noqa: N803
    context: Context = info.context
    found = artifacts.find_by_client_id(context.transaction, context.caller, clientID)
    return None if found is None else {"serverID": ids.build("Artifact", found.id)}


def _in_project(source: dict[str, Any], info: Info, name: str, **_: Any) -> Any:
    place = artifacts.find_by_name(info.context.transaction, source["__self"], name)
    return None if place is None else _artifact_at(place, info)


def _membership_in_project(source: dict[str, Any], info: Info, name: str) -> Any:
    place = artifacts.find_by_name(info.context.transaction, source["__self"], name)
    return None if place is None else as_membership(place)


def _collection_in_project(source: dict[str, Any], info: Info, name: str) -> Any:
    found = artifacts.find_collection(info.context.transaction, source["__self"], name)
    return None if found is None else as_collection(found)


def _collections_in_project(source: dict[str, Any], info: Info, **page: Any) -> dict[str, Any]:
    return _collections(source["__self"], None, info, **page)


# --- types ------------------------------------------------------------------------------------------------------------


def _as_type(found: ArtifactType, project: Project) -> dict[str, Any]:
    return {
        "__self": found,
        "__project": project,
        "id": ids.build("ArtifactType", found.id),
        "name": found.name,
        "description": None,
        "createdAt": found.created_at,
    }


def _type(source: dict[str, Any], info: Info, name: str) -> Any:
    found = artifacts.find_type(info.context.transaction, source["__self"].id, name)
    return None if found is None else _as_type(found, source["__self"])


def _types(
    source: dict[str, Any],
    info: Info,
    after: str | None = None,
    first: int | None = None,
    includeAll: bool | None = None,  # noqa: N803
) -> dict[str, Any]:
    at_most = page_of(first)
    after_id = ids.number_of("ArtifactType", after) if after else 0
    found = artifacts.list_types(info.context.transaction, source["__self"].id, after_id, at_most + 1)
    info.context.spend(len(found))
    edges = [{"node": _as_type(each, source["__self"]), "cursor": ids.build("ArtifactType", each.id)} for each in found]
    return page_from(edges, at_most)


def _collection_of_type(source: dict[str, Any], info: Info, name: str) -> Any:
    found = artifacts.find_collection(info.context.transaction, source["__project"], name)
    return as_collection(found) if found is not None and found.type_name == source["name"] else None


def _sequence_of_type(source: dict[str, Any], info: Info, name: str) -> Any:
    found = _collection_of_type(source, info, name)
    return found if found is not None and found["__self"].kind == "SEQUENCE" else None


def _artifact_of_type(source: dict[str, Any], info: Info, name: str) -> Any:
    place = artifacts.find_by_name(info.context.transaction, source["__project"], name)
    found = None if place is None else _artifact_at(place, info)
    return found if found is not None and found["__self"].type_name == source["name"] else None


def _collections_of_type(source: dict[str, Any], info: Info, **page: Any) -> dict[str, Any]:
    return _collections(source["__project"], source["name"], info, **page)


def _collections(
    project: Project,
    type_name: str | None,
    info: Info,
    after: str | None = None,
    first: int | None = None,
    filters: str | None = None,
    order: str | None = None,
) -> dict[str, Any]:
    at_most, skip = page_of(first), _skip(after)
    found, total = artifacts.list_collections(
        info.context.transaction, project, type_name, filters=filters, order=order, skip=skip, at_most=at_most + 1
    )
    info.context.spend(len(found))
    edges = [{"node": as_collection(each), "cursor": ids.build("Page", skip + index)} for index, each in enumerate(found, 1)]
    return page_from(edges, at_most, total)


# --- collections ------------------------------------------------------------------------------------------------------


def _project_of(source: dict[str, Any], info: Info) -> Any:
    project = _project_by_id(info, source["__self"].project_id)
    return None if project is None else as_project(project)


def _project_by_id(info: Info, project_id: int) -> Project | None:
    context: Context = info.context
    return context.once(("project", project_id), lambda: find_project_by_id(context.transaction, project_id))


def _type_of(source: dict[str, Any], info: Info) -> dict[str, Any]:
    context: Context = info.context
    named = (source["__self"].project_id, source["__self"].type_name)
    project = _project_by_id(info, named[0])
    found = context.once(("artifact type", named), lambda: artifacts.find_type(context.transaction, *named))
    if project is None or found is None:
        raise Error("not_found", "There is no such artifact type any more.")
    return _as_type(found, project)


def _aliases_in(source: dict[str, Any], info: Info, after: str | None = None, first: int | None = None) -> dict[str, Any]:
    at_most = page_of(first)
    after_id = ids.number_of("ArtifactAlias", after) if after else 0
    found = artifacts.list_collection_aliases(info.context.transaction, source["__self"].id, after_id, at_most + 1)
    info.context.spend(len(found))
    edges = [{"node": _as_alias(each, info), "cursor": ids.build("ArtifactAlias", each.id)} for each in found]
    return page_from(edges, at_most)


def _versions(
    source: dict[str, Any],
    info: Info,
    after: str | None = None,
    first: int | None = None,
    order: str | None = None,
    filters: str | None = None,
) -> dict[str, Any]:
    at_most, skip = page_of(first), _skip(after)
    found, total = artifacts.list_memberships(
        info.context.transaction, source["__self"], filters=filters, order=order, skip=skip, at_most=at_most + 1
    )
    info.context.spend(len(found))
    by_id = artifacts.find_artifacts(info.context.transaction, info.context.caller, [place.artifact_id for place in found])
    nodes = _as_page(by_id.values())
    edges = [
        {"version": f"v{place.version_index}", "node": nodes.get(place.artifact_id), "cursor": ids.build("Page", skip + index)}
        for index, place in enumerate(found, 1)
    ]
    return page_from(edges, at_most, total)


def _membership_of(source: dict[str, Any], info: Info, aliasName: str) -> Any:  # noqa: N803
    place = artifacts.find_membership(info.context.transaction, source["__self"], aliasName)
    return None if place is None else as_membership(place)


def _latest(source: dict[str, Any], info: Info) -> Any:
    place = artifacts.find_latest(info.context.transaction, source["__self"].id)
    return None if place is None else _artifact_at(place, info)


# --- versions and their places ----------------------------------------------------------------------------------------


def _artifact_at(place: Membership, info: Info) -> Any:
    """Describe the version at a place: a portfolio may hold versions of projects that the caller may not read."""
    context: Context = info.context
    found = artifacts.find_artifact(context.transaction, context.caller, place.artifact_id)
    return None if found is None else as_artifact(found)


def _sequence_of(source: dict[str, Any], info: Info) -> dict[str, Any]:
    return _collection_by_number(info, source["__self"].collection_id)


def _collection_by_number(info: Info, collection_id: int) -> dict[str, Any]:
    context: Context = info.context

    def find() -> Collection | None:
        return artifacts.find_collection_by_id(context.transaction, context.caller, collection_id)

    found = context.once(("artifact collection", collection_id), find)
    if found is None:
        raise Error("not_found", "There is no such artifact collection any more.")
    return as_collection(found)


def _as_alias(alias: Alias, info: Info) -> dict[str, Any]:
    return _name_in(ids.build("ArtifactAlias", alias.id), alias.alias, alias.collection_id, info)


def _name_in(name_id: str, name: str, collection_id: int, info: Info) -> dict[str, Any]:
    collection = _collection_by_number(info, collection_id)
    return {"id": name_id, "alias": name, "artifactCollectionName": collection["name"], "artifactCollection": collection}


class _Names:
    """Places and aliases of the versions of a page: when those of one are asked for, all are looked up."""

    def __init__(self, artifact_ids: list[int]) -> None:
        self._ids = artifact_ids
        self._found: dict[int, tuple[list[Membership], list[Alias]]] | None = None

    def of(self, artifact_id: int, info: Info) -> tuple[list[Membership], list[Alias]]:
        """Give those of one version."""
        if self._found is None:
            transaction = info.context.transaction
            self._found = {each: ([], []) for each in self._ids}
            for place in artifacts.list_places(transaction, self._ids, _MAX_PLACES * len(self._ids)):
                self._found[place.artifact_id][0].append(place)
            for alias in artifacts.list_aliases(transaction, artifact_ids=self._ids):
                self._found[alias.artifact_id][1].append(alias)
        return self._found[artifact_id]


def _as_page(found: Iterable[Artifact]) -> dict[int, dict[str, Any]]:
    """Describe versions that are shown together, by their id."""
    nodes = {artifact.id: as_artifact(artifact) for artifact in found}
    names = _Names(list(nodes))
    for node in nodes.values():
        node["__names"] = names
    return nodes


def _aliases(source: dict[str, Any], info: Info) -> list[dict[str, Any]]:
    """Give a version's names: its number in each collection, by which clients before 0.19 know it, and its aliases."""
    artifact: Artifact = source["__self"]
    names: _Names = source.get("__names") or _Names([artifact.id])
    places, found = names.of(artifact.id, info)
    info.context.spend(len(places))
    numbers = [
        _name_in(ids.build("ArtifactCollectionMembership", place.id), f"v{place.version_index}", place.collection_id, info)
        for place in places
    ]
    return numbers + [_as_alias(each, info) for each in found]


def _aliases_at(source: dict[str, Any], info: Info) -> list[dict[str, Any]]:
    found = artifacts.list_aliases(info.context.transaction, membership_id=source["__self"].id)
    return [_as_alias(each, info) for each in found]


def _artifact_of(source: dict[str, Any], info: Info) -> Any:
    return _artifact_at(source["__self"], info)


def _collection_of(source: dict[str, Any], info: Info) -> dict[str, Any]:
    return _collection_by_number(info, source["__self"].collection_id)


def _places(source: dict[str, Any], info: Info) -> dict[str, Any]:
    found = artifacts.list_places(info.context.transaction, [source["__self"].id], _MAX_PLACES)
    info.context.spend(len(found))
    return {"edges": [{"node": as_membership(place)} for place in found]}


def _manifest(source: dict[str, Any], info: Info) -> Any:
    artifact: Artifact = source["__self"]
    found = [manifest for manifest in artifacts.list_manifests(info.context.transaction, artifact.id) if manifest.md5]
    return as_manifest(found[-1], artifact.project_id) if found else None


def _creator(source: dict[str, Any], info: Info) -> Any:
    context: Context = info.context
    run_id = source["__self"].run_id
    run = None if run_id is None else artifacts.find_run(context.transaction, context.caller, run_id)
    return None if run is None else as_run(run, context) | {"__typename": "Run"}


def _users(source: dict[str, Any], info: Info, **_: Any) -> dict[str, Any]:
    context: Context = info.context
    found = artifacts.list_users(context.transaction, context.caller, source["__self"])
    context.spend(len(found))
    return page_from([{"node": as_run(run, context), "cursor": ids.build("Run", run.id)} for run in found], len(found))


def _freed(source: dict[str, Any], info: Info) -> int:
    return artifacts.measure_freed(info.context.transaction, source["__self"])


# --- files ------------------------------------------------------------------------------------------------------------


def _files(artifact: Artifact, info: Info, names: list[str] | None, after: str | None, first: int | None) -> dict[str, Any]:
    at_most = max(1, min(first or _MAX_FILES_A_PAGE, _MAX_FILES_A_PAGE))
    transaction = info.context.transaction
    found = artifacts.list_entries(transaction, artifact.id, names=names, after=after, at_most=at_most + 1)
    info.context.spend(len(found))
    total = artifacts.count_entries(transaction, artifact.id, names=names)
    edges = [{"node": _as_entry(artifact, entry), "cursor": entry.path} for entry in found]
    return page_from(edges, at_most, total) | {"uploadHeaders": []}


def _as_entry(artifact: Artifact, entry: Entry) -> dict[str, Any]:
    file = as_file(f"{ids.build('Artifact', artifact.id)}:{entry.path}", entry.path, artifact.project_id, entry.digest, entry.size_bytes)
    # What lies elsewhere is fetched from there.
    return file if entry.ref is None else file | {"directUrl": entry.ref, "url": entry.ref, "storagePath": None, "__blob": None}


def _files_of(
    source: dict[str, Any], info: Info, names: list[str] | None = None, after: str | None = None, first: int | None = None
) -> dict[str, Any]:
    return _files(source["__self"], info, names, after, first)


def _files_at(
    source: dict[str, Any], info: Info, names: list[str] | None = None, after: str | None = None, first: int | None = None
) -> Any:
    context: Context = info.context
    found = artifacts.find_artifact(context.transaction, context.caller, source["__self"].artifact_id)
    return None if found is None else _files(found, info, names, after, first)


def _files_by_entries(
    source: dict[str, Any],
    info: Info,
    entries: list[dict[str, Any]] | None = None,
    after: str | None = None,
    first: int | None = None,
    **_: Any,
) -> dict[str, Any]:
    return _files(source["__self"], info, [entry["name"] for entry in entries or []], after, first)


# --- of a run ---------------------------------------------------------------------------------------------------------


def _outputs(source: dict[str, Any], info: Info, after: str | None = None, first: int | None = None) -> dict[str, Any]:
    return _of_run(artifacts.list_outputs, source["__self"], info, after, first)


def _inputs(source: dict[str, Any], info: Info, after: str | None = None, first: int | None = None) -> dict[str, Any]:
    return _of_run(artifacts.list_inputs, source["__self"], info, after, first)


def _of_run(list_page: Any, run: Run, info: Info, after: str | None, first: int | None) -> dict[str, Any]:
    context: Context = info.context
    at_most, skip = page_of(first), _skip(after)
    found, total = list_page(context.transaction, context.caller, run, skip=skip, at_most=at_most + 1)
    context.spend(len(found))
    nodes = _as_page(found)
    edges = [{"node": nodes[each.id], "cursor": ids.build("Page", skip + index)} for index, each in enumerate(found, 1)]
    return page_from(edges, at_most, total)


def _skip(after: str | None) -> int:
    return ids.number_of("Page", after) if after else 0


_COLLECTION = {
    "project": _project_of,
    "defaultArtifactType": _type_of,
    "aliases": _aliases_in,
    "artifacts": _versions,
    "artifactMembership": _membership_of,
}

RESOLVERS: dict[str, dict[str, Any]] = {
    "Query": {"artifact": _by_id, "artifactCollection": _collection_by_id, "clientIDMapping": _by_client_id},
    "Project": {
        "artifactTypes": _types,
        "artifactType": _type,
        "artifact": _in_project,
        "artifactCollection": _collection_in_project,
        "artifactCollections": _collections_in_project,
        "artifactCollectionMembership": _membership_in_project,
    },
    "Run": {"outputArtifacts": _outputs, "inputArtifacts": _inputs},
    "ArtifactType": {
        "artifactCollection": _collection_of_type,
        "artifactCollections": _collections_of_type,
        "artifactSequence": _sequence_of_type,
        "artifactSequences": _collections_of_type,
        "artifact": _artifact_of_type,
    },
    "ArtifactSequence": _COLLECTION | {"latestArtifact": _latest},
    "ArtifactPortfolio": _COLLECTION,
    "Artifact": {
        "artifactSequence": _sequence_of,
        "artifactType": _type_of,
        "aliases": _aliases,
        "currentManifest": _manifest,
        "createdBy": _creator,
        "usedBy": _users,
        "artifactMemberships": _places,
        "files": _files_of,
        "filesByManifestEntries": _files_by_entries,
        "bytesFreedWhenDeleted": _freed,
    },
    "ArtifactCollectionMembership": {
        "aliases": _aliases_at,
        "artifactCollection": _collection_of,
        "artifact": _artifact_of,
        "files": _files_at,
    },
}

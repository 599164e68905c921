"""Artifacts as they are changed: begun, announced, committed, used, named, linked, described, deleted."""

import base64
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from runkey_server import artifacts, claiming
from runkey_server.artifacts import AliasOf, Changes, Wanted
from runkey_server.errors import Error
from runkey_server.graphql import ids
from runkey_server.graphql.artifacts import as_artifact, as_collection, as_file, as_manifest, as_membership, as_tag
from runkey_server.graphql.context import Context, Info
from runkey_server.projects import Project, find_project, find_project_by_id

_MAX_AT_ONCE = 20_000
_MAX_PARTS = 10_000
"""As S3 has it; the official client makes no more."""

_artifact_number = partial(ids.number_of, "Artifact")


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    aliases = input.get("aliases") or []
    # Clients before 0.19 name a list of collections: the sequence, and portfolios that were never used.
    names = input.get("artifactCollectionNames") or []
    name = input.get("artifactCollectionName") or (names[0] if names else None) or (aliases[0]["artifactCollectionName"] if aliases else "")
    wanted = Wanted(
        entity=input["entityName"],
        project=input["projectName"],
        run_name=input.get("runName"),
        type_name=input["artifactTypeName"],
        name=name,
        digest=input["digest"],
        aliases=tuple(dict.fromkeys(each["alias"] for each in aliases if each["artifactCollectionName"] == name)),
        description=input.get("description"),
        metadata=input.get("metadata"),
        tags=_tag_names(input.get("tags")),
        ttl_seconds=input.get("ttlDurationSeconds"),
        history_step=input.get("historyStep"),
        client_id=input.get("clientID"),
        sequence_client_id=input.get("sequenceClientID"),
        distributed_id=input.get("distributedID"),
        # Clients before they could say so expect it.
        deduplicates=input.get("enableDigestDeduplication") is not False,
    )
    artifact = artifacts.create(context.transaction, context.caller, wanted, context.now)
    if artifact.created_at == context.now and context.caller.key_kind == "anonymous":
        claiming.check_projects(context.transaction, context.caller.account_id, context.caps)
        weight = artifacts.weigh(context.transaction, artifact)
        claiming.count_bytes(context.transaction, context.caller.account_id, weight, context.caps)
    return {"artifact": as_artifact(artifact)}


def _create_manifest(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    digest = input.get("digest") or None
    artifact_id = _artifact_number(input["artifactID"])
    base_id = _base(input.get("baseArtifactID"))
    with _counting(context, artifact_id):
        manifest = artifacts.put_manifest(
            context.transaction, context.caller, artifact_id, input.get("type") or "FULL", digest, base_id, context.now
        )
    artifact = artifacts.get_artifact(context.transaction, context.caller, "write", artifact_id)
    return {"artifactManifest": as_manifest(manifest, artifact.project_id)}


def _update_manifest(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    manifest, artifact = artifacts.update_manifest(
        context.transaction,
        context.caller,
        ids.number_of("ArtifactManifest", input["artifactManifestID"]),
        input.get("digest") or None,
        _base(input.get("baseArtifactID")),
    )
    return {"artifactManifest": as_manifest(manifest, artifact.project_id)}


def _base(global_id: str | None) -> int | None:
    return _artifact_number(global_id) if global_id else None


def _create_files(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Give an address for each file whose bytes are not here, in the order of the question."""
    context: Context = info.context
    asked = input["artifactFiles"]
    if len(asked) > _MAX_AT_ONCE:
        raise Error("invalid", f"At most {_MAX_AT_ONCE} files can be announced at once.")
    by_artifact: dict[str, list[tuple[str, str]]] = {}
    parts: dict[str, dict[str, list[str]]] = {}
    for file in asked:
        by_artifact.setdefault(file["artifactID"], []).append((file["name"], file["md5"]))
        if len(file.get("uploadPartsInput") or ()) > 1:
            parts.setdefault(file["artifactID"], {})[file["md5"]] = _parts_of(file["uploadPartsInput"])
    announced = {}
    for global_id, named in by_artifact.items():
        artifact_id = _artifact_number(global_id)
        with _counting(context, artifact_id):
            announced[global_id] = artifacts.announce(
                context.transaction, context.caller, artifact_id, named, context.now, parts.get(global_id)
            )
    edges = []
    for file in asked:
        artifact, there = announced[file["artifactID"]]
        node = as_file(f"{file['artifactID']}:{file['name']}", file["name"], artifact.project_id, file["md5"], 0)
        node |= {"__is_here": file["md5"] in there, "artifact": as_artifact(artifact)}
        node["__parts"] = parts.get(file["artifactID"], {}).get(file["md5"])
        edges.append({"node": node, "cursor": file["name"]})
    page = {"endCursor": None, "hasNextPage": False}
    return {"files": {"edges": edges, "pageInfo": page, "totalCount": len(edges), "uploadHeaders": []}}


def _upload_url(source: dict[str, Any], info: Info) -> str | None:
    context: Context = info.context
    blob = source.get("__blob")
    if blob is None or source.get("__is_here"):
        return None
    project_id, md5, _ = blob
    return context.base_url + context.signer.blob_path("PUT", project_id, md5) if md5 else None


def _multipart_urls(source: dict[str, Any], info: Info) -> dict[str, Any] | None:
    context: Context = info.context
    if not source.get("__parts") or source["__is_here"]:
        return None
    project_id, md5, _ = source["__blob"]
    urls = [context.base_url + context.signer.part_path(project_id, part) for part in source["__parts"]]
    return {"uploadID": md5, "uploadUrlParts": [{"partNumber": number, "uploadUrl": url} for number, url in enumerate(urls, 1)]}


def _parts_of(asked: Sequence[dict[str, Any]]) -> list[str]:
    """Give the MD5 of each part, base64, in their order."""
    by_number = _by_number(asked)
    if len(asked) > _MAX_PARTS or sorted(by_number) != list(range(1, len(asked) + 1)):
        raise Error("invalid", f"The parts of a file are numbered from 1, each once, and at most {_MAX_PARTS:,}.")
    return [by_number[number] for number in range(1, len(asked) + 1)]


def _by_number(parts: Sequence[dict[str, Any]]) -> dict[int, str]:
    try:
        # The official client says of what it sent what it read in the ETag, with its quotes.
        return {part["partNumber"]: base64.b64encode(bytes.fromhex(part["hexMD5"].strip('"'))).decode() for part in parts}
    except ValueError:
        raise Error("invalid", "The MD5 digests of parts are to be hexadecimal.") from None


def _complete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    md5 = input["uploadID"]
    told = _by_number(input["completedParts"])
    parts = artifacts.find_parts(context.transaction, context.caller, _artifact_number(input["artifactID"]), md5, told)
    if parts is not None:
        context.joiner.join(parts)
    return {"digest": md5, "clientMutationId": input.get("clientMutationId")}


def _commit(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    artifact_id = _artifact_number(input["artifactID"])
    with _counting(context, artifact_id):
        artifact = artifacts.commit(context.transaction, context.directory, context.caller, artifact_id, _artifact_number, context.now)
    return _told(artifact, input)


def _use(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    artifact = artifacts.use(
        context.transaction,
        context.caller,
        _artifact_number(input["artifactID"]),
        input["entityName"],
        input["projectName"],
        input["runName"],
        input.get("usedAs"),
        context.now,
    )
    return _told(artifact, input)


def _update(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    artifact_id = _artifact_number(input["artifactID"])
    changes = Changes(
        description=input.get("description"),
        metadata=input.get("metadata"),
        ttl_seconds=input.get("ttlDurationSeconds"),
        tags_to_add=_tag_names(input.get("tagsToAdd")),
        tags_to_delete=_tag_names(input.get("tagsToDelete")),
    )
    with _counting(context, artifact_id):
        artifact = artifacts.update_artifact(context.transaction, context.caller, artifact_id, changes, context.now)
        if input.get("aliases") is not None:
            artifacts.set_aliases(context.transaction, context.caller, artifact_id, [each["alias"] for each in input["aliases"]])
    return _told(artifact, input)


def _delete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    artifact = artifacts.delete_artifact(
        context.transaction,
        context.caller,
        _artifact_number(input["artifactID"]),
        context.now,
        with_aliases=bool(input.get("deleteAliases")),
    )
    return _told(artifact, input)


def _told(artifact: artifacts.Artifact, input: dict[str, Any]) -> dict[str, Any]:
    return {"artifact": as_artifact(artifact), "clientMutationId": input.get("clientMutationId")}


# --- aliases and links ------------------------------------------------------------------------------------------------


def _add_aliases(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    artifact_id = _artifact_number(input["artifactID"])
    with _counting(context, artifact_id):
        artifacts.add_aliases(context.transaction, context.caller, artifact_id, _aliases_of(input))
    return _success(input)


def _delete_aliases(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    artifacts.remove_aliases(context.transaction, context.caller, _artifact_number(input["artifactID"]), _aliases_of(input))
    return _success(input)


def _aliases_of(input: dict[str, Any]) -> list[AliasOf]:
    return [AliasOf(each["entityName"], each["projectName"], each["artifactCollectionName"], each["alias"]) for each in input["aliases"]]


def _link(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    entity, project_name, name = input.get("entityName"), input.get("projectName"), input.get("artifactPortfolioName")
    if input.get("artifactPortfolioID"):
        portfolio_id = ids.number_of("ArtifactCollection", input["artifactPortfolioID"])
        portfolio = artifacts.get_collection(context.transaction, context.caller, "write", portfolio_id)
        project = _project_by_id(context, portfolio.project_id)
        entity, project_name, name = project.entity, project.name, portfolio.name
    aliases = list(dict.fromkeys(each["alias"] for each in input.get("aliases") or []))
    artifact_id = _linked(context, input)
    with _counting(context, artifact_id):
        place = artifacts.link(
            context.transaction, context.caller, artifact_id, entity, project_name or "", name or "", aliases, context.now
        )
    if context.caller.key_kind == "anonymous":
        claiming.check_projects(context.transaction, context.caller.account_id, context.caps)
    return {"versionIndex": place.version_index, "artifactMembership": as_membership(place)}


def _linked(context: Context, input: dict[str, Any]) -> int:
    """Give the number of the version that is to be linked: by its id, or by what the client called it."""
    if input.get("artifactID"):
        return _artifact_number(input["artifactID"])
    found = artifacts.find_by_client_id(context.transaction, context.caller, input.get("clientID") or "")
    if found is None:
        raise Error("not_found", "There is no such artifact.")
    return found.id


def _unlink(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    portfolio_id = ids.number_of("ArtifactCollection", input["artifactPortfolioID"])
    artifacts.unlink(context.transaction, context.caller, _artifact_number(input["artifactID"]), portfolio_id)
    return _success(input)


# --- collections ------------------------------------------------------------------------------------------------------


def _update_collection(id_name: str) -> Any:
    def resolve(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
        context: Context = info.context
        collection_id = ids.number_of("ArtifactCollection", input[id_name])
        given = (input.get("name"), input.get("description"))
        with _counting_collection(context, collection_id):
            collection = artifacts.update_collection(context.transaction, context.caller, collection_id, *given, context.now)
        return {"artifactCollection": as_collection(collection)}

    return resolve


def _move(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    collection_id = ids.number_of("ArtifactCollection", input["artifactSequenceID"])
    collection = artifacts.get_collection(context.transaction, context.caller, "write", collection_id)
    project = _project_by_id(context, collection.project_id)
    type_name = input["destinationArtifactTypeName"]
    moved = artifacts.move_sequence(context.transaction, context.caller, collection, project, type_name, context.now)
    return {"artifactCollection": as_collection(moved)}


def _delete_collection(id_name: str) -> Any:
    def resolve(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
        context: Context = info.context
        collection_id = ids.number_of("ArtifactCollection", input[id_name])
        collection = artifacts.get_collection(context.transaction, context.caller, "delete", collection_id)
        artifacts.delete_collection(context.transaction, context.caller, collection_id, context.now)
        return {"artifactCollection": as_collection(collection) | {"state": "DELETED"}}

    return resolve


def _tag_collection(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    names = _tag_names(input["tags"])
    collection = _collection_named(context, input)
    with _counting_collection(context, collection.id):
        tagged = artifacts.retag_collection(context.transaction, context.caller, collection, names, (), context.now)
    return {"tags": [as_tag(tagged.id, name) for name in names]}


def _untag_collection(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    collection, names = _collection_named(context, input), _tag_names(input["tags"])
    artifacts.retag_collection(context.transaction, context.caller, collection, (), names, context.now)
    return _success(input)


def _collection_named(context: Context, input: dict[str, Any]) -> artifacts.Collection:
    project = find_project(context.transaction, context.caller, input["entityName"], input["projectName"])
    name = input["artifactCollectionName"]
    found = None if project is None else artifacts.find_collection(context.transaction, project, name)
    if found is None:
        raise Error("not_found", f"There is no artifact collection {name[:80]!r}.")
    return artifacts.get_collection(context.transaction, context.caller, "write", found.id)


def _project_by_id(context: Context, project_id: int) -> Project:
    project = find_project_by_id(context.transaction, project_id)
    if project is None:
        raise Error("not_found", "There is no such project any more.")
    return project


def _tag_names(tags: Sequence[dict[str, Any]] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag["tagName"] for tag in tags or ()))


def _success(input: dict[str, Any]) -> dict[str, Any]:
    return {"success": True, "clientMutationId": input.get("clientMutationId")}


def _counting(context: Context, artifact_id: int) -> AbstractContextManager[None]:
    def weigh() -> int:
        return artifacts.weigh(context.transaction, artifacts.get_artifact(context.transaction, context.caller, "read", artifact_id))

    return _counting_by(context, weigh)


def _counting_collection(context: Context, collection_id: int) -> AbstractContextManager[None]:
    def weigh() -> int:
        found = artifacts.get_collection(context.transaction, context.caller, "read", collection_id)
        return artifacts.weigh_collection(found)

    return _counting_by(context, weigh)


def _counting_by(context: Context, weigh: Callable[[], int]) -> AbstractContextManager[None]:
    """Count how much more an account without a name keeps afterwards: only its own projects are open to its key."""
    account_id = context.caller.account_id if context.caller.key_kind == "anonymous" else None
    return claiming.counting(context.transaction, account_id, context.caps, weigh)


RESOLVERS: dict[str, dict[str, Any]] = {
    "File": {"uploadUrl": _upload_url, "uploadMultipartUrls": _multipart_urls},
    "Mutation": {
        "createArtifact": _create,
        "createArtifactManifest": _create_manifest,
        "updateArtifactManifest": _update_manifest,
        "createArtifactFiles": _create_files,
        "completeMultipartUploadArtifact": _complete,
        "commitArtifact": _commit,
        "useArtifact": _use,
        "updateArtifact": _update,
        "deleteArtifact": _delete,
        "addAliases": _add_aliases,
        "deleteAliases": _delete_aliases,
        "linkArtifact": _link,
        "unlinkArtifact": _unlink,
        "updateArtifactSequence": _update_collection("artifactSequenceID"),
        "updateArtifactPortfolio": _update_collection("artifactPortfolioID"),
        "moveArtifactSequence": _move,
        "deleteArtifactSequence": _delete_collection("artifactSequenceID"),
        "deleteArtifactPortfolio": _delete_collection("artifactPortfolioID"),
        "createArtifactCollectionTagAssignments": _tag_collection,
        "deleteArtifactCollectionTagAssignments": _untag_collection,
    },
}

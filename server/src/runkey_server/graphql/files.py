"""`files`, and `createRunFiles`: where the bytes of files go to and come from."""

from typing import Any

from runkey_server import files, runs
from runkey_server.errors import Error
from runkey_server.graphql import ids
from runkey_server.graphql.context import Context, Info, page_of
from runkey_server.projects import may

_MAX_NAMES = 100_000
_MAX_PATTERN = 1_000


def _file(file: files.File) -> dict[str, Any]:
    return {
        "__self": file,
        "id": f"{ids.build('Run', file.run_id)}:{file.name}",
        "name": file.name,
        "sizeBytes": file.size_bytes,
        "mimetype": file.mimetype,
        "md5": file.md5,
        "updatedAt": file.updated_at,
    }


def _pattern(given: str | None) -> str | None:
    if given is not None and len(given) > _MAX_PATTERN:
        raise Error("invalid", f"A pattern has at most {_MAX_PATTERN} characters.")
    # PostgreSQL has no place for it, and no file either.
    return None if given is None else given.replace("\0", "\ufffd")


def _url(source: dict[str, Any], info: Info, upload: bool | None = False) -> str:
    context: Context = info.context
    if "__blob" in source:
        if source["__blob"] is None:
            return str(source["directUrl"])
        project_id, md5, name = source["__blob"]
        return context.base_url + context.signer.blob_path("GET", project_id, md5, name)
    file: files.File = source["__self"]
    return context.base_url + context.signer.path("PUT" if upload else "GET", file.run_id, file.name)


def _files(
    source: dict[str, Any],
    info: Info,
    names: list[str | None] | None = None,
    after: str | None = None,
    first: int | None = None,
    pattern: str | None = None,
) -> dict[str, Any]:
    at_most = page_of(first)
    found = files.list_files(
        info.context.transaction,
        source["__self"].id,
        names=[files.plain_name(name) for name in names or [] if name is not None],
        like=_pattern(pattern),
        after=after,
        at_most=at_most + 1,
    )
    info.context.spend(len(found))
    edges = [{"node": _file(file), "cursor": file.name} for file in found[:at_most]]
    end = edges[-1]["cursor"] if edges else None
    return {"edges": edges, "pageInfo": {"endCursor": end, "hasNextPage": len(found) > at_most}}


def _file_count(source: dict[str, Any], info: Info) -> int:
    return files.count_files(info.context.transaction, source["__self"].id)


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Give an address a name, as many as were asked for and in their order: the official client drops files silently otherwise.

    It gathers what is saved and asks once, and when one name is refused here it drops all. So what cannot be taken, for its name or for
    want of room, gets an address as well, and is refused there, alone.
    """
    context: Context = info.context
    run = runs.get_writable(context.transaction, context.caller, input["entityName"], input["projectName"], input["runName"])
    if len(input["files"]) > _MAX_NAMES:
        raise Error("invalid", f"At most {_MAX_NAMES} files can be asked for at once.")
    return {
        "runID": ids.build("Run", run.id),
        "uploadHeaders": [],
        "files": [
            {"name": name, "uploadUrl": context.base_url + context.signer.path("PUT", run.id, files.plain_name(name))}
            for name in input["files"]
        ],
    }


def _delete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Delete files of runs that may be written to: who may replace a file may empty it as well. All of them, or none."""
    context: Context = info.context
    if len(input["files"]) > _MAX_NAMES:
        raise Error("invalid", f"At most {_MAX_NAMES} files can be deleted at once.")
    for global_id in input["files"]:
        owner, _, name = global_id.partition(":")
        run = runs.get_run_by_id(context.transaction, ids.number_of("Run", owner))
        is_there = may(context.caller, "write", run.account_id) and input.get("projectId") in (None, run.project_id)
        if not is_there or not files.remove(context.transaction, run.id, name):
            # Of a foreign run the same words as of none.
            raise Error("not_found", f"There is no such {'file' if is_there else 'run'}.")
    return {"success": True, "clientMutationId": input.get("clientMutationId")}


RESOLVERS: dict[str, dict[str, Any]] = {
    "Run": {"files": _files, "fileCount": _file_count},
    "File": {"url": _url, "directUrl": _url},
    "Mutation": {"createRunFiles": _create, "deleteFiles": _delete},
}

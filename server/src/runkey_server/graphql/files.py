"""`files`, and `createRunFiles`: where the bytes of files go to and come from."""

from typing import Any

from runkey_server import files, runs
from runkey_server.errors import Error
from runkey_server.graphql import ids
from runkey_server.graphql.context import Context, Info, page_of

_MAX_NAMES = 10_000
_MAX_PATTERN_CHARACTERS = 4_096
"""A file's name is shorter; SQLite takes no pattern beyond 50,000, and would be said not to answer."""


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


def _url(source: dict[str, Any], info: Info, upload: bool | None = False) -> str:
    context: Context = info.context
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
    if pattern is not None and len(pattern) > _MAX_PATTERN_CHARACTERS:
        raise Error("invalid", f"A pattern has at most {_MAX_PATTERN_CHARACTERS} characters.")
    at_most = page_of(first)
    found = files.list_files(
        info.context.transaction,
        source["__self"].id,
        names=[name for name in names or [] if name is not None],
        like=pattern,
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
    """Give an address a name, as many as were asked for and in their order: the official client drops files silently otherwise."""
    context: Context = info.context
    run = runs.get_writable(context.transaction, context.caller, input["entityName"], input["projectName"], input["runName"])
    if len(input["files"]) > _MAX_NAMES:
        raise Error("invalid", f"At most {_MAX_NAMES} files can be asked for at once.")
    for name in input["files"]:
        fault = files.file_name_fault(name)
        if fault:
            raise Error("invalid", f"{name[:80]!r} {fault}.")
    return {
        "runID": ids.build("Run", run.id),
        "uploadHeaders": [],
        "files": [{"name": name, "uploadUrl": context.base_url + context.signer.path("PUT", run.id, name)} for name in input["files"]],
    }


RESOLVERS: dict[str, dict[str, Any]] = {
    "Run": {"files": _files, "fileCount": _file_count},
    "File": {"url": _url, "directUrl": _url},
    "Mutation": {"createRunFiles": _create},
}

"""`files`, and `createRunFiles`: where the bytes of files go to and come from."""

from collections.abc import Collection
from typing import Any

from runkey_server import files, runs
from runkey_server.errors import Error
from runkey_server.graphql import ids
from runkey_server.graphql.context import MAX_PAGE, Context, Info, page_of
from runkey_server.projects import may

_MAX_NAMES = 100_000
_MAX_PATTERN = 4_096
"""A file's name is shorter; SQLite takes no pattern beyond 50,000, and would be said not to answer."""
# Were there any, they had to be "Name:value": clients up to 0.16 take what follows the colon as it is, and refuse a space before it.
_UPLOAD_HEADERS: list[str] = []


def _file(file: files.File) -> dict[str, Any]:
    return {
        "__self": (file.run_id, file.name),
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
    run_id, name = source["__self"]
    return context.base_url + context.signer.path("PUT" if upload else "GET", run_id, name)


def _files(
    source: dict[str, Any],
    info: Info,
    names: list[str | None] | None = None,
    after: str | None = None,
    first: int | None = None,
    pattern: str | None = None,
) -> dict[str, Any]:
    asked = {files.plain_name(name) for name in names or [] if name is not None}
    at_most = MAX_PAGE if asked and first is None else page_of(first)
    if asked and not pattern:
        nodes = _named_files(info.context, source["__self"].id, asked, after)[: at_most + 1]
    else:
        found = files.list_files(
            info.context.transaction, source["__self"].id, names=list(asked), like=_pattern(pattern), after=after, at_most=at_most + 1
        )
        nodes = [_file(file) for file in found]
    info.context.spend(len(nodes))
    edges = [{"node": node, "cursor": node["name"]} for node in nodes[:at_most]]
    end = edges[-1]["cursor"] if edges else None
    return {"edges": edges, "pageInfo": {"endCursor": end, "hasNextPage": len(nodes) > at_most}, "uploadHeaders": _UPLOAD_HEADERS}


def _named_files(context: Context, run_id: int, names: set[str], after: str | None) -> list[dict[str, Any]]:
    """Give a node for each name, whether there is such a file or not.

    Clients before 0.15.5 ask so for the addresses that they send files to, and all later ones tell an absent file by its md5, "0".
    """
    _check_count(names)
    found = {file.name: file for file in files.list_files(context.transaction, run_id, names=list(names), at_most=len(names))}
    wanted = sorted(name for name in names if after is None or name > after)
    return [_file(found[name]) if name in found else _absent_file(run_id, name) for name in wanted]


def _absent_file(run_id: int, name: str) -> dict[str, Any]:
    return {
        "__self": (run_id, name),
        "id": f"{ids.build('Run', run_id)}:{name}",
        "name": name,
        "sizeBytes": 0,
        "mimetype": None,
        "md5": "0",
        "updatedAt": None,
    }


def _check_count(names: Collection[str]) -> None:
    if len(names) > _MAX_NAMES:
        raise Error("invalid", f"At most {_MAX_NAMES} files can be asked for at once.")


def _file_count(source: dict[str, Any], info: Info) -> int:
    return files.count_files(info.context.transaction, source["__self"].id)


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    """Give an address a name, as many as were asked for and in their order: the official client drops files silently otherwise.

    It gathers what is saved and asks once, and when one name is refused here it drops all. So what cannot be taken, for its name or for
    want of room, gets an address as well, and is refused there, alone.
    """
    context: Context = info.context
    run = runs.get_writable(context.transaction, context.caller, input["entityName"], input["projectName"], input["runName"])
    _check_count(input["files"])
    return {
        "runID": ids.build("Run", run.id),
        "uploadHeaders": _UPLOAD_HEADERS,
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

"""What the page of a run asks for: all that is known of it, its files, its media by step.

Routes below `/{entity}/{project}/runs/{run}`: `GET …/about`, `…/files`, `…/files/{name}`, `…/media`. Programs may ask the same, with a key.
"""

import json
from typing import Any

from anyio import to_thread

from runkey_server import files, history, runs
from runkey_server.asgi.responses import send_json, send_redirect
from runkey_server.errors import Error
from runkey_server.files import Directory, Signer
from runkey_server.history import Stream
from runkey_server.web.pages import Pages
from runkey_server.web.reading import Request, find_run
from runkey_server.web.workspace import run_as_json, shown_names

_FILES = 500
_MEDIA = 200
_METADATA = "wandb-metadata.json"
_MAX_METADATA_BYTES = 256 * 1024
_SCALARS = frozenset({"number", "string", "boolean", "nil", "array", "map"})


class Details:
    """The handlers."""

    def __init__(self, pages: Pages, directory: Directory, signer: Signer) -> None:
        """Serve one worker."""
        self._database = pages.database
        self._clock = pages.clock
        self._directory = directory
        self._signer = signer

    async def about(self, request: Request) -> None:
        """Answer with a run as the table has it, and with `config`, `summary` and `metadata` whole, as trees.

        `keys`: names of metrics, of system metrics, of media with their type; in `steps` what the x of a metric is meant to be. `lines`:
        rows of history. `console`: lines printed.
        """

        def read() -> dict[str, Any]:
            now = self._clock()
            with self._database.reading() as transaction:
                run = find_run(transaction, request)
                facts = history.list_facts(transaction, run.id, Stream.HISTORY)
                media = {history.name_of(path): kind for path, each in facts.items() for kind in each.counts if kind not in _SCALARS}
                names, steps = shown_names(run, sorted(history.names_of_numbers(facts)))
                return {
                    "run": run_as_json(run, run.state(now)),
                    "exitCode": run.exit_code,
                    "isStopping": run.stop_requested and not run.has_ended,
                    "program": run.program,
                    "config": runs.config_of(run),
                    "summary": {key: value for key, value in runs.summary_of(run).items() if not key.startswith("_")},
                    "metadata": self._metadata(files.find_file(transaction, run.id, _METADATA)),
                    "keys": {
                        "history": names,
                        "events": sorted(history.list_names(transaction, run.id, Stream.EVENTS)),
                        "media": media,
                        "steps": steps,
                    },
                    "lines": history.count_lines(transaction, run.id, Stream.HISTORY),
                    "console": runs.count_console(transaction, run.id),
                    "files": files.count_files(transaction, run.id),
                }

        await send_json(request.send, await to_thread.run_sync(read))

    async def list_files(self, request: Request) -> None:
        """Answer with files by name: `{"files": [{"name", "bytes", "type", "updatedAt"} …], "more": bool}`; `after`: of later names."""

        def read() -> dict[str, Any]:
            with self._database.reading() as transaction:
                run = find_run(transaction, request)
                found = files.list_files(transaction, run.id, after=request.query.get("after"), at_most=_FILES + 1)
            told = [
                {"name": file.name, "bytes": file.size_bytes, "type": file.mimetype, "updatedAt": file.updated_at.timestamp()}
                for file in found[:_FILES]
            ]
            return {"files": told, "more": len(found) > _FILES}

        await send_json(request.send, await to_thread.run_sync(read))

    async def file(self, request: Request) -> None:
        """Lead to the bytes of a file, under a signed address of an hour."""

        def sign() -> str:
            with self._database.reading() as transaction:
                run = find_run(transaction, request)
                found = files.find_file(transaction, run.id, request.path["name"])
            if found is None:
                raise Error("not_found", "There is no such file.")
            return self._signer.path("GET", run.id, found.name)

        await send_redirect(request.send, await to_thread.run_sync(sign))

    async def media(self, request: Request) -> None:
        """Answer with the values of one key that is media: `{"values": [{"step", "value"} …]}`, at most 200, evenly spread."""
        key = request.query.get("key", "")

        def read() -> dict[str, Any]:
            with self._database.reading() as transaction:
                run = find_run(transaction, request)
                rows = history.sample_rows(transaction, run.id, ["_step", key], _MEDIA)
            return {"values": [{"step": row["_step"], "value": row[key]} for row in rows if isinstance(row[key], dict)]}

        await send_json(request.send, await to_thread.run_sync(read))

    def _metadata(self, file: files.File | None) -> dict[str, Any]:
        """Read what the client told of the machine and the code; nothing where it is not there, or is no JSON object."""
        if file is None or file.size_bytes > _MAX_METADATA_BYTES:
            return {}
        try:
            told = json.loads(self._directory.path(file.sha256).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

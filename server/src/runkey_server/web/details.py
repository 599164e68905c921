"""What the page of a run asks for: all that is known of it, its files, its media by step.

Routes below `/{entity}/{project}/runs/{run}`: `GET …/about`, `…/files`, `…/files/{name}`, `…/shown/{name}`, `…/media`. Programs may ask the
same, with a key.
"""

import json
from dataclasses import asdict
from typing import Any

from anyio import to_thread

from runkey_server import files, history, runs
from runkey_server.asgi.requests import header
from runkey_server.asgi.responses import send_bytes, send_json, send_redirect
from runkey_server.errors import Error
from runkey_server.files import Directory, Signer
from runkey_server.history import Stream
from runkey_server.retention import Quota
from runkey_server.web.pages import Pages
from runkey_server.web.reading import Request, find_run
from runkey_server.web.workspace import run_as_json, shown_names

_FILES = 500
_MEDIA = 200
_METADATA = "wandb-metadata.json"
_MAX_METADATA_BYTES = 256 * 1024
_MAX_SHOWN_BYTES = 32 * 1024 * 1024
# A page that a run logged has an origin of its own, where no cookie and no other page of this server is, and can ask nobody for anything.
_SANDBOX = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:; "
    "form-action 'none'; base-uri 'none'; sandbox"
)
_SCRIPTS = " allow-scripts; script-src 'unsafe-inline'"
_SCALARS = frozenset({"number", "string", "boolean", "nil", "array", "map"})


class Details:
    """The handlers."""

    def __init__(self, pages: Pages, directory: Directory, signer: Signer, quota: Quota) -> None:
        """Serve one worker."""
        self._database = pages.database
        self._clock = pages.clock
        self._directory = directory
        self._signer = signer
        self._quota = quota

    async def about(self, request: Request) -> None:
        """Answer with a run as the table has it, and with `config`, `summary` and `metadata` whole, as trees.

        `keys`: names of metrics, of system metrics, of media with their type; in `steps` what the x of a metric is meant to be. `lines`:
        rows of history. `console`: lines printed. `charts`: custom charts by their key, with the key of their table; `classes`: what the
        numbers in masks mean, by key and mask.
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
                    "charts": {key: asdict(chart) for key, chart in runs.charts_of(run).items()},
                    "classes": runs.classes_of(run),
                }

        await send_json(request.send, await to_thread.run_sync(read))

    async def list_files(self, request: Request) -> None:
        """Answer with files by name: `{"files": [{"name", "bytes", "type", "updatedAt"} …], "more": bool}`; `after`: of later names.

        Beside the first of them `refused`: `[{"name", "reason"} …]` of those that were not taken; `full`: why no more are, or null.
        """

        def read() -> dict[str, Any]:
            with self._database.reading() as transaction:
                run = find_run(transaction, request)
                after = request.query.get("after")
                found = files.list_files(transaction, run.id, after=after, at_most=_FILES + 1)
                refused = [] if after else files.list_refusals(transaction, run.id)
            full = None if after else self._quota.find_fault(run.account_id, run.project_id)
            told = [
                {"name": file.name, "bytes": file.size_bytes, "type": file.mimetype, "updatedAt": file.updated_at.timestamp()}
                for file in found[:_FILES]
            ]
            faults = [{"name": name, "reason": reason} for name, reason in refused]
            return {"files": told, "more": len(found) > _FILES, "refused": faults, "full": full}

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

    async def shown(self, request: Request) -> None:
        """Answer with a page that the run logged, for a frame of ours alone: in a sandbox, and unless `scripts` is asked for without any.

        Anywhere but in a frame it is a download, as all files are: nobody is to take it for a page of ours.
        """
        with_scripts = "scripts" in request.query

        def read() -> tuple[str, bytes | None]:
            with self._database.reading() as transaction:
                run = find_run(transaction, request)
                found = files.find_file(transaction, run.id, request.path["name"])
            if found is None:
                raise Error("not_found", "There is no such file.")
            # What is no browser of today says nothing, and neither does one that came by plain http from another computer.
            if found.mimetype != "text/html" or header(request.scope, b"sec-fetch-dest") not in (None, "iframe"):
                return self._signer.path("GET", run.id, found.name), None
            if found.size_bytes > _MAX_SHOWN_BYTES:
                raise Error("too_large", "The page is too large to be shown. Download it.")
            try:
                return "", self._directory.path(found.sha256).read_bytes()
            except OSError:
                raise Error("internal", "The bytes of this file are missing on the server.") from None

        elsewhere, page = await to_thread.run_sync(read)
        if page is None:
            await send_redirect(request.send, elsewhere)
            return
        headers = (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", (_SANDBOX + (_SCRIPTS if with_scripts else "")).encode()),
            (b"x-frame-options", b"SAMEORIGIN"),
            (b"cache-control", b"private, no-store"),
        )
        await send_bytes(request.send, 200, page, headers)

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

"""What is done to runs and projects as a whole, for pages and programs alike: tags, stopping, moving, deleting, rules; and bytes.

Routes below `/{entity}/{project}`: `POST …/runs/acts`, `POST …/acts`, `GET …/deleted`, `GET` and `POST …/retention`, `GET …/usage`. A
browser's session changes something by a page of ours alone; a key tags where it may write, and deletes where `projects.may` says so.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa
from anyio import to_thread

from runkey_server import accounts, artifacts, claiming, projects, retention, runs
from runkey_server.asgi.responses import send_json
from runkey_server.errors import Error
from runkey_server.projects import Act, Project, may
from runkey_server.retention import Quota, Rule
from runkey_server.runs import Run
from runkey_server.web.pages import Pages
from runkey_server.web.reading import Request, find_project, read_act
from runkey_server.web.workspace import MAX_RUNS, run_as_json

_MAX_DELETED = 1_000


class OnRuns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do to which runs. tags: for `tag` and `untag`. to: for `move`, a project of the same entity, which is made on the fly."""

    runs: Annotated[list[str], msgspec.Meta(max_length=MAX_RUNS)]
    act: Literal["tag", "untag", "delete", "restore", "stop", "move"]
    tags: Annotated[list[str], msgspec.Meta(max_length=20)] = []
    to: str = ""


class OnProject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do to a project."""

    act: Literal["delete", "restore"]


class Ruling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule for a project; keepNewest null: all runs stay. preview: tell what it would delete now, and set nothing."""

    keep_newest: int | None = msgspec.field(name="keepNewest")
    keep_tags: list[str] = msgspec.field(name="keepTags", default_factory=list)
    preview: bool = False


class Acts:
    """The handlers."""

    def __init__(self, pages: Pages, quota: Quota) -> None:
        """Serve one worker."""
        self._quota = quota
        self._database = pages.database
        self._clock = pages.clock
        self._caps = pages.offer.caps
        self._meter = pages.meter

    async def on_runs(self, request: Request) -> None:
        """Do an OnRuns; answer `{"changed": [name …], "runs": [run_as_json …]}`: those that it changed, and how those look that are there.

        Names of runs that are not there, or as they should be already, are passed over.
        """
        asked = await read_act(request, OnRuns)
        if asked.act in ("tag", "untag") and not asked.tags:
            raise Error("invalid", "Which tags?")
        await self._answer(request, lambda transaction: self._on_runs(transaction, request, asked))

    async def on_project(self, request: Request) -> None:
        """Do an OnProject; answer `{"changed": bool}`."""
        asked = await read_act(request, OnProject)

        def act(transaction: sa.Connection) -> dict[str, Any]:
            at = self._clock()
            if asked.act == "delete":
                found = _find_for(transaction, request, "delete")
                return {"changed": projects.delete_project(transaction, found, at)}
            deleted = projects.find_deleted(transaction, request.actor, request.path["entity"], request.path["project"])
            if deleted is None:
                raise Error("not_found", "There is no such project that was deleted.")
            _check(request, "delete", deleted)
            return {"changed": projects.restore_project(transaction, deleted, at)}

        await self._answer(request, act)

    async def deleted(self, request: Request) -> None:
        """Answer with the runs that can be restored, the last deleted first: `{"runs": [{…run_as_json, "deletedAt", "until"} …]}`."""

        def read() -> dict[str, Any]:
            at = self._clock()
            with self._database.reading() as transaction:
                found = runs.list_deleted(transaction, find_project(transaction, request), at, at_most=_MAX_DELETED)
            return {"runs": [_deleted_as_json(run, run.state(at)) for run in found]}

        await send_json(request.send, await to_thread.run_sync(read))

    async def retention(self, request: Request) -> None:
        """Answer with the rule, `{"keepNewest": number or null, "keepTags": [tag …], "due": runs it would delete now}`; POST: set it."""
        if request.scope["method"] == "POST":
            ruling = await read_act(request, Ruling)
            rule = None if ruling.keep_newest is None else Rule(ruling.keep_newest, tuple(ruling.keep_tags))
            if ruling.preview:
                await send_json(request.send, await to_thread.run_sync(partial(self._preview, request, rule)))
                return

            def act(transaction: sa.Connection) -> dict[str, Any]:
                project = _find_for(transaction, request, "delete")
                retention.set_rule(transaction, project.id, rule, self._clock())
                return self._rule_as_json(transaction, project, rule)

            await self._answer(request, act)
            return

        def read() -> dict[str, Any]:
            with self._database.reading() as transaction:
                project = find_project(transaction, request)
                return self._rule_as_json(transaction, project, retention.find_rule(transaction, project.id))

        await send_json(request.send, await to_thread.run_sync(read))

    async def usage(self, request: Request) -> None:
        """Answer with the bytes that a project takes, or took a moment ago: `{"history", "console", "files", "total"}`."""

        def read() -> dict[str, int]:
            with self._database.reading() as transaction:
                project = find_project(transaction, request)
            usage = self._meter.measure([project.id])[project.id]
            return {"history": usage.history, "console": usage.console, "files": usage.files, "total": usage.total}

        await send_json(request.send, await to_thread.run_sync(read))

    async def _answer(self, request: Request, act: Callable[[sa.Connection], dict[str, Any]]) -> None:
        def write() -> dict[str, Any]:
            with self._database.writing() as transaction:
                return act(transaction)

        # After the commit.
        await send_json(request.send, await to_thread.run_sync(write))

    def _on_runs(self, transaction: sa.Connection, request: Request, asked: OnRuns) -> dict[str, Any]:
        project = _find_for(transaction, request, "delete" if asked.act in ("delete", "restore", "move") else "write")
        at = self._clock()
        if asked.act == "delete":
            return {"changed": runs.delete_runs(transaction, project.id, asked.runs, at), "runs": []}
        if asked.act == "move":
            return {"changed": self._move(transaction, request, project, asked), "runs": []}
        if asked.act == "restore":
            changed = runs.restore_runs(transaction, project.id, asked.runs, at)
        elif asked.act == "stop":
            changed = runs.stop_runs(transaction, project.id, asked.runs)
        else:
            change = runs.add_tags if asked.act == "tag" else runs.remove_tags
            grown = change(transaction, project.id, asked.runs, asked.tags)
            self._count_text(transaction, project, sum(grown.values()))
            changed = list(grown)
        found = runs.list_named(transaction, project, changed)
        return {"changed": [run.name for run in found], "runs": [run_as_json(run, run.state(at)) for run in found]}

    def _move(self, transaction: sa.Connection, request: Request, source: Project, asked: OnRuns) -> list[str]:
        at = self._clock()
        if not runs.list_named(transaction, source, asked.runs):
            return []
        destination, is_new = projects.open_project(transaction, request.actor, source.entity, asked.to, at)
        owner = accounts.find_account_by_id(transaction, destination.account_id)
        if is_new and owner is not None and owner.is_anonymous:
            claiming.check_projects(transaction, owner.id, self._caps)
        moved = {run.id: run.name for run in runs.move_runs(transaction, source, asked.runs, destination, at)}
        artifacts.move_along(transaction, moved, source, destination, at)
        self._quota.check_moved(transaction, destination.account_id, destination.id)
        return list(moved.values())

    def _count_text(self, transaction: sa.Connection, project: Project, more: int) -> None:
        """Hold an account without a name to what it may keep, as all other ways to change a run do."""
        owner = accounts.find_account_by_id(transaction, project.account_id)
        if owner is not None and owner.is_anonymous:
            claiming.count_bytes(transaction, owner.id, more, self._caps)

    def _preview(self, request: Request, rule: Rule | None) -> dict[str, Any]:
        with self._database.reading() as transaction:
            if rule is not None:
                retention.check_rule(rule)
            return self._rule_as_json(transaction, find_project(transaction, request), rule)

    def _rule_as_json(self, transaction: sa.Connection, project: Project, rule: Rule | None) -> dict[str, Any]:
        if rule is None:
            return {"keepNewest": None, "keepTags": [], "due": 0}
        due = retention.list_due(transaction, project.id, rule, self._clock())
        return {"keepNewest": rule.keep_newest, "keepTags": rule.keep_tags, "due": len(due)}


def _find_for(transaction: sa.Connection, request: Request, act: Act) -> Project:
    """Find the project of an address, for something that needs a right. Raises Error `not_found`, `forbidden`."""
    project = find_project(transaction, request)
    _check(request, act, project)
    return project


def _check(request: Request, act: Act, project: Project) -> None:
    if not may(request.actor, act, project.account_id):
        raise Error("forbidden", "This key may read and write runs, and not delete them. Use one of your own, or the project's page.")


def _deleted_as_json(run: Run, state: str) -> dict[str, Any]:
    assert run.deleted_at is not None
    until = run.deleted_at + projects.UNDO_FOR
    return {**run_as_json(run, state), "deletedAt": run.deleted_at.timestamp(), "until": until.timestamp()}

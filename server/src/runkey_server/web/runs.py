"""What was logged, plainly: the account's projects, a project's runs, one run with its config, summary and a line chart a metric."""

import math
from typing import Any

import sqlalchemy as sa
from anyio import to_thread

from runkey_server import accounts, artifacts, claiming, history, projects, runs
from runkey_server.errors import Error
from runkey_server.history import Series, Stream
from runkey_server.projects import Project
from runkey_server.retention import Usage
from runkey_server.runs import Run
from runkey_server.web import console
from runkey_server.web.charts import Chart, draw
from runkey_server.web.pages import Visit
from runkey_wire import api_key

_MAX_RUNS = 500
_MAX_CHARTS = 100
_BUCKETS = 300
_DRAWABLE = 1e300


async def home(visit: Visit) -> None:
    """The account's projects; a visitor who is not signed in is asked to be."""
    visit.owner  # noqa: B018 - whoever is not signed in is sent to sign in
    await visit.show("home.html", **await to_thread.run_sync(_home, visit))


async def entity(visit: Visit) -> None:
    """An account's own address shows its projects."""
    if await _is_asked_to_open(visit):
        return
    if visit.account is None or visit.path["entity"].lower() != visit.account.name:
        raise _nothing()
    await visit.show("home.html", **await to_thread.run_sync(_home, visit))


async def project(visit: Visit) -> None:
    """A project's runs and their charts; `?plain`: a page that needs no script."""
    if await _is_asked_to_open(visit):
        return
    if "plain" in visit.query:
        await visit.show("project.html", **await to_thread.run_sync(_project, visit))
        return
    found, layout = await to_thread.run_sync(_project_and_layout, visit)
    await visit.show("workspace.html", page="project", project=found, layout=layout, is_guest=visit.is_guest)


async def restore(visit: Visit) -> None:
    """POST from the account's page: a deleted project comes back."""
    await visit.form()
    visit.refuse_guests()
    visit.owner  # noqa: B018 - whoever is not signed in is sent to sign in
    await visit.writing(_restore, visit)
    await visit.go("/")


async def run(visit: Visit) -> None:
    """One run; `?plain`, or a question for lines of the console: a page that needs no script."""
    if await _is_asked_to_open(visit):
        return
    if not visit.query.keys().isdisjoint(("plain", "find", "before", "after")):
        await visit.show("run.html", **await to_thread.run_sync(_run, visit))
        return
    found = await to_thread.run_sync(_find_run, visit)
    await visit.show("workspace.html", page="run", run=found, is_guest=visit.is_guest)


async def collections(visit: Visit) -> None:
    """A project's artifacts: collections by type, and their versions."""
    if await _is_asked_to_open(visit):
        return
    await visit.show("workspace.html", page="artifacts", project=await to_thread.run_sync(_find_project, visit), is_guest=visit.is_guest)


async def version(visit: Visit) -> None:
    """One version of an artifact."""
    if await _is_asked_to_open(visit):
        return
    found = await to_thread.run_sync(_find_project_of_version, visit)
    await visit.show("workspace.html", page="version", project=found, asked=visit.path, is_guest=visit.is_guest)


def _home(visit: Visit) -> dict[str, Any]:
    actor = visit.actor
    assert actor is not None
    with visit.database.reading() as transaction:
        found = projects.list_projects(transaction, actor, actor.account_id, at_most=_MAX_RUNS)
        rows = [(each, runs.count_runs(transaction, each)) for each in found]
        notices = accounts.list_notices(transaction, actor.account_id)
        owner = visit.owner
        used = claiming.use_of(transaction, owner, visit.pages.offer.caps) if owner.is_anonymous else None
        deleted = projects.list_deleted(transaction, actor, actor.account_id, visit.now)
    return {
        "deleted": [(each, each.deleted_at + projects.UNDO_FOR) for each in deleted if each.deleted_at is not None],
        "usage": _usage(visit, [each.id for each, _ in rows]),
        "is_guest": visit.is_guest,
        "used": used,
        "projects": rows,
        "notices": notices,
        "base_url": visit.base_url,
    }


def _project_and_layout(visit: Visit) -> tuple[Project, str | None]:
    found = _find_project(visit)
    with visit.database.reading() as transaction:
        return found, projects.read_layout(transaction, found)


def _usage(visit: Visit, project_ids: list[int]) -> dict[int, Usage] | None:
    """What projects take of the disk; None when that cannot be told now, for which no page shall be missing."""
    try:
        return visit.pages.meter.measure(project_ids)
    except Error:
        return None


def _restore(transaction: sa.Connection, visit: Visit) -> None:
    found = projects.find_deleted(transaction, visit.actor, visit.path["entity"], visit.path["project"])
    if found is None:
        raise _nothing()
    if not projects.may(visit.actor, "delete", found.account_id) or not projects.restore_project(transaction, found, visit.now):
        raise Error("gone", "The day in which this project could be restored is over.")


def _find_project(visit: Visit) -> Project:
    with visit.database.reading() as transaction:
        found = projects.find_project(transaction, visit.actor, visit.path["entity"], visit.path["project"])
    if found is None:
        raise _nothing()
    return found


def _find_project_of_version(visit: Visit) -> Project:
    path = visit.path
    with visit.database.reading() as transaction:
        found = projects.find_project(transaction, visit.actor, path["entity"], path["project"])
        collection = None if found is None else artifacts.find_collection(transaction, found, path["collection"])
        if found is None or collection is None or artifacts.find_membership(transaction, collection, path["version"]) is None:
            raise _nothing()
    return found


def _project(visit: Visit) -> dict[str, Any]:
    found = _find_project(visit)
    with visit.database.reading() as transaction:
        listed = runs.list_runs(transaction, found, order="-created_at", at_most=_MAX_RUNS)
    summaries = [runs.summary_of(each) for each in listed]
    columns = _common_numbers(summaries)
    rows = [
        (each, each.state(visit.now), [summary.get(column) for column in columns]) for each, summary in zip(listed, summaries, strict=True)
    ]
    return {"project": found, "rows": rows, "columns": columns}


def _find_run(visit: Visit) -> Run:
    path = visit.path
    with visit.database.reading() as transaction:
        found = runs.find_run(transaction, visit.actor, path["entity"], path["project"], path["run"])
    if found is None:
        raise _nothing()
    return found


def _run(visit: Visit) -> dict[str, Any]:
    found = _find_run(visit)
    with visit.database.reading() as transaction:
        lines = history.count_lines(transaction, found.id, Stream.HISTORY)
        definition_of = runs.definitions(found)
        names = sorted(name for name in history.list_names(transaction, found.id, Stream.HISTORY) if not definition_of(name).is_hidden)
        series = history.chart(transaction, found.id, Stream.HISTORY, names[:_MAX_CHARTS], buckets=_BUCKETS)
        printed = console.read(transaction, found.id, visit.query)
        measured = sorted(history.list_names(transaction, found.id, Stream.EVENTS))[:_MAX_CHARTS]
        events = history.chart(transaction, found.id, Stream.EVENTS, measured, buckets=_BUCKETS, axis="_runtime")
    return {
        "run": found,
        "state": found.state(visit.now),
        "config": runs.flat(runs.config_of(found)),
        "summary": runs.flat({key: value for key, value in runs.summary_of(found).items() if not key.startswith("_")}),
        "charts": _charts(series),
        "charts_left_out": max(0, len(names) - _MAX_CHARTS),
        "lines": lines,
        "console": printed,
        "system": _charts(events),
    }


def _charts(series: dict[str, Series]) -> list[Chart]:
    return [chart for chart in (_chart(name, found) for name, found in sorted(series.items())) if chart is not None]


def _chart(name: str, series: Series) -> Chart | None:
    """Draw a series: a bucket of several values as a stroke between its extremes, in the direction it went."""
    points: list[tuple[float, float]] = []
    for x, x_last, first, last, low, high in zip(
        *(column.tolist() for column in (series.x, series.x_last, series.first, series.last, series.smallest, series.largest)), strict=True
    ):
        # A span of which floating point cannot give the width has no place on a chart.
        if not (math.isfinite(low) and abs(low) < _DRAWABLE and abs(high) < _DRAWABLE):
            continue
        points.extend([(x, low), (x_last, high)] if first <= last else [(x, high), (x_last, low)])
    return draw(name, points) if points else None


def _common_numbers(summaries: list[dict[str, Any]]) -> list[str]:
    """The numeric summary keys that most runs have, at most four."""
    counts: dict[str, int] = {}
    for summary in summaries:
        for key, value in summary.items():
            if not key.startswith("_") and isinstance(value, int | float) and not isinstance(value, bool):
                counts[key] = counts.get(key, 0) + 1
    return sorted(counts, key=lambda key: (-counts[key], key))[:4]


async def _is_asked_to_open(visit: Visit) -> bool:
    """Make sure that somebody is signed in; True when the visitor was shown another page first.

    Official clients before 0.23 show links that hold the key of an account without a name: a click opens its pages.
    """
    if visit.account is not None:
        return False
    key = visit.query.get("apiKey", "")
    if api_key.kind_of(key) == "anonymous":
        await visit.show("try.html", code=key, next=visit.scope["path"], opens=None)
        return True
    # The same answer whether or not there is something behind the address.
    await visit.show(
        "message.html", 403, message="This page shows what is logged here to its owner.", shown_status=403, come_back=visit.address
    )
    return True


def _nothing() -> Error:
    return Error("not_found", "There is nothing at this address, or it belongs to somebody else.")

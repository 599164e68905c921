"""What the pages of a project and of a run ask for as JSON: runs, the names of their metrics, and charts of many runs at once.

Routes: `GET /{entity}/{project}/runs`, `GET …/keys`, `POST …/charts`, `POST …/layout`. Programs may ask the same, with a key.
"""

import json
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from anyio import to_thread

from runkey_server import history, projects, runs
from runkey_server.asgi.requests import header, read_body
from runkey_server.asgi.responses import send_json
from runkey_server.errors import Error
from runkey_server.history import Series, Stream
from runkey_server.runs import Run
from runkey_server.web.pages import Pages
from runkey_server.web.reading import Request, find_project, read_skip

MAX_RUNS = 1_000
"""Runs in one answer; the page asks for more when it is scrolled to their end."""

_MAX_BODY = 256 * 1024
_MAX_SERIES = 2_000
_LONGEST_VALUE = 300


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which charts: of these runs these keys, each as at most so many buckets over a span of x.

    x: the name of the key that is x. after: for some runs, the x after which alone something is wanted, for following.
    """

    runs: Annotated[list[str], msgspec.Meta(max_length=MAX_RUNS)]
    keys: Annotated[list[str], msgspec.Meta(max_length=1_000)]
    stream: Literal["history", "events"] = "history"
    x: str = history.STEP_AXIS
    buckets: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500
    low: float | None = None
    high: float | None = None
    after: dict[str, float] = {}


_decode = msgspec.json.Decoder(Question).decode


def _read_question(body: bytes) -> Question:
    try:
        return _decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Half of a surrogate pair, which strict JSON has not, may stand in the name of a metric.
        return msgspec.convert(json.loads(body), Question)


class Workspace:
    """The handlers."""

    def __init__(self, pages: Pages) -> None:
        """Serve one worker."""
        self._database = pages.database
        self._clock = pages.clock

    async def runs(self, request: Request) -> None:
        """Answer with runs, the newest first: `{"runs": [run_as_json …], "more": whether there are others}`.

        `skip`: so many are left out.
        """
        skip = read_skip(request)

        def read() -> dict[str, object]:
            now = self._clock()
            with self._database.reading() as transaction:
                project = find_project(transaction, request)
                listed = runs.list_runs(transaction, project, order="-created_at", skip=skip, at_most=MAX_RUNS + 1)
            return {"runs": [run_as_json(run, run.state(now)) for run in listed[:MAX_RUNS]], "more": len(listed) > MAX_RUNS}

        await send_json(request.send, await to_thread.run_sync(read))

    async def keys(self, request: Request) -> None:
        """Answer with the names of the metrics of a project: `{"history": {name: number of runs}, "events": {…}, "steps": {name: x}}`.

        steps: the metric that is meant to be the x of another. The newest run's definitions decide, of that and of what is hidden.
        """

        def read() -> dict[str, object]:
            with self._database.reading() as transaction:
                project = find_project(transaction, request)
                ids = list(runs.number_runs(transaction, project).values())
                counts = {stream: history.count_names(transaction, ids, stream) for stream in Stream}
                newest = runs.list_runs(transaction, project, order="-created_at", at_most=1)
            if not newest:
                return {"history": {}, "events": {}, "steps": {}}
            names, steps = shown_names(newest[0], list(counts[Stream.HISTORY]))
            return {
                "history": {name: counts[Stream.HISTORY][name] for name in names},
                "events": counts[Stream.EVENTS],
                "steps": steps,
            }

        await send_json(request.send, await to_thread.run_sync(read))

    async def charts(self, request: Request) -> None:
        """Answer a Question: `{"series": [{"run", "key", "x", "y", "low", "high", "count"} …]}`.

        y: the mean of a bucket; low, high: its extremes, left out where each bucket holds one number. What is not finite is null.
        """
        if (header(request.scope, b"content-type") or "").partition(";")[0].strip().lower() != "application/json":
            raise Error("invalid", "A question for charts is sent as application/json.")
        body = await read_body(request.scope, request.receive, _MAX_BODY)
        try:
            question = _read_question(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
            raise Error("invalid", f"This is no question for charts: {fault}") from None
        if len(question.runs) * len(question.keys) > _MAX_SERIES:
            raise Error("invalid", f"At most {_MAX_SERIES:,} series can be asked for at once.")
        await send_json(request.send, {"series": await to_thread.run_sync(partial(self._draw, request, question))})

    async def layout(self, request: Request) -> None:
        """Save the page's layout, a JSON object, for everybody who opens the project; an empty one takes it away."""
        body = await read_body(request.scope, request.receive, projects.MAX_LAYOUT_BYTES)

        def save() -> None:
            with self._database.writing() as transaction:
                project = find_project(transaction, request)
                projects.save_layout(transaction, request.actor, project, body.decode("utf-8", "replace"), self._clock())

        await to_thread.run_sync(save)
        await send_json(request.send, {})

    def _draw(self, request: Request, question: Question) -> list[dict[str, Any]]:
        stream = Stream[question.stream.upper()]
        drawn: list[dict[str, Any]] = []
        with self._database.reading() as transaction:
            numbers = runs.number_runs(transaction, find_project(transaction, request), question.runs)
            for name, run_id in numbers.items():
                span = (question.after.get(name, question.low), question.high)
                found = history.chart(transaction, run_id, stream, question.keys, buckets=question.buckets, axis=question.x, span=span)
                drawn.extend({"run": name, "key": key, **series_as_json(series)} for key, series in found.items())
        return drawn


def shown_names(run: Run, names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Leave out the names that a run's definitions hide; and give, of those with an x of their own, what it is."""
    definition_of = runs.definitions(run)
    shown = [name for name in names if not definition_of(name).is_hidden]
    return shown, {name: step for name in shown if (step := definition_of(name).step_metric) is not None}


def run_as_json(run: Run, state: str) -> dict[str, Any]:
    """Describe a run for the table: config and summary flat, by dotted names; long values cut."""
    return {
        "number": run.id,
        "name": run.name,
        "displayName": run.display_name,
        "state": state,
        "createdAt": run.created_at.timestamp(),
        "heartbeatAt": None if run.heartbeat_at is None else run.heartbeat_at.timestamp(),
        "tags": run.tags,
        "notes": run.notes,
        "group": run.group_name,
        "jobType": run.job_type,
        "host": run.host,
        "commit": run.commit_hash,
        "config": {key: _short(value) for key, value in runs.flat(runs.config_of(run))},
        "summary": {key: _short(value) for key, value in runs.flat(runs.summary_of(run))},
    }


def series_as_json(series: Series) -> dict[str, Any]:
    """Describe a series in as few numbers as tell it."""
    told: dict[str, Any] = {"x": series.x.tolist(), "y": series.mean.tolist(), "count": int(series.count.sum())}
    if bool(np.any(series.count > 1)):
        told |= {"low": series.smallest.tolist(), "high": series.largest.tolist()}
    return told


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and "_type" in value:
        return f"[{str(value['_type'])[:50]}]"
    return _short(json.dumps(value, ensure_ascii=False))

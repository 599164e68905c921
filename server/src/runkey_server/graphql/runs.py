"""`run` (W&B also: `bucket`), `runs`, `upsertBucket`, and what is read of a run's history."""

import json
from typing import Any

from runkey_server import claiming, history, machines, runs
from runkey_server.errors import Error
from runkey_server.graphql import ids
from runkey_server.graphql.context import Context, Info, page_of
from runkey_server.graphql.projects import as_project
from runkey_server.graphql.viewer import user
from runkey_server.history import Stream
from runkey_server.projects import Project, find_project_by_id, may
from runkey_server.runs import Run

_MAX_SAMPLES = 100_000
_LINES_A_NODE = 10
_SERVER_SETTINGS: dict[str, Any] = {"serverMessages": []}
_MAX_LOG_LINES = 10_000
_MAX_LOG_CHARACTERS = 100_000
_MOST_STEPS = 2**62
_INPUT_NAMES = {
    "groupName": "group_name",
    "description": "description",
    "displayName": "display_name",
    "notes": "notes",
    "config": "config",
    "commit": "commit_hash",
    "host": "host",
    "jobProgram": "program",
    "jobRepo": "repo",
    "jobType": "job_type",
    "state": "state",
    "sweep": "sweep_name",
    "summaryMetrics": "summary",
}


def as_run(run: Run, context: Context) -> dict[str, Any]:
    """Describe a run; what costs a look-up has a resolver of its own."""
    return {
        "__self": run,
        "id": ids.build("Run", run.id),
        "projectId": run.project_id,
        "name": run.name,
        "displayName": run.display_name,
        "description": run.description,
        "notes": run.notes,
        "state": run.state(context.now),
        "config": run.config,
        "summaryMetrics": run.summary,
        "tags": list(run.tags),
        "group": run.group_name,
        "groupName": run.group_name,
        "jobType": run.job_type,
        "commit": run.commit_hash,
        "host": run.host,
        "sweepName": run.sweep_name,
        "readOnly": False,
        "stopped": run.stop_requested,
        "exitCode": run.exit_code,
        "createdAt": run.created_at,
        "heartbeatAt": run.heartbeat_at,
    }


def _run(source: dict[str, Any], info: Info, name: str, **_: Any) -> Any:
    context: Context = info.context
    project: Project = source["__self"]
    found = runs.find_run(context.transaction, context.caller, project.entity, project.name, name)
    return None if found is None else as_run(found, context)


def _runs(
    source: dict[str, Any],
    info: Info,
    filters: str | None = None,
    after: str | None = None,
    first: int | None = None,
    order: str | None = None,
) -> dict[str, Any]:
    context: Context = info.context
    page = runs.list_page(
        context.transaction,
        source["__self"],
        context.now,
        chosen=runs.read_filter(filters, context.now),
        order=order,
        after=after or None,
        at_most=page_of(first),
    )
    context.spend(len(page.runs))
    edges: list[dict[str, Any]] = [
        {"node": as_run(run, context), "cursor": cursor} for run, cursor in zip(page.runs, page.cursors, strict=True)
    ]
    # What a page asks of each of its runs is looked up once for all of them.
    counts: dict[Stream, dict[int, int]] = {}
    for edge in edges:
        edge["node"]["__counts"] = (counts, [run.id for run in page.runs])
    return {"edges": edges, "pageInfo": {"endCursor": page.cursors[-1] if edges else None, "hasNextPage": page.more}}


def _run_count(source: dict[str, Any], info: Info, filters: str | None = None) -> int:
    return runs.count_runs(info.context.transaction, source["__self"], runs.read_filter(filters, info.context.now))


def _upsert(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    given = {ours: input[theirs] for theirs, ours in _INPUT_NAMES.items() if input.get(theirs) is not None}
    if input.get("tags") is not None:
        given["tags"] = tuple(input["tags"])
    changes = runs.Changes(**given)
    if input.get("id") and not input.get("name"):
        before = runs.get_run_by_id(context.transaction, ids.number_of("Run", input["id"]))
        run = runs.update_by_id(context.transaction, context.caller, before.id, changes)
        _count_text(context, before, run)
        return {"bucket": as_run(run, context), "inserted": False, "serverSettings": _SERVER_SETTINGS}
    named = (context.caller, input.get("entityName"), input.get("modelName"), input.get("name"))
    existing = runs.find_meant(context.transaction, *named)
    run, inserted = runs.upsert(context.transaction, *named, changes, context.now, joins=context.is_shared)
    _count_text(context, existing, run)
    if inserted and context.caller.key_kind == "anonymous":
        claiming.check_runs(context.transaction, context.caller.account_id, context.caps)
        claiming.check_projects(context.transaction, context.caller.account_id, context.caps)
    machines.note_host(context.transaction, context.caller.machine_id, input.get("host"), context.now)
    bucket = as_run(run, context)
    if inserted and context.caller.key_kind == "anonymous":
        # A fork begins with what it takes over.
        claiming.count_bytes(context.transaction, context.caller.account_id, history.measure(context.transaction, run.id), context.caps)
    if not input.get("id"):
        # The official client goes on from this count (observed with 0.31.0). One that resumes or was taken back names the run by its id as
        # well; one that does not begins the run again, and must send from line 0 to overwrite it, or from where a fork begins.
        point = runs.branch_point_of(run.config)
        is_fork = point is not None and point.run != run.name
        bucket["__begins_at_line"] = history.count_lines_to(context.transaction, run.id, point.step) if point and is_fork else 0
    return {"bucket": bucket, "inserted": inserted, "serverSettings": _SERVER_SETTINGS}


def _count_text(context: Context, before: Run | None, run: Run) -> None:
    """Count by how much the texts of a run of an account without a name have grown."""
    caller = context.caller
    if caller.key_kind == "anonymous" and run.account_id == caller.account_id:
        grown = run.text_bytes - (before.text_bytes if before else 0)
        claiming.count_bytes(context.transaction, caller.account_id, grown, context.caps)


def _meant(context: Context, global_id: str) -> Run:
    """Find a run by its id that the caller may write to. Raises Error `not_found`."""
    run = runs.get_run_by_id(context.transaction, ids.number_of("Run", global_id))
    if not may(context.caller, "write", run.account_id):
        raise Error("not_found", "There is no such run.")
    return run


def _rewind(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    if input["metricName"] != "_step":
        raise Error("invalid", f"A run is taken back to a step, by _step, not by {input['metricName'][:80]!r}.")
    if not 0 <= input["metricValue"] < _MOST_STEPS:
        raise Error("invalid", "A run is taken back to a step from 0 on.")
    named = (context.caller, input.get("entityName"), input.get("projectName"), input["runName"])
    run = runs.find_meant(context.transaction, *named)
    if run is None or not may(context.caller, "write", run.account_id):
        raise Error("not_found", f"There is no run {input['runName'][:80]!r} to take back.")
    if run.deleted_at is not None:
        raise Error("gone", f"The run {run.name!r} was deleted.")
    runs.rewind(context.transaction, run, int(input["metricValue"]), context.now)
    rewound = runs.get_run_by_id(context.transaction, run.id)
    return {"rewoundRun": as_run(rewound, context), "clientMutationId": input.get("clientMutationId")}


def _stop(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    run = _meant(context, input["id"])
    runs.stop_runs(context.transaction, run.project_id, [run.name])
    return {"success": True, "clientMutationId": input.get("clientMutationId")}


def _update_state(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    runs.set_state(context.transaction, _meant(context, input["id"]), input["state"], context.now)
    return {"success": True, "clientMutationId": input.get("clientMutationId")}


def _delete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    run = _meant(context, input["id"])
    if not may(context.caller, "delete", run.account_id):
        raise Error("forbidden", "This key may write runs and not delete them. Use one of your own, or the project's page.")
    runs.delete_runs(context.transaction, run.project_id, [run.name], context.now)
    return {"clientMutationId": input.get("clientMutationId")}


def _project_of(source: dict[str, Any], info: Info) -> dict[str, Any]:
    run: Run = source["__self"]
    project = find_project_by_id(info.context.transaction, run.project_id)
    if project is None:
        raise Error("not_found", "There is no such project.")
    return as_project(project)


def _wandb_config(source: dict[str, Any], _: Info, keys: list[str] | None = None) -> str:
    """The client's own part of the config; the official client reads the absence of `t` as "never started"."""
    own = json.loads(source["config"]).get("_wandb") or {}
    value = own.get("value", {}) if isinstance(own, dict) else {}
    return json.dumps(value if keys is None else {key: value[key] for key in keys if key in value})


def _count(stream: Stream) -> Any:
    def resolve(source: dict[str, Any], info: Info) -> int:
        if stream is Stream.HISTORY and "__begins_at_line" in source:
            return int(source["__begins_at_line"])
        if "__begins_at_line" in source:
            return 0
        if "__counts" in source:
            counts, run_ids = source["__counts"]
            if stream not in counts:
                counts[stream] = history.count_lines_of(info.context.transaction, run_ids, stream)
            return int(counts[stream].get(source["__self"].id, 0))
        return history.count_lines(info.context.transaction, source["__self"].id, stream)

    return resolve


def _tail(stream: Stream) -> Any:
    def resolve(source: dict[str, Any], info: Info) -> str:
        return json.dumps(history.last_lines(info.context.transaction, source["__self"].id, stream, 1))

    return resolve


def _console_count(source: dict[str, Any], info: Info) -> int:
    return runs.count_console(info.context.transaction, source["__self"].id)


def _log_lines(
    source: dict[str, Any],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    **_: Any,
) -> dict[str, Any]:
    context: Context = info.context
    at_most = max(0, min(_MAX_LOG_LINES, 1_000 if first is None and last is None else int((first if last is None else last) or 0)))
    run: Run = source["__self"]
    start = None if last is not None else ids.number_of("LogLine", after) + 1 if after else 0
    found = runs.read_console(context.transaction, run.id, first=start, at_most=at_most + 1, characters=_MAX_LOG_CHARACTERS)
    more = len(found) > at_most
    lines = found[:at_most] if last is None else found[-at_most:] if at_most else []
    context.spend(len(lines) // _LINES_A_NODE)
    edges = [{"node": _log_line(line), "cursor": ids.build("LogLine", line.number)} for line in lines]
    end = edges[-1]["cursor"] if edges else None
    return {"edges": edges, "pageInfo": {"endCursor": end, "hasNextPage": more and last is None}}


def _log_line(line: runs.ConsoleLine) -> dict[str, Any]:
    return {
        "id": ids.build("LogLine", line.number),
        "number": line.number,
        "timestamp": None if line.at is None else line.at.replace(tzinfo=None).isoformat(),
        "level": "error" if line.stream == "stderr" else "",
        "label": "",
        "line": line.text,
    }


def _system_metrics(source: dict[str, Any], info: Info) -> str:
    lines = history.last_lines(info.context.transaction, source["__self"].id, Stream.EVENTS, 1)
    return lines[0] if lines else "{}"


def _history_keys(source: dict[str, Any], info: Info) -> dict[str, Any]:
    return history.describe_keys(info.context.transaction, source["__self"].id)


def _history(
    source: dict[str, Any],
    info: Info,
    minStep: int | None = None,  # noqa: N803
    maxStep: int | None = None,  # noqa: N803
    samples: int | None = None,
) -> list[str]:
    run: Run = source["__self"]
    at_most = min(500 if samples is None else max(samples, 0), _MAX_SAMPLES)
    if minStep is None and maxStep is None:
        return _counted(info, history.sample_lines(info.context.transaction, run.id, Stream.HISTORY, at_most))
    # A page of steps is given whole, however many rows share a step: `samples` is only how many steps the client asked for.
    first, end = minStep or 0, 2**63 - 1 if maxStep is None else maxStep
    return _counted(info, _whole(history.read_steps(info.context.transaction, run.id, Stream.HISTORY, first, end, _MAX_SAMPLES + 1)))


def _whole(rows: list[Any]) -> list[Any]:
    """Refuse a page of steps that is too large, instead of giving a part of it that looks like the whole."""
    if len(rows) > _MAX_SAMPLES:
        raise Error("invalid", f"More than {_MAX_SAMPLES} rows have these steps. Ask for fewer steps at once: page_size=1000.")
    return rows


def _counted(info: Info, lines: list[str]) -> list[str]:
    info.context.spend(len(lines) // _LINES_A_NODE)
    return lines


def _events(source: dict[str, Any], info: Info, samples: int | None = None) -> list[str]:
    at_most = min(500 if samples is None else max(samples, 0), _MAX_SAMPLES)
    return _counted(info, history.sample_lines(info.context.transaction, source["__self"].id, Stream.EVENTS, at_most))


def _parquet_history(source: dict[str, Any], info: Info, liveKeys: list[str]) -> dict[str, Any]:  # noqa: N803
    """Say that nothing is in files, and from which step on there is anything, so that nobody takes no files for no history."""
    first = history.read_columns(info.context.transaction, source["__self"].id, Stream.HISTORY, (0, 1), ())
    steps = first[history.STEPS].ints[:1].tolist() if history.STEPS in first else []
    return {"parquetUrls": [], "liveData": [{"_step": step} for step in steps]}


def _sampled_history(source: dict[str, Any], info: Info, specs: list[str]) -> list[list[dict[str, Any]]]:
    run: Run = source["__self"]
    answers = []
    for text in specs[:100]:
        try:
            spec = json.loads(text)
            keys = [str(key) for key in spec.get("keys", [])]
            at_most = min(int(spec.get("samples", 500)), _MAX_SAMPLES)
            bounds = [None if spec.get(name) is None else int(spec[name]) for name in ("minStep", "maxStep")]
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            raise Error("invalid", 'A spec is a JSON object such as {"keys": ["loss"], "samples": 500}.') from None
        first, end = bounds[0], _end_of_steps(bounds[0], bounds[1], at_most)
        # A page of a scan, which has as many samples as steps, is given whole, however many rows share a step.
        is_page = end is not None and end - (first or 0) <= at_most
        rows = history.sample_rows(
            info.context.transaction, run.id, keys, _MAX_SAMPLES + 1 if is_page else at_most, min_step=first, max_step=end
        )
        answers.append(_whole(rows))
        info.context.spend(len(answers[-1]) // _LINES_A_NODE)
    return answers


def _end_of_steps(first: int | None, last: int | None, samples: int) -> int | None:
    """Give the step before which a page of sampled history ends.

    Observed: clients from 0.28 on send the last step of a page, with as many samples as there are steps; older ones send the step after it,
    also with as many. In `history` all of them send the step after it.
    """
    if last is None:
        return None
    return last if last - (first or 0) == samples else last + 1


def _author(_: Any, info: Info) -> dict[str, Any]:
    # Only its owner sees a run, so the author is whoever asks.
    return user(info.context.caller)


RESOLVERS: dict[str, dict[str, Any]] = {
    "Project": {"run": _run, "bucket": _run, "runs": _runs, "runCount": _run_count},
    "Mutation": {"upsertBucket": _upsert, "deleteRun": _delete, "rewindRun": _rewind, "stopRun": _stop, "updateRunState": _update_state},
    "Run": {
        "project": _project_of,
        "user": _author,
        "wandbConfig": _wandb_config,
        "logLineCount": _console_count,
        "logLines": _log_lines,
        "historyLineCount": _count(Stream.HISTORY),
        "eventsLineCount": _count(Stream.EVENTS),
        "historyTail": _tail(Stream.HISTORY),
        "eventsTail": _tail(Stream.EVENTS),
        "systemMetrics": _system_metrics,
        "historyKeys": _history_keys,
        "history": _history,
        "events": _events,
        "sampledHistory": _sampled_history,
        "parquetHistory": _parquet_history,
    },
}

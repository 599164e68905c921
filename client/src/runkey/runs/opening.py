"""Makes a run on the server, or finds the one to go on with: W&B's `UpsertBucket` and `RunResumeStatus`."""

import json
from typing import Any

from runkey import api
from runkey.answers import Fields
from runkey.credentials.model import Credential
from runkey.runs.config import read_config
from runkey_wire import file_stream, names

_UPSERT = """
mutation UpsertBucket(
  $entity: String, $project: String, $name: String, $displayName: String, $config: JSONString, $tags: [String!], $notes: String,
  $group: String, $jobType: String, $host: String, $program: String, $commit: String, $repo: String, $state: String, $id: String
) {
  upsertBucket(
    input: {
      id: $id, entityName: $entity, modelName: $project, name: $name, displayName: $displayName, config: $config, tags: $tags,
      notes: $notes, groupName: $group, jobType: $jobType, host: $host, jobProgram: $program, commit: $commit, jobRepo: $repo, state: $state
    }
  ) { inserted bucket { name displayName project { name entity { name } } } }
}
"""
_STATUS = """
query RunResumeStatus($project: String, $entity: String, $name: String!) {
  model(name: $project, entityName: $entity) {
    id name entity { id name }
    bucket(name: $name, missingOk: true) {
      id name summaryMetrics displayName logLineCount historyLineCount eventsLineCount historyTail eventsTail config tags notes
      wandbConfig(keys: ["t"])
    }
  }
}
"""


_LARGEST_STEP = 2**53


class Opened:
    """A run as the server has it."""

    def __init__(self, bucket: Fields) -> None:
        """Read the answer. Raises ServerError for one that is none."""
        project = bucket.object("project")
        self.id = bucket.place("name", names.run_id_fault)
        self.name = bucket.content("displayName") if bucket.has("displayName") else self.id
        self.project = project.place("name", names.project_fault)
        self.entity = project.object("entity").place("name", names.entity_fault)


class Status:
    """How far a run on the server has come. lines: how many each file of its stream has; last_row: its last row, if any."""

    def __init__(self, bucket: Fields) -> None:
        """Read the answer. Raises ServerError for one that is none: going on from a wrong place would cost rows."""
        self.id = bucket.code("id")
        counts = {file_stream.HISTORY: "historyLineCount", file_stream.EVENTS: "eventsLineCount", file_stream.CONSOLE: "logLineCount"}
        self.lines = {file: bucket.count(name) if bucket.has(name) else 0 for file, name in counts.items()}
        self.last_row = _last(bucket.json("historyTail", list) if bucket.has("historyTail") else [])
        self.summary: dict[str, Any] = bucket.json("summaryMetrics", dict) if bucket.has("summaryMetrics") else {}
        self.config, self.private = read_config(bucket.content("config") if bucket.has("config") else None)
        self.name = bucket.content("displayName") if bucket.has("displayName") else None
        self.tags = bucket.contents("tags") if bucket.has("tags") else []
        self.notes = bucket.content("notes") if bucket.has("notes") else None

    @property
    def next_step(self) -> int:
        """The step to go on with: after the last row's, else after the summary's."""
        last = self.last_row if self.last_row is not None else self.summary
        step = last.get("_step")
        if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step <= _LARGEST_STEP:
            return 0
        return step + 1 if self.last_row is not None or step > 0 else 0

    @property
    def last_timestamp(self) -> Any:
        """When the last row was logged; None without one."""
        return (self.last_row or {}).get("_timestamp")


def find_status(credential: Credential, entity: str | None, project: str, run_id: str) -> Status | None:
    """Ask how far a run has come; None when there is none. Raises as `api.graphql` does."""
    data = api.graphql(credential, _STATUS, {"entity": entity, "project": project, "name": run_id})
    answer = Fields(credential.host, data)
    model = answer.object("model") if answer.has("model") else None
    return Status(model.object("bucket")) if model is not None and model.has("bucket") else None


def open_run(credential: Credential, variables: dict[str, Any]) -> Opened:
    """Make a run, or change it: see UpsertBucket. Raises as `api.graphql` does."""
    answer = Fields(credential.host, api.graphql(credential, _UPSERT, variables))
    return Opened(answer.object("upsertBucket").object("bucket"))


def _last(lines: list[Any]) -> dict[str, Any] | None:
    try:
        row = json.loads(lines[-1]) if lines else None
    except (ValueError, TypeError, RecursionError):
        return None
    return row if isinstance(row, dict) else None

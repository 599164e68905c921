"""Makes a run on the server, or finds the one to go on with: W&B's `UpsertBucket` and `RunResumeStatus`."""

import json
from typing import Any

from runkey import api
from runkey.credentials.model import Credential
from runkey.runs.config import read_config
from runkey_wire import file_stream

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


class Opened:
    """A run as the server has it."""

    def __init__(self, bucket: dict[str, Any]) -> None:
        """Read the answer."""
        owner = bucket["project"]
        self.id = str(bucket["name"])
        self.name = str(bucket["displayName"])
        self.project = str(owner["name"])
        self.entity = str(owner["entity"]["name"])


class Status:
    """How far a run on the server has come. lines: how many each file of its stream has; last_row: its last row, if any."""

    def __init__(self, bucket: dict[str, Any]) -> None:
        """Read the answer."""
        self.id = str(bucket["id"])
        self.lines = {
            file_stream.HISTORY: int(bucket.get("historyLineCount") or 0),
            file_stream.EVENTS: int(bucket.get("eventsLineCount") or 0),
            file_stream.CONSOLE: int(bucket.get("logLineCount") or 0),
        }
        self.last_row = _last(bucket.get("historyTail"))
        self.summary = _object(bucket.get("summaryMetrics"))
        self.config, self.private = read_config(bucket.get("config"))
        self.name = bucket.get("displayName")
        self.tags = list(bucket.get("tags") or [])
        self.notes = bucket.get("notes")

    @property
    def next_step(self) -> int:
        """The step to go on with: after the last row's, else after the summary's."""
        last = self.last_row if self.last_row is not None else self.summary
        step = last.get("_step")
        return step + 1 if isinstance(step, int) and (self.last_row is not None or step > 0) else 0

    @property
    def last_timestamp(self) -> Any:
        """When the last row was logged; None without one."""
        return (self.last_row or {}).get("_timestamp")


def find_status(credential: Credential, entity: str | None, project: str, run_id: str) -> Status | None:
    """Ask how far a run has come; None when there is none. Raises as `api.graphql` does."""
    model = api.graphql(credential, _STATUS, {"entity": entity, "project": project, "name": run_id}).get("model")
    bucket = model.get("bucket") if isinstance(model, dict) else None
    return Status(bucket) if isinstance(bucket, dict) else None


def open_run(credential: Credential, variables: dict[str, Any]) -> Opened:
    """Make a run, or change it: see UpsertBucket. Raises as `api.graphql` does."""
    return Opened(api.graphql(credential, _UPSERT, variables)["upsertBucket"]["bucket"])


def _last(tail: Any) -> dict[str, Any] | None:
    try:
        lines = json.loads(tail or "[]")
        row = json.loads(lines[-1]) if lines else None
    except (ValueError, TypeError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

"""How a run stands: what each file of its journal begins with. Never a secret."""

import urllib.parse
from typing import Any

from runkey.runs.metrics import Metrics

_MEMBERS = (
    "host server_id account entity project id name tags notes group job_type mode resume is_resumed started step line config private "
    "summary summary_state metrics origin"
).split()


class Standing:
    """host, server_id, account: where it was begun and as whom; None for one that was begun without a network.

    entity, project, id: its place. name: how it is shown. started: in seconds since 1970. step, line: of the next row. private: W&B's own
    part of the config. summary_state: what goes on counting needs. metrics: arguments of define_metric.
    origin: commit, repo, program, host.
    """

    def __init__(self, **given: Any) -> None:
        """Hold what is given; what is not is empty."""
        get = given.get
        self.host: str | None = get("host")
        self.server_id: str | None = get("server_id")
        self.account: str | None = get("account")
        self.entity: str = get("entity") or ""
        self.project: str = get("project") or ""
        self.id: str = get("id") or ""
        self.name: str = get("name") or ""
        self.tags: list[str] | None = get("tags")
        self.notes: str | None = get("notes")
        self.group: str | None = get("group")
        self.job_type: str | None = get("job_type")
        self.mode: str = get("mode") or "online"
        self.resume: str | None = get("resume")
        self.is_resumed = bool(get("is_resumed"))
        self.started = float(get("started") or 0.0)
        self.step = int(get("step") or 0)
        self.line = int(get("line") or 0)
        self.config: dict[str, Any] = dict(get("config") or {})
        self.private: dict[str, Any] = dict(get("private") or {})
        self.summary: dict[str, Any] = dict(get("summary") or {})
        self.summary_state: dict[str, Any] = dict(get("summary_state") or {})
        self.metrics: list[dict[str, Any]] = list(get("metrics") or [])
        self.origin: dict[str, str] = dict(get("origin") or {})

    def as_dict(self) -> dict[str, Any]:
        """Give all of it."""
        return {name: getattr(self, name) for name in _MEMBERS}

    def add_private(self, members: dict[str, Any]) -> None:
        """Add to W&B's own part of the config; mappings are merged, one level deep."""
        for name, value in members.items():
            before = self.private.get(name)
            self.private[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value

    def define_metrics(self, metrics: Metrics) -> Metrics:
        """Define what was defined before."""
        for each in self.metrics:
            metrics.define(**each)
        return metrics

    def url(self, host: str) -> str:
        """Give the address of its page on a server."""
        return "/".join([host, *(urllib.parse.quote(part, safe="") for part in (self.entity, self.project, "runs", self.id))])

    def variables(self) -> dict[str, Any]:
        """Give what it says of itself, as variables of UpsertBucket."""
        return {
            "entity": self.entity or None,
            "project": self.project,
            "name": self.id,
            "displayName": self.name or None,
            "tags": self.tags,
            "notes": self.notes,
            "group": self.group,
            "jobType": self.job_type,
            **{name: self.origin.get(name) for name in ("host", "program", "commit", "repo")},
        }

"""What a run is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SILENT_AFTER = timedelta(minutes=5)
"""A running run that has sent nothing for so long counts as crashed: ten missed heartbeats of the official client."""

SILENT = {"running": "crashed", "preempting": "preempted"}
"""What a run counts as, by what it reported, when it falls silent."""

RUNNING = ("running", "pending", "preempting")
"""The states, as reported, of a run that has not said its last word."""


@dataclass(frozen=True)
class Run:
    """One run. name: its id in addresses (W&B: run id), unique in its project. config, summary: JSON texts, kept as they came.

    deleted_at: when it was deleted, or its project was.
    """

    id: int
    project_id: int
    account_id: int
    entity: str
    project: str
    name: str
    display_name: str
    reported_state: str
    config: str
    summary: str
    tags: tuple[str, ...]
    notes: str | None
    description: str | None
    group_name: str | None
    job_type: str | None
    commit_hash: str | None
    host: str | None
    program: str | None
    repo: str | None
    sweep_name: str | None
    exit_code: int | None
    stop_requested: bool
    opened_by: str | None
    created_at: datetime
    heartbeat_at: datetime | None
    deleted_at: datetime | None
    restored_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether it said its last word."""
        return self.reported_state not in RUNNING

    @property
    def text_bytes(self) -> int:
        """How many bytes its texts take in the database."""
        texts = (self.config, self.summary, self.notes, self.description, self.display_name, self.group_name, self.job_type, *self.tags)
        more = (self.commit_hash, self.host, self.program, self.repo, self.sweep_name, self.reported_state)
        return sum(len(text.encode()) for text in (*texts, *more) if text)

    def state(self, now: datetime) -> str:
        """Tell its state: what it reported, or what became of it if it fell silent."""
        return SILENT.get(self.reported_state, self.reported_state) if self.is_silent(now) else self.reported_state

    def is_silent(self, now: datetime) -> bool:
        """Whether it has sent nothing for long."""
        return (self.heartbeat_at or self.created_at) + SILENT_AFTER < now


@dataclass(frozen=True)
class Changes:
    """What an upsert changes; None leaves a thing alone."""

    display_name: str | None = None
    config: str | None = None
    summary: str | None = None
    tags: tuple[str, ...] | None = None
    notes: str | None = None
    description: str | None = None
    group_name: str | None = None
    job_type: str | None = None
    commit_hash: str | None = None
    host: str | None = None
    program: str | None = None
    repo: str | None = None
    sweep_name: str | None = None
    state: str | None = None

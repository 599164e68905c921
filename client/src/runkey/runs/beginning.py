"""init(): begin a run. What it takes is settled, the machine is logged in if need be, the run is made on the server, its thread started."""

import os
import secrets
import sys
from collections.abc import Mapping
from typing import Any

from runkey import api, authentication
from runkey.credentials.model import Credential
from runkey.errors import NotLoggedIn, UsageError
from runkey.runs.current import current, make_current
from runkey.runs.encoding import plain
from runkey.runs.run import Run, config_text
from runkey.settings import MODES, Environment
from runkey.terminal import Terminal
from runkey_wire import names

DEFAULT_PROJECT = "uncategorized"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_UPSERT = """
mutation UpsertBucket(
  $entity: String, $project: String, $name: String, $displayName: String, $config: JSONString, $tags: [String!], $notes: String,
  $group: String, $jobType: String, $host: String, $program: String
) {
  upsertBucket(
    input: {
      entityName: $entity, modelName: $project, name: $name, displayName: $displayName, config: $config, tags: $tags, notes: $notes,
      groupName: $group, jobType: $jobType, host: $host, jobProgram: $program
    }
  ) { inserted bucket { name displayName project { name entity { name } } } }
}
"""
# What W&B's init() takes and this one does not do yet. The first would change what is kept, so they are refused; the rest is told.
_REFUSED = ("resume", "resume_from", "fork_from")
_TOLD = ("dir", "settings", "reinit", "save_code", "sync_tensorboard", "monitor_gym", "magic", "force", "config_exclude_keys")
_TOLD_TOO = ("config_include_keys", "allow_val_change", "tensorboard")


def init(
    project: str | None = None,
    entity: str | None = None,
    name: str | None = None,
    id: str | None = None,
    config: Mapping[str, Any] | None = None,
    mode: str | None = None,
    *,
    tags: list[str] | tuple[str, ...] | None = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    anonymous: str | None = None,
    **others: Any,
) -> "Run":
    """Begin a run: log in if need be, make it on the server, and start the thread that sends to it.

    project, entity: where it goes; by default RUNKEY_PROJECT or "uncategorized", and the account itself. name: how it is shown. id: its
    address in the project; one that is used again begins that run again. config: its settings. mode: "online" or "disabled".
    anonymous: as for login().
    Raises UsageError, AuthenticationError, WrongServer, ConnectionFailed, ServerError: before the run has begun, trouble is told.
    """
    environment, terminal = Environment(), Terminal()
    mode = _mode(mode, environment)
    _look_at(others, terminal)
    project = project or environment.get("RUNKEY_PROJECT", "WANDB_PROJECT") or DEFAULT_PROJECT
    entity = entity or environment.get("RUNKEY_ENTITY", "WANDB_ENTITY")
    name = name or environment.get("WANDB_NAME")
    run_id = id or environment.get("WANDB_RUN_ID") or "".join(secrets.choice(_BASE36) for _ in range(8))
    for value, fault in ((project, names.project_fault(project)), (run_id, names.run_id_fault(run_id))):
        if fault:
            raise UsageError(f"{value[:80]!r} {fault}.")
    before = current()
    if before is not None:
        before.finish()
    if mode == "disabled":
        return _begin(Run(run_id, project, entity or "", name or run_id, config, None, terminal))
    credential = _credential(anonymous)
    shown = plain(config or {}, lambda key, why: terminal.warn(f"config[{key!r}] is left out: {why}."))
    variables = {
        "entity": entity,
        "project": project,
        "name": run_id,
        "displayName": name,
        "config": config_text(shown),
        "tags": list(tags) if tags is not None else None,
        "notes": notes,
        "group": group,
        "jobType": job_type,
        "host": os.uname().nodename if hasattr(os, "uname") else None,
        "program": sys.argv[0] or None,
    }
    bucket = api.graphql(credential, _UPSERT, variables)["upsertBucket"]["bucket"]
    owner = bucket["project"]
    run = Run(bucket["name"], owner["name"], owner["entity"]["name"], bucket["displayName"], config, credential, terminal)
    if not environment.silent:
        terminal.say(f"Run {run.name} of {run.project}: {run.url}")
    return _begin(run)


def _begin(run: Run) -> Run:
    make_current(run)
    run.start()
    return run


def _mode(mode: str | None, environment: Environment) -> str:
    mode = mode or environment.mode
    if mode not in MODES:
        raise UsageError(f"mode is one of {', '.join(MODES)}.")
    if mode == "offline":
        raise UsageError('mode="offline" cannot be had yet: runs keep no journal that could be sent later. Use "online" or "disabled".')
    return mode


def _look_at(others: dict[str, Any], terminal: Terminal) -> None:
    for word, value in others.items():
        if value is None or value is False:
            continue
        if word in _REFUSED:
            raise UsageError(f"init({word}=…) cannot be had yet. Leave it out.")
        if word not in (*_TOLD, *_TOLD_TOO):
            raise TypeError(f"init() got an unexpected keyword argument {word!r}")
        terminal.warn(f"init({word}=…) changes nothing here yet.")


def _credential(anonymous: str | None) -> Credential:
    if not authentication.login(anonymous=anonymous):
        raise NotLoggedIn('This process is not logged in and is offline. Log in, or begin the run with mode="disabled".')
    credential = authentication.current_credential()
    if credential is None:
        raise NotLoggedIn("No key is configured. Run `runkey login`.")
    return credential

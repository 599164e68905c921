"""What `init()` is asked for: its arguments, over `Settings`, over the environment.

`Settings` takes whatever a script written for W&B gives it: what this package knows by W&B's name counts, and the rest is held, so that
what accompanies a run may look (`run.settings.console`), and changes nothing.
"""

import os
import secrets
from collections.abc import Mapping
from typing import Any

from runkey.errors import UsageError
from runkey.runs import known_settings
from runkey.runs.mapping import as_mapping
from runkey.settings import MODES, Environment
from runkey_wire import names

DEFAULT_PROJECT = "uncategorized"
RESUME_WORDS = ("allow", "must", "never", "auto")
REINIT_WORDS = ("default", "return_previous", "finish_previous", "create_new")
MAX_TAG_CHARACTERS = 64
"""As W&B has it."""

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
# By which names Settings may say what init()'s arguments say.
_SETTINGS_NAMES = {
    "project": ("project",),
    "entity": ("entity",),
    "name": ("run_name", "name"),
    "id": ("run_id", "id"),
    "group": ("run_group", "group"),
    "job_type": ("run_job_type", "job_type"),
    "notes": ("run_notes", "notes"),
    "tags": ("run_tags", "tags"),
    "mode": ("mode",),
    "resume": ("resume",),
    "reinit": ("reinit",),
    "dir": ("root_dir", "dir"),
    "save_code": ("save_code",),
}
_SETTINGS_VARIABLES = {
    "console": ("RUNKEY_CONSOLE", "WANDB_CONSOLE"),
    "save_code": ("RUNKEY_SAVE_CODE", "WANDB_SAVE_CODE"),
    "disable_git": ("RUNKEY_DISABLE_GIT", "WANDB_DISABLE_GIT"),
    "x_disable_stats": ("RUNKEY_DISABLE_STATS", "WANDB_X_DISABLE_STATS"),
}
_YES = frozenset({"true", "1", "yes", "on"})
_REFUSED = ("resume_from", "fork_from")
# These mean something only with W&B's own service, or are defaults of theirs; a script that passes them runs on.
_PASSED_OVER = frozenset({"sync_tensorboard", "tensorboard", "monitor_gym", "magic", "force", "allow_val_change"})


class Settings:
    """Settings by name, as attributes; one that was not given is None."""

    def __init__(self, **given: Any) -> None:
        """Take any names."""
        self.__dict__.update(given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    def __repr__(self) -> str:
        return f"Settings({', '.join(sorted(self.__dict__))})"


class Options:
    """What a run is to be, settled. resume, reinit: a word, or None. folder: where journals lie. strange_settings: what to say of them."""

    def __init__(self, given: Mapping[str, Any], environment: Environment) -> None:
        """Settle arguments over settings over environment. Raises UsageError for what cannot be meant, TypeError for unknown arguments."""
        given = dict(given)
        self.unused = _look_at(given)
        self.settings = _settings(given.pop("settings", None), environment)
        self.strange_settings = known_settings.strange(vars(self.settings), (name for names in _SETTINGS_NAMES.values() for name in names))
        for name, theirs in _SETTINGS_NAMES.items():
            if given.get(name) is None:
                given[name] = next((value for each in theirs if (value := getattr(self.settings, each)) is not None), None)
        for name in ("project", "entity", "name", "id", "group", "job_type", "notes"):
            if given[name] is not None and not isinstance(given[name], str):
                raise UsageError(f"{name} is a text, not {given[name]!r}.")
        get = environment.get
        self.mode = _mode(given["mode"], environment)
        self.project = given["project"] or get("RUNKEY_PROJECT", "WANDB_PROJECT") or DEFAULT_PROJECT
        self.entity = given["entity"] or get("RUNKEY_ENTITY", "WANDB_ENTITY")
        self.name = given["name"] or get("WANDB_NAME")
        self.notes = given["notes"] or get("WANDB_NOTES")
        self.group = given["group"] or get("WANDB_RUN_GROUP")
        self.job_type = given["job_type"] or get("WANDB_JOB_TYPE")
        tags = given["tags"] if given["tags"] is not None else get("WANDB_TAGS")
        self.tags = None if tags is None else check_tags(tags)
        self.resume = _resume(given["resume"] if given["resume"] is not None else get("WANDB_RESUME"))
        self.reinit = _reinit(given["reinit"])
        self.folder = _folder(given["dir"]) or environment.runs_folder
        self.config = _config(given)
        self.is_silent = environment.silent or bool(self.settings.silent)
        self.id = given["id"] or get("WANDB_RUN_ID")
        self.is_new_id = self.id is None
        self.settings.__dict__["save_code"] = given["save_code"]
        self.check()

    def check(self) -> None:
        """Give the run an id if it has none, and check the names. Raises UsageError."""
        for value, fault in (
            (self.project, names.project_fault(str(self.project))),
            (self.id, self.id and names.run_id_fault(str(self.id))),
        ):
            if fault:
                raise UsageError(f"{str(value)[:80]!r} {fault}.")
        if self.resume == "must" and self.id is None:
            raise UsageError('resume="must" needs the id of the run to go on with: init(id=…).')

    def settle_id(self, last: str | None) -> str:
        """Give the run's id: the one that was named, the last one (for resume="auto"), or a new one."""
        self.id = self.id or last or "".join(secrets.choice(_BASE36) for _ in range(8))
        return self.id


def _look_at(given: dict[str, Any]) -> list[str]:
    known = {*_SETTINGS_NAMES, "config", "config_include_keys", "config_exclude_keys", "settings", "anonymous"}
    unused = []
    for word, value in list(given.items()):
        if word in known:
            continue
        if word in _REFUSED and value is not None:
            raise UsageError(f"init({word}=…) cannot be had yet. Leave it out.")
        if word not in _PASSED_OVER and word not in _REFUSED:
            raise TypeError(f"init() got an unexpected keyword argument {word!r}")
        if value not in (None, False):
            unused.append(word)
    return unused


def _settings(given: Any, environment: Environment) -> Settings:
    """Give a copy, with what the environment says where it says nothing."""
    try:
        settings = Settings(**(vars(given) if isinstance(given, Settings) else as_mapping(given)))
    except (TypeError, ValueError):
        raise UsageError(f"settings is a Settings, or a mapping of names to values, not {given!r}.") from None
    for name, variables in _SETTINGS_VARIABLES.items():
        text = environment.get(*variables)
        if getattr(settings, name) is None and text is not None:
            setattr(settings, name, text if name == "console" else text.lower() in _YES)
    return settings


def _folder(given: Any) -> str | None:
    if not given:
        return None
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"dir is a folder's path, not {given!r}.")
    return os.path.join(os.fspath(given), "runkey")


def _mode(mode: str | None, environment: Environment) -> str:
    mode = mode or environment.mode
    mode = {"dryrun": "offline", "run": "online", "shared": "online"}.get(mode, mode)
    if mode not in MODES:
        raise UsageError(f"mode is one of {', '.join(MODES)}.")
    return mode


def _resume(word: Any) -> str | None:
    if word in (None, False, ""):
        return None
    word = "auto" if word is True or word == "true" else word
    if word not in RESUME_WORDS:
        raise UsageError(f"resume is one of {', '.join(RESUME_WORDS)}, True or None.")
    return str(word)


def _reinit(word: Any) -> str:
    word = {True: "finish_previous", False: "return_previous", None: "default"}.get(word, word)
    if word not in REINIT_WORDS:
        raise UsageError(f"reinit is one of {', '.join(REINIT_WORDS)}, True or False.")
    return str(word)


def check_tags(given: Any) -> list[str]:
    """Give tags as a list: of a text, what stands between its commas. Raises UsageError for one that is no tag."""
    if isinstance(given, str):
        given = [tag.strip() for tag in given.split(",") if tag.strip()]
    try:
        tags = ["" if tag is None else str(tag) for tag in given]
    except TypeError:
        raise UsageError(f"tags are a list of texts, not {given!r}.") from None
    for tag in tags:
        if not 1 <= len(tag) <= MAX_TAG_CHARACTERS:
            raise UsageError(f"A tag has 1 to {MAX_TAG_CHARACTERS} characters, and {tag[:80]!r} has {len(tag)}.")
    return tags


def _config(given: dict[str, Any]) -> dict[str, Any]:
    config = given.get("config")
    if isinstance(config, str):
        raise UsageError("config is a mapping, or an argparse.Namespace. Read the file, and hand over what is in it.")
    try:
        values = as_mapping(config)
    except (TypeError, ValueError):
        raise UsageError(f"config is a mapping, or an argparse.Namespace, not {config!r}.") from None
    include, exclude = given.get("config_include_keys"), given.get("config_exclude_keys") or ()
    return {key: value for key, value in values.items() if key not in exclude and (include is None or key in include)}

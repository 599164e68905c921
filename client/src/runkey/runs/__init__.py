"""What a user logs through: `init()` gives a Run, which takes rows until `finish()`.

One run at a time is the current one of the process.
"""

from typing import Any

from runkey.errors import UsageError
from runkey.runs.beginning import init
from runkey.runs.current import current, has_others
from runkey.runs.metrics import Metric
from runkey.runs.options import Settings
from runkey.runs.run import Run

__all__ = [
    "Run",
    "Settings",
    "current_config",
    "current_run",
    "current_summary",
    "define_metric",
    "finish",
    "init",
    "log",
    "log_code",
    "save",
]


def log(data: dict[str, Any], step: int | None = None, commit: bool | None = None) -> None:
    """Log a row to the current run: see `Run.log`. Raises UsageError before `init()`."""
    _need().log(data, step=step, commit=commit)


def finish(exit_code: int | None = None) -> None:
    """End the current run: see `Run.finish`. Nothing happens without one."""
    run = current()
    if run is not None:
        run.finish(exit_code)


def define_metric(name: str, **said: Any) -> Metric:
    """Say how a metric of the current run is summed up and drawn: see `Run.define_metric`. Raises UsageError before `init()`."""
    return _need().define_metric(name, **said)


def save(glob_str: Any = None, base_path: Any = None, policy: str = "live") -> list[str]:
    """Send files with the current run: see `Run.save`. Raises UsageError before `init()`."""
    return _need().save(glob_str, base_path, policy)


def log_code(root: str | None = ".", name: str | None = None, include_fn: Any = None, exclude_fn: Any = None) -> list[str]:
    """Send code with the current run: see `Run.log_code`. Raises UsageError before `init()`."""
    return _need().log_code(root, name, include_fn, exclude_fn)


def current_run() -> Run | None:
    """Give the current run; None before `init()` and after `finish()`."""
    return current()


def current_config() -> Any:
    """Give the current run's config. Raises UsageError before `init()`."""
    return _need().config


def current_summary() -> Any:
    """Give the current run's summary. Raises UsageError before `init()`."""
    return _need().summary


def _need() -> Run:
    run = current()
    if run is None and has_others():
        raise UsageError('The only runs in progress were begun with reinit="create_new": call the methods of the run that init() gave.')
    if run is None:
        raise UsageError("There is no run yet: call runkey.init() first.")
    return run

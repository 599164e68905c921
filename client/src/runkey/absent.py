"""What scripts written for W&B may ask for and do not find here yet: asked for, it says so, and what to do.

`from runkey import Artifact` and `import runkey.plot` are answered too. Python does not pass on there what `runkey.__getattr__` says, but
looks for a module of that name, and what is said to that reaches the script.
"""

import sys

OF_THE_MODULE = frozenset(
    "AlertLevel Api Artifact Classes CommError Config Graph JoinedTable Molecule Object3D PartitionedTable Plotly agent alert apis attach "
    "box3d controller data_types docker ensure_configured env helper integration integrations jupyter keras link_artifact link_model "
    "log_artifact log_model mark_preempting monitor plot plot_table plots rehash require restore sandbox sdk setup sklearn sweep sync "
    "teardown tensorboard termerror termlog termwarn unwatch use_artifact use_model util wandb_agent wandb_sdk watch weave".split()
)
OF_A_RUN = frozenset(
    "alert config_static display finish_artifact get_project_url get_sweep_url get_url join link_artifact link_model log_artifact "
    "log_model mark_preempting mode pin_config_keys plot_table project_name restore settings_static status to_html unwatch upsert_artifact "
    "use_artifact use_model watch write_logs".split()
)
_INSTEAD = {"get_url": "url", "get_project_url": "project_url", "project_name": "project"}
_ARTIFACTS = "artifacts are not there yet, nor on the server. run.save(path) keeps a file with the run"
_SWEEPS = "sweeps are not there yet, nor on the server. Begin a run for each choice of settings, all with the same group=…"
_ALERTS = "alerts are not there yet, nor on the server"
# What the server lacks too, so that another client would not help.
_LACKING = {
    **dict.fromkeys(
        "Artifact link_artifact link_model log_artifact log_model use_artifact use_model finish_artifact upsert_artifact".split(),
        _ARTIFACTS,
    ),
    **dict.fromkeys(("agent", "controller", "sweep", "wandb_agent", "get_sweep_url"), _SWEEPS),
    **dict.fromkeys(("alert", "AlertLevel"), _ALERTS),
}
_WORDS = "it is not there yet. A script that needs it can keep the official client, run by: runkey exec -- python SCRIPT"


def words_for_module(name: str) -> str:
    """Say that this module has no such attribute, and more of one that W&B has."""
    return f"module 'runkey' has no attribute {name!r}{': ' + _words(name) if name in OF_THE_MODULE else ''}"


def words_for_run(name: str) -> str:
    """Say that a run has no such attribute, and more of one that W&B's have."""
    more = ""
    if name in _INSTEAD:
        more = f": run.{_INSTEAD[name]} says it"
    elif name in OF_A_RUN:
        more = f": {_words(name)}"
    return f"a run has no attribute {name!r}{more}"


def _words(name: str) -> str:
    return _LACKING.get(name, _WORDS)


class Finder:
    """The last that Python asks for a module, when it has found none."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError with words for a part of this package that W&B has; let Python go on for any other."""
        package, _, part = name.partition(".")
        if package == "runkey" and part in OF_THE_MODULE:
            # Without the module's name: with it, Python takes it for its own, and says less.
            raise ModuleNotFoundError(f"{name}: {_words(part)}")


def answer_imports() -> None:
    """Be asked for modules that are not there."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)

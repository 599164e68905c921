"""What W&B has and this package has not yet says so, however it is asked for."""

import importlib
import importlib.util

import pytest

import runkey
from runkey.absent import OF_A_RUN, OF_THE_MODULE
from runkey.runs.model import Standing
from runkey.runs.run import Run
from runkey.terminal import Terminal

WORDS = r"it is not there yet\. .* runkey exec -- python SCRIPT|\w+ are not there yet, nor on the server"


@pytest.fixture
def run() -> Run:
    return Run(Standing(project="p", entity="mira", id="r", started=100.0), Terminal())


@pytest.mark.parametrize("name", sorted(OF_THE_MODULE))
def test_of_the_module(name: str) -> None:
    with pytest.raises(AttributeError, match=WORDS):
        getattr(runkey, name)
    assert not hasattr(runkey, name)


@pytest.mark.parametrize("name", sorted(OF_A_RUN))
def test_of_a_run(run: Run, name: str) -> None:
    with pytest.raises(AttributeError, match=f"a run has no attribute '{name}': ({WORDS}|run\\.)"):
        getattr(run, name)


def test_of_a_run_that_is_another_word_here(run: Run) -> None:
    with pytest.raises(AttributeError, match=r"run\.project_url says it"):
        run.get_project_url()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"^a run has no attribute 'nonsense'$"):
        run.nonsense  # type: ignore[attr-defined]  # noqa: B018
    assert (run.project_url, run.starting_step, run.sweep_id, run.sweep_url) == ("", 0, None, None)


@pytest.mark.parametrize(
    "line",
    [
        "from runkey import Artifact",
        "from runkey import log, Api",
        "import runkey.plot",
        "from runkey.integration.keras import WandbMetricsLogger",
    ],
)
def test_by_import(line: str) -> None:
    with pytest.raises(ImportError, match=WORDS):
        exec(line)


def test_what_nobody_knows_is_pythons_to_say() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        exec("from runkey import nonsense")
    with pytest.raises(ModuleNotFoundError, match=r"No module named .runkey\.nonsense."):
        importlib.import_module("runkey.nonsense")
    assert importlib.util.find_spec("plot") is None


def test_what_the_server_lacks_is_not_sent_to_another_client(run: Run) -> None:
    for asked in (lambda: runkey.log_artifact, lambda: run.use_artifact):  # type: ignore[attr-defined]
        with pytest.raises(AttributeError, match=r"artifacts are not there yet, nor on the server\. run\.save\(path\) keeps"):
            asked()
    with pytest.raises(AttributeError, match="sweeps are not there yet, nor on the server"):
        runkey.sweep  # noqa: B018
    with pytest.raises(AttributeError, match="alerts are not there yet"):
        run.alert(title="t", text="x")  # type: ignore[attr-defined]


def test_nothing_that_is_there_is_said_to_be_absent(run: Run) -> None:
    assert not OF_THE_MODULE & set(runkey.__all__)
    assert not OF_A_RUN & set(dir(run))

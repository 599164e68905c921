"""What init() is asked for: arguments over Settings over the environment."""

import argparse
import os
from pathlib import Path

import pytest

from runkey.errors import UsageError
from runkey.runs import beginning
from runkey.runs.options import Options, Settings
from runkey.settings import Environment


def options(variables: dict[str, str] | None = None, **given: object) -> Options:
    return Options(given, Environment(variables or {}))


def test_arguments_win_over_settings_and_those_over_the_environment() -> None:
    variables = {
        "WANDB_PROJECT": "w",
        "RUNKEY_PROJECT": "r",
        "WANDB_NAME": "n",
        "WANDB_TAGS": "a, b",
        "WANDB_RUN_ID": "id1",
        "WANDB_MODE": "dryrun",
    }
    found = options(variables)
    assert (found.project, found.name, found.tags, found.id, found.mode) == ("r", "n", ["a", "b"], "id1", "offline")
    found = options(variables, settings=Settings(project="s", run_name="sn", run_tags=("c",), mode="disabled", x_odd=1))
    assert (found.project, found.name, found.tags, found.mode, found.settings.x_odd, found.settings.absent) == (
        "s",
        "sn",
        ["c"],
        "disabled",
        1,
        None,
    )
    found = options(variables, settings={"project": "s"}, project="argument", tags=["d"])
    assert (found.project, found.tags) == ("argument", ["d"])
    assert options().project == "uncategorized"


def test_where_journals_lie(tmp_path: Path) -> None:
    assert options().folder == "runkey"
    assert options({"WANDB_DIR": "/w"}).folder == "/w/runkey"
    assert options({"WANDB_DIR": "/w", "RUNKEY_DIR": "/r"}).folder == "/r"
    assert options({"RUNKEY_DIR": "/r"}, dir=tmp_path).folder == os.path.join(tmp_path, "runkey")


def test_a_config_from_what_scripts_have() -> None:
    assert options(config=argparse.Namespace(a=1, b=None)).config == {"a": 1, "b": None}
    assert options(config={"a": 1, "b": 2, "c": 3}, config_exclude_keys=["b"]).config == {"a": 1, "c": 3}
    assert options(config={"a": 1, "b": 2}, config_include_keys=["b"]).config == {"b": 2}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mode": "sometimes"}, "mode is one of"),
        ({"resume": "perhaps"}, "resume is one of"),
        ({"resume": "must"}, "needs the id"),
        ({"reinit": "perhaps"}, "reinit is one of"),
        ({"project": "a/b"}, "is no project name"),
        ({"id": "a#b"}, "is no run id"),
        ({"config": "file.yaml"}, "config is a mapping"),
        ({"config": [1]}, r"config is a mapping, or an argparse.Namespace, not \[1\]"),
        ({"config": 3}, "config is a mapping"),
        ({"settings": "quiet"}, "settings is a Settings, or a mapping"),
        ({"name": 3}, "name is a text, not 3"),
        ({"id": 12}, "id is a text"),
        ({"project": 7}, "project is a text"),
        ({"dir": 9}, "dir is a folder's path, not 9"),
        ({"fork_from": "x"}, "cannot be had yet"),
        ({"tags": ["a", ""]}, "A tag has 1 to 64 characters, and '' has 0"),
        ({"tags": [None]}, "A tag has 1 to 64 characters"),
        ({"tags": ["x" * 65]}, "has 65"),
        ({"tags": 3}, "tags are a list of texts, not 3"),
        ({"settings": Settings(run_tags=["x" * 65])}, "has 65"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        options(**given)


def test_words_of_w_and_b_are_taken_and_unknown_ones_are_not() -> None:
    found = options(resume=True, reinit=True, sync_tensorboard=True, monitor_gym=False, save_code=True)
    assert (found.resume, found.reinit, found.unused) == ("auto", "finish_previous", ["sync_tensorboard"])
    assert options(resume=False, reinit=False).reinit == "return_previous"
    with pytest.raises(TypeError, match="unheard"):
        options(unheard=1)


def test_an_id_is_made_once_and_can_be_used_as_one() -> None:
    found = options()
    made = found.settle_id(None)
    assert (len(made), found.settle_id("other")) == (8, made)
    assert options().settle_id("last") == "last"
    assert options(id="mine").settle_id("last") == "mine"


def test_tags_of_the_lengths_that_w_and_b_takes() -> None:
    assert options(tags=("x" * 64, "y")).tags == ["x" * 64, "y"]
    assert options(tags="a, b,,").tags == ["a", "b"]
    assert (options(tags=[]).tags, options().tags) == ([], None)


def test_settings_that_nobody_knows_are_named_with_the_one_that_may_be_meant() -> None:
    assert options(settings=Settings(nonsense=1)).strange_settings == ["Settings(nonsense=…) changes nothing: there is no such setting."]
    assert options(settings={"consol": "off", "x_disable_stat": True}).strange_settings == [
        "Settings(consol=…) changes nothing: there is no such setting. Is console meant?",
        "Settings(x_disable_stat=…) changes nothing: there is no such setting. Is x_disable_stats meant?",
    ]
    known = Settings(init_timeout=1, start_method="thread", _disable_stats=True, run_name="n", dir="d", silent=True, console="off")
    assert options({"WANDB_CONSOLE": "off", "RUNKEY_SAVE_CODE": "1"}, settings=known).strange_settings == []


def test_every_setting_of_w_and_bs_own_client_is_known() -> None:
    wandb = pytest.importorskip("wandb")
    theirs = dict.fromkeys(wandb.Settings.model_fields)
    assert len(theirs) > 100
    assert options(settings=theirs).strange_settings == []


def test_what_is_strange_is_said_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "_said", set())
    for _ in range(2):
        beginning.init(mode="disabled", settings=Settings(nonsense=1)).finish()
    assert capsys.readouterr().err == "runkey: Warning: Settings(nonsense=…) changes nothing: there is no such setting.\n"

"""The official client's settings: it finds the server there, and everything else is as it was, also afterwards."""

import configparser
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runkey.credentials import wandb_settings
from runkey.errors import UsageError

URL, OTHER = "https://track.example.org", "http://127.0.0.1:8080"
LINES = st.sampled_from(
    [
        "[default]",
        "[other]",
        "[DEFAULT]",
        "[ default ]",
        "[default] x",
        "  [default]  ",
        "entity = mira",
        "base_url = https://api.wandb.ai",
        "base_url=https://x",
        f"base_url = {URL}",
        "  base_url = https://deep",
        "BASE_URL: https://z",
        "base_url",
        "base_url =\n  https://below",
        "; c",
        "# c",
        "  # c",
        "key = a\n  [x]\n  b",
        "key = a\n  base_url = b",
        "",
        "   ",
    ]
)
ENDS = st.sampled_from(["\n", "\n", "\r\n", ""])
FILES = st.one_of(
    st.lists(st.tuples(LINES, ENDS), max_size=6).map(lambda lines: "".join(a + b for a, b in lines).encode()), st.binary(max_size=40)
)


def read_as_that_client_does(data: bytes) -> str | None:
    reader = configparser.ConfigParser(interpolation=None)
    try:
        reader.read_string(data.decode(errors="surrogateescape"))
        return reader.get("default", "base_url", fallback=None)
    except configparser.Error:
        return None


@settings(deadline=None)
@given(FILES, st.lists(st.sampled_from([URL, OTHER]), min_size=1, max_size=3))
def test_any_file_is_again_what_it_was(tmp_path_factory: pytest.TempPathFactory, before: bytes, urls: list[str]) -> None:
    path = tmp_path_factory.mktemp("wandb") / "settings"
    path.write_bytes(before)
    undo = None
    for url in urls:
        try:
            undo = wandb_settings.write(str(path), url, undo)
        except UsageError:
            assert undo is None
            assert path.read_bytes() == before
            return
        assert read_as_that_client_does(path.read_bytes()) == url
    assert undo is not None
    wandb_settings.restore(str(path), json.loads(json.dumps(undo)))
    assert path.read_bytes() == before


@pytest.mark.parametrize("before", [None, "", "[default]\n", "[default]", "[other]\na = b", "  [default]\n  base_url = x\n  entity = y\n"])
def test_files_that_people_have(tmp_path: Path, before: str | None) -> None:
    path = tmp_path / "settings"
    if before is not None:
        path.write_text(before)
    undo = wandb_settings.write(str(path), URL)
    assert read_as_that_client_does(path.read_bytes()) == URL
    wandb_settings.restore(str(path), undo)
    assert (path.read_text() if path.exists() else None) == before


def test_who_was_pointed_elsewhere_since_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    undo = wandb_settings.write(str(path), URL)
    path.write_text("[default]\nbase_url = https://api.wandb.ai\n")
    wandb_settings.restore(str(path), undo)
    assert path.read_text() == "[default]\nbase_url = https://api.wandb.ai\n"


def test_a_file_that_the_client_cannot_read_is_let_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("[default]\na = b\n[default]\n")
    with pytest.raises(UsageError, match="not a file that the official client can read"):
        wandb_settings.write(str(path), URL)
    assert path.read_text() == "[default]\na = b\n[default]\n"

"""Files that are followed, and config as YAML."""

import os
from pathlib import Path

import yaml as others
from hypothesis import given
from hypothesis import strategies as st

from runkey.runs import yaml
from runkey.runs.following import Follower

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), VALUES, min_size=1, max_size=4))
def test_others_read_our_yaml_as_the_same(values: dict[str, object]) -> None:
    assert others.safe_load(yaml.write(values)) == values


def change(path: Path, text: str, at: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(at, at))


def test_a_live_file_is_sent_when_it_changed_and_is_at_rest(tmp_path: Path) -> None:
    path, sent = tmp_path / "a", []
    change(path, "one", 1)
    follower = Follower(lambda name, path: sent.append(Path(path).read_text()), seconds=3600)
    follower.follow("a", str(path), is_live=True)
    follower.look()
    assert sent == []
    change(path, "two", 2)
    follower.look()
    assert sent == []
    follower.look()
    assert sent == ["two"]
    follower.look()
    change(path, "three", 3)
    follower.stop()
    assert sent == ["two", "three"]


def test_a_file_for_the_end_is_sent_then_and_one_that_is_gone_is_not(tmp_path: Path) -> None:
    sent: list[str] = []
    follower = Follower(lambda name, path: sent.append(name), seconds=3600)
    change(tmp_path / "kept", "x", 1)
    follower.follow("kept", str(tmp_path / "kept"), is_live=False)
    follower.follow("gone", str(tmp_path / "gone"), is_live=False)
    follower.look()
    assert sent == []
    follower.stop()
    assert sent == ["kept"]

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runkey.credentials import netrc
from runkey.errors import CannotStore

OTHERS = """# my machines
machine github.com login me password "two words" # a comment
machine multi
    login you
    account acc
    password secret

macdef init
machine not.an.entry login x password y

default login anonymous password guest
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".netrc"


def test_entries_of_every_form_are_found(path: Path) -> None:
    path.write_text(OTHERS + "machine a.example login user password k1\nmachine b.example:8080\n\tlogin user\n\tpassword k2")
    find = {
        host: netrc.find(str(path), host) for host in ("https://a.example", "http://b.example:8080", "https://github.com", "https://multi")
    }
    assert find == {
        "https://a.example": "k1",
        "http://b.example:8080": "k2",
        "https://github.com": "two words",
        "https://multi": "secret",
    }
    assert netrc.find(str(path), "https://not.an.entry") is None
    assert netrc.find(str(path), "https://absent") is None


def test_the_form_with_the_port_comes_first(path: Path) -> None:
    path.write_text("machine x login u password portless\nmachine x:8080 login u password withport\n")
    assert netrc.find(str(path), "http://x:8080") == "withport"
    assert netrc.find(str(path), "http://x:9090") == "portless"


def test_writing_keeps_everything_else_byte_for_byte(path: Path) -> None:
    path.write_text(OTHERS)
    assert netrc.write(str(path), "x.example", "one") is None
    assert path.read_text() == OTHERS + "machine x.example\n  login user\n  password one\n"
    assert netrc.write(str(path), "x.example", "two") == "machine x.example\n  login user\n  password one\n"
    assert path.read_text() == OTHERS + "machine x.example\n  login user\n  password two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    netrc.restore(str(path), "x.example", None)
    assert path.read_text() == OTHERS


def test_restore_puts_back_what_was_there(path: Path) -> None:
    before = OTHERS + "machine x.example login user password old\nmachine z login a password b\n"
    path.write_text(before)
    old = netrc.write(str(path), "x.example", "new")
    assert netrc.find(str(path), "https://x.example") == "new"
    netrc.restore(str(path), "x.example", old)
    assert netrc.find(str(path), "https://x.example") == "old"
    assert netrc.find(str(path), "https://z") == "b"


def test_a_missing_file_is_made_and_bytes_that_are_no_text_survive(path: Path) -> None:
    netrc.write(str(path), "x", "k")
    assert path.read_text().startswith("machine x\n")
    path.write_bytes(b"# caf\xe9\r\nmachine y login a password b\r\n")
    netrc.write(str(path), "x", "k")
    assert path.read_bytes().startswith(b"# caf\xe9\r\nmachine y login a password b\r\n")


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("kept")
    path.symlink_to(target)
    with pytest.raises(CannotStore, match="is a link"):
        netrc.write(str(path), "x", "k")
    assert target.read_text() == "kept"
    assert path.is_symlink()


@given(st.text(alphabet='machine login pasword\n\t"\\#x.:8', max_size=200))
def test_no_text_breaks_the_reader_and_an_entry_written_is_found(text: str) -> None:
    netrc.parse(text)
    _, rest = netrc._cut(text, "x.example")
    entries = [entry for entry in netrc.parse(rest) if entry.machine == "x.example"]
    assert entries == []

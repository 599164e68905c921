import json
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runkey.credentials import netrc
from runkey.errors import CannotStore, UsageError

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
    undo = netrc.write(str(path), "x.example", "one")
    rest, default = OTHERS.split("default")
    assert path.read_text() == rest + "machine x.example\n  login user\n  password one\ndefault" + default, "`default` ends every search"
    undo = netrc.write(str(path), "x.example", "two", undo)
    assert path.read_text() == rest + "machine x.example\n  login user\n  password two\ndefault" + default
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    netrc.restore(str(path), "x.example", undo)
    assert path.read_text() == OTHERS


def test_restore_puts_back_what_was_there(path: Path) -> None:
    before = OTHERS + "machine x.example login user password old # mine\nmachine z login a password b\nmachine x.example password older"
    path.write_text(before)
    undo = netrc.write(str(path), "x.example", "new")
    assert {entry.password for entry in netrc.parse(path.read_text()) if entry.machine == "x.example"} == {"new"}
    # What others change meanwhile stays.
    path.write_text(path.read_text().replace("login a password b", "login a password c"))
    netrc.restore(str(path), "x.example", undo)
    assert path.read_text() == before.replace("login a password b", "login a password c")


def test_what_somebody_wrote_since_is_not_taken_out(path: Path) -> None:
    path.write_text("machine x.example login me password old\n")
    undo = netrc.write(str(path), "x.example", "new")
    path.write_text("machine x.example login me password another\n")
    netrc.restore(str(path), "x.example", undo)
    assert path.read_text() == "machine x.example login me password another\n"


def test_no_secret_is_in_what_is_noted(path: Path) -> None:
    path.write_text(OTHERS)
    assert "one-secret" not in repr(netrc.write(str(path), "x.example", "one-secret"))


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


MACHINE = "x.example"
SECRET = "rku_" + "k" * 36
LINES = st.one_of(
    st.builds(
        lambda machine, password, gap: f"machine {machine}{gap}login u{gap}password {password}",
        st.sampled_from([MACHINE, "other.example", "github.com"]),
        st.sampled_from(["abc", "p#w", '"q w"', "x" * 40, SECRET]),
        st.sampled_from([" ", "\n  ", "\t"]),
    ),
    st.sampled_from(
        ["# a comment", "default login anonymous password me@x", "macdef init\ncd /pub\nbin\n\n", "macdef init\ncd /pub", "  ", "account a"]
    ),
    st.sampled_from(
        ["machine", f"machine {MACHINE} password old # mine", f"machine {MACHINE}", "password", f"# machine {MACHINE}", "\ufeff"]
    ),
)
ENDS = st.sampled_from(["\n", "\n", "\r\n", " ", "\n\n", ""])
FILES = st.one_of(
    st.lists(st.tuples(LINES, ENDS), max_size=6).map(lambda lines: "".join(a + b for a, b in lines).encode()),
    st.text(alphabet='machine login pasword\n\t"\\#x.:8', max_size=200).map(str.encode),
    st.binary(max_size=60),
)


@settings(deadline=None)
@given(FILES, st.lists(st.sampled_from(["one" + "k" * 37, SECRET]), min_size=1, max_size=3))
def test_any_file_is_again_what_it_was(tmp_path_factory: pytest.TempPathFactory, before: bytes, secrets: list[str]) -> None:
    path = tmp_path_factory.mktemp("netrc") / ".netrc"
    path.write_bytes(before)
    undo = None
    for secret in secrets:
        try:
            undo = netrc.write(str(path), MACHINE, secret, undo)
        except UsageError:
            # Nobody could read an entry in such a file, and it was let alone.
            assert undo is None
            assert path.read_bytes() == before
            return
        assert netrc.find(str(path), f"https://{MACHINE}") == secret
    assert undo is not None
    netrc.restore(str(path), MACHINE, json.loads(json.dumps(undo)))
    assert path.read_bytes() == before


@pytest.mark.parametrize("before", [None, b"", b"\n", b"# mine"])
def test_so_is_one_that_was_not_there_or_held_nothing(path: Path, before: bytes | None) -> None:
    if before is not None:
        path.write_bytes(before)
    netrc.restore(str(path), MACHINE, netrc.write(str(path), MACHINE, SECRET))
    assert (path.read_bytes() if path.exists() else None) == before

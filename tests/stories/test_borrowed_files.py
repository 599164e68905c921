"""What login puts into other programs' files, and into a folder of its own: whose it is, and how it comes out again."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from answering import KEY, Answering, answering
from outside import BIN, Machine

from runkey_wire import api_key

pytestmark = pytest.mark.story

RUNKEY = str(BIN / "runkey")
OTHER_KEY = api_key.join("user", "d" * 30)
NETRC = "machine github.com login me password x\n\ndefault login anonymous password me@x"
SETTINGS = "[default]\nentity = mira\nbase_url = https://api.wandb.ai\n"


@pytest.fixture
def odd() -> Iterator[Answering]:
    with answering() as started:
        yield started


def runkey(machine: Machine, *words: str, status: int = 0, stdin: str = "", **extra: str) -> "subprocess.CompletedProcess[str]":
    done = machine.run(RUNKEY, *words, stdin=stdin, **extra)
    assert done.returncode == status, done.stderr
    return done


def log_in(machine: Machine, odd: Answering, *words: str, key: str = KEY) -> "subprocess.CompletedProcess[str]":
    return runkey(machine, "login", "--host", odd.url, "--key-stdin", *words, stdin=key)


class Files:
    """The two files of the official client's on a machine."""

    def __init__(self, machine: Machine, netrc: str | None = NETRC, settings: str | None = SETTINGS) -> None:
        self.netrc, self.settings = machine.home / ".netrc", machine.home / ".config/wandb/settings"
        self.before = (netrc, settings)
        self.settings.parent.mkdir(parents=True)
        for path, text in ((self.netrc, netrc), (self.settings, settings)):
            if text is not None:
                path.write_text(text)

    def now(self) -> tuple[str | None, str | None]:
        return tuple(path.read_text() if path.exists() else None for path in (self.netrc, self.settings))  # type: ignore[return-value]


@pytest.mark.parametrize("netrc", [None, "", NETRC, "# mine"])
@pytest.mark.parametrize("settings", [None, SETTINGS, "[other]\nx = y"])
def test_logout_leaves_the_official_clients_files_as_they_were(
    odd: Answering, machine: Machine, netrc: str | None, settings: str | None
) -> None:
    files = Files(machine, netrc, settings)
    log_in(machine, odd, "--wandb")
    assert KEY in (files.now()[0] or "")
    assert odd.url in (files.now()[1] or "")
    runkey(machine, "logout")
    assert files.now() == files.before


@pytest.mark.parametrize(
    "entry", ["", "machine {place} login user password {old}\n", "machine {place} password a\nmachine {place} password b"]
)
def test_a_key_that_is_kept_in_netrc_gives_its_place_back(odd: Answering, machine: Machine, entry: str) -> None:
    files = Files(machine, NETRC.split("default")[0] + entry.format(place=odd.url.removeprefix("http://"), old="a" * 40))
    log_in(machine, odd, "--store", "netrc")
    log_in(machine, odd, "--store", "netrc", "--relogin", key=OTHER_KEY)
    assert OTHER_KEY in (files.now()[0] or "")
    assert KEY not in (files.now()[0] or "")
    runkey(machine, "logout")
    assert files.now() == files.before


def test_so_it_does_when_the_key_moves_to_another_store(odd: Answering, machine: Machine) -> None:
    files = Files(machine)
    log_in(machine, odd, "--store", "netrc")
    log_in(machine, odd, "--store", "file", "--relogin", key=OTHER_KEY)
    assert files.now() == files.before
    assert json.loads(runkey(machine, "status", "--json").stdout)["store"] == "file"


def test_a_login_again_renews_the_official_clients_key(odd: Answering, machine: Machine) -> None:
    files = Files(machine)
    log_in(machine, odd, "--wandb")
    log_in(machine, odd, "--relogin", key=OTHER_KEY)
    assert OTHER_KEY in (files.now()[0] or "")
    runkey(machine, "logout")
    assert files.now() == files.before


def test_each_profile_takes_out_what_is_its_own(odd: Answering, machine: Machine) -> None:
    files = Files(machine)
    log_in(machine, odd, "--profile", "a", "--wandb")
    written = files.now()
    log_in(machine, odd, "--profile", "b", key=OTHER_KEY)
    assert files.now() == written, "the official client stays who it was"
    runkey(machine, "logout", "--profile", "b")
    assert files.now() == written
    log_in(machine, odd, "--profile", "b", "--wandb", key=OTHER_KEY)
    assert OTHER_KEY in (files.now()[0] or "")
    runkey(machine, "logout", "--profile", "a")
    assert OTHER_KEY in (files.now()[0] or ""), "it is b's by now"
    runkey(machine, "logout", "--profile", "b")
    assert files.now() == files.before
    kept = json.loads((machine.home / ".config/runkey/credentials.json").read_text())
    assert "lodged" not in kept


def test_a_netrc_that_cannot_be_written_to_changes_nothing(odd: Answering, machine: Machine) -> None:
    log_in(machine, odd)
    before = (machine.home / ".config/runkey/credentials.json").read_bytes()
    (machine.home / ".netrc").symlink_to(machine.home / "elsewhere")
    done = machine.run(RUNKEY, "login", "--host", odd.url, "--key-stdin", "--store", "netrc", "--relogin", stdin=OTHER_KEY)
    assert done.returncode == 5, done.stderr
    assert "is a link" in done.stderr
    assert (machine.home / ".config/runkey/credentials.json").read_bytes() == before


def test_a_second_profile_of_one_server_is_called_what_it_is(odd: Answering, machine: Machine) -> None:
    log_in(machine, odd, "--profile", "a")
    done = log_in(machine, odd, "--profile", "b", key=OTHER_KEY)
    assert "default server" not in done.stderr
    assert f"The login that counts on {odd.url} is now the profile b (it was a)." in done.stderr
    with answering() as other:
        assert f"The default server is now {other.url} (it was {odd.url})." in log_in(machine, other).stderr


# --- our own folder -------------------------------------------------------------------------------------------------------


def test_a_folders_profile_has_no_say_on_another_server(odd: Answering, machine: Machine) -> None:
    with answering() as other:
        log_in(machine, odd, "--profile", "a")
        log_in(machine, other, "--profile", "b", key=OTHER_KEY)
        (machine.home / ".runkey").write_text("a\n")
        assert json.loads(runkey(machine, "status", "--json").stdout)["profile"] == "a"
        assert json.loads(runkey(machine, "status", "--json", "--host", other.url).stdout)["profile"] == "b"
        assert json.loads(runkey(machine, "status", "--json", RUNKEY_HOST=other.url).stdout)["profile"] == "b"


def test_a_folder_that_others_can_write_to_keeps_no_key(odd: Answering, machine: Machine) -> None:
    folder = machine.home / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    words = ("login", "--host", odd.url, "--key-stdin")
    refused = runkey(machine, *words, status=5, stdin=KEY, RUNKEY_CONFIG_DIR=str(folder))
    assert f"Run: chmod 700 {folder}" in refused.stderr
    assert [request.route for request in odd.requests if request.secret] == []
    assert os.listdir(folder) == []
    folder.chmod(0o755)
    runkey(machine, *words, stdin=KEY, RUNKEY_CONFIG_DIR=str(folder))


DAMAGES = [
    {"default": []},
    {"default": {}},
    {"debts": {}},
    {"debts": ["x"]},
    {"lodged": [{"file": "netrc"}]},
    {"lodged": {"file": "netrc"}},
    {"entries": []},
    {"entries": {"x": []}},
    {"entries": {"x": {"host": 5}}},
    {"entries": {"x": {"host": "https://x.example", "key": 5}}},
    {"entries": {"x": {"host": "https://x.example", "created": [1]}}},
    {"entries": {"x": {"host": "https://x.example", "claimed": "abc"}}},
    {"version": "1"},
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_by_every_command(odd: Answering, machine: Machine, damage: dict[str, object]) -> None:
    log_in(machine, odd)
    path = machine.home / ".config/runkey/credentials.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    for words in (["status"], ["profiles"], ["logout"], ["login", "--key-stdin", "--host", odd.url]):
        done = machine.run(RUNKEY, *words, stdin=KEY)
        assert done.returncode == 2, (words, done.stderr)
        assert "is damaged: it is not the JSON that login writes" in done.stderr
        assert "Traceback" not in done.stderr


def test_two_keys_of_the_environment_that_differ_are_an_error(odd: Answering, machine: Machine) -> None:
    (machine.home / "key").write_text(OTHER_KEY)
    both = {"RUNKEY_API_KEY": KEY, "RUNKEY_API_KEY_FILE": "key", "RUNKEY_HOST": odd.url}
    done = runkey(machine, "login", status=2, **both)
    assert "RUNKEY_API_KEY and RUNKEY_API_KEY_FILE are both set, and hold different keys" in done.stderr
    done = runkey(machine, "login", "--key-stdin", status=2, stdin=KEY, **both | {"RUNKEY_API_KEY": ""})
    assert "Two keys were given and they differ: one here, one in RUNKEY_API_KEY_FILE" in done.stderr
    assert KEY not in done.stderr
    assert [request.route for request in odd.requests if request.secret] == []
    (machine.home / "key").write_text(KEY + "\n")
    runkey(machine, "login", **both)

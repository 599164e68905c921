import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore
from runkey.errors import CannotStore, UsageError

HOST = "https://track.example.org"


def credential(host: str = HOST, secret: str = "k" * 40, **more: object) -> Credential:
    return Credential(host, Secret(secret), "a test", store="file", **more)


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    return CredentialStore(str(tmp_path / "config" / "runkey"))


def test_nothing_is_made_by_looking(store: CredentialStore) -> None:
    assert store.find(host=HOST) is None
    assert store.default_profile() is None
    assert not os.path.exists(store.folder)


def test_what_is_kept_is_found(store: CredentialStore) -> None:
    name = store.keep(credential(account="mira", server_id="s1", key_id="key_1"), make_default=False)
    assert name == "track.example.org"
    assert store.default_profile() == name
    found = store.find(host=HOST)
    assert found is not None
    assert (found.account, found.server_id, found.key_id, found.profile) == ("mira", "s1", "key_1", name)
    assert found.secret.reveal() == "k" * 40
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(store.folder).st_mode) == 0o700
    assert os.listdir(store.folder).count("credentials.json") == 1
    assert not [name for name in os.listdir(store.folder) if name.startswith(".credentials")]


def test_logging_in_again_renews_the_entry_and_keeps_its_machine(store: CredentialStore) -> None:
    store.keep(credential(), make_default=False)
    machine = store.entry_of(HOST)["machine_id"]
    assert len(machine) == 16
    store.keep(credential(secret="n" * 40), make_default=False)
    assert len(store.read()["entries"]) == 1
    assert store.entry_of(HOST)["key"] == "n" * 40
    assert store.entry_of(HOST)["machine_id"] == machine


def test_other_entries_and_unknown_members_survive(store: CredentialStore) -> None:
    store.keep(credential(), make_default=False)
    kept = json.loads(Path(store.path).read_text())
    kept["future"] = {"a": 1}
    kept["entries"]["track.example.org"]["future"] = [1]
    Path(store.path).write_text(json.dumps(kept))
    store.keep(credential("https://other.example"), make_default=True)
    store.keep(credential(secret="n" * 40), make_default=False)
    after = json.loads(Path(store.path).read_text())
    assert after["future"] == {"a": 1}
    assert after["entries"]["track.example.org"]["future"] == [1]
    assert set(after["entries"]) == {"track.example.org", "other.example"}
    assert after["default"] == "other.example"
    store.forget("other.example")
    assert store.default_profile() == "track.example.org"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"version":1,"entries":[]}', b'{"version":1,"entries":{"a":1}}', b"\xff", b"[" * 100_000]
)
def test_a_damaged_file_is_named_and_left_as_it_is(store: CredentialStore, content: bytes) -> None:
    os.makedirs(store.folder)
    path = Path(store.path)
    path.write_bytes(content)
    path.chmod(0o600)
    for act in (lambda: store.find(host=HOST), lambda: store.keep(credential(), make_default=False)):
        with pytest.raises(UsageError, match="is damaged"):
            act()
    assert path.read_bytes() == content


def test_a_newer_file_is_not_touched(store: CredentialStore) -> None:
    os.makedirs(store.folder)
    Path(store.path).write_text('{"version": 2, "entries": {}}')
    Path(store.path).chmod(0o600)
    with pytest.raises(UsageError, match="newer runkey"):
        store.keep(credential(), make_default=False)


def test_a_file_that_others_can_read_is_not_used(store: CredentialStore) -> None:
    store.keep(credential(), make_default=False)
    os.chmod(store.path, 0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        store.find(host=HOST)


def test_a_link_is_not_followed(store: CredentialStore, tmp_path: Path) -> None:
    store.keep(credential(), make_default=False)
    elsewhere = tmp_path / "elsewhere.json"
    os.rename(store.path, elsewhere)
    os.symlink(elsewhere, store.path)
    before = elsewhere.read_bytes()
    with pytest.raises(UsageError, match="is a link"):
        store.find(host=HOST)
    with pytest.raises(UsageError, match="is a link"):
        store.keep(credential(), make_default=False)
    assert elsewhere.read_bytes() == before


def test_a_full_disk_leaves_the_old_file(store: CredentialStore) -> None:
    """A limit on the size of files, in a process of its own, is a disk that is full at that byte."""
    store.keep(credential(), make_default=False)
    before = Path(store.path).read_bytes()
    script = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore
from runkey.errors import CannotStore
try:
    CredentialStore({store.folder!r}).keep(Credential("https://b", Secret("x" * 40), "t", store="file"), make_default=False)
except CannotStore as error:
    print("SENTENCE", error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert "SENTENCE Cannot write" in done.stdout, done.stderr
    assert "Nothing was stored" in done.stdout
    assert Path(store.path).read_bytes() == before
    assert not [name for name in os.listdir(store.folder) if name.startswith(".credentials")]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(CannotStore, match="Cannot write"):
        CredentialStore(str(tmp_path / "f" / "runkey")).keep(credential(), make_default=False)


def test_twenty_processes_at_once_lose_nothing(store: CredentialStore) -> None:
    script = """
import sys
from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore
store = CredentialStore(sys.argv[1])
for i in range(5):
    store.keep(Credential(f"https://h{sys.argv[2]}-{i}", Secret("x" * 40), "t", store="file"), make_default=False)
"""
    processes = [subprocess.Popen([sys.executable, "-c", script, store.folder, str(n)]) for n in range(6)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 6
    assert len(store.read()["entries"]) == 30


def test_a_secret_shows_itself_nowhere() -> None:
    found = credential(secret="rku_very_secret")
    for text in (repr(found), str(found), repr(found.secret), f"{found.secret}", str(vars(type(found)))):
        assert "very_secret" not in text
    import pickle

    with pytest.raises(TypeError):
        pickle.dumps(found.secret)

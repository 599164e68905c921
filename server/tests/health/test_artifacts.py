"""The bytes of artifacts are looked at, backed up and restored as those of runs are."""

from pathlib import Path

import pytest
from house import House
from manifests import md5_of
from shelf import Shelf

from runkey_server import backups, health
from runkey_server.database import Database
from runkey_server.files import Directory


@pytest.fixture
def shelf(house: House) -> Shelf:
    return Shelf(house.database, house.data / "files", house.clock, house.person("nora"))


def test_damaged_bytes_are_named_and_sent_again(house: House, shelf: Shelf) -> None:
    shelf.log({"a": b"whole"})
    (path,) = (each for each in shelf.folder.glob("??/*") if each.read_bytes() == b"whole")
    path.write_bytes(b"wrong")
    assert health.examine(house.data, house.database, shelf.directory).faults == [
        f"Bytes that artifacts hold: {path} holds other bytes than were sent."
    ]
    mended = health.mend(house.data, house.database, shelf.directory, house.clock)
    assert len(mended.lost) == 1
    assert "logged again, they are sent again" in mended.lost[0]
    assert health.examine(house.data, house.database, shelf.directory).faults == []
    pending = shelf.begin(deduplicates=False)
    assert shelf.announce(pending.id, {"a": b"whole"}) == {md5_of(b"whole")}


def test_a_backup_holds_what_artifacts_hold(house: House, shelf: Shelf, tmp_path: Path) -> None:
    made = shelf.log({"a": b"kept", "b": b"too"})
    backups.take(house.data, house.database, tmp_path / "backup", house.clock)
    assert backups.restore(tmp_path / "backup", tmp_path / "restored").damaged == []
    database = Database(f"sqlite:///{tmp_path / 'restored' / 'runkey.db'}")
    try:
        restored = Shelf(database, tmp_path / "restored" / "files", house.clock, shelf.person)
        assert restored.find("data:latest") == made
        assert restored.paths(made.id) == shelf.paths(made.id)
        assert health.examine(tmp_path / "restored", database, Directory(tmp_path / "restored" / "files")).files == 3
        restored.sweep()
        assert restored.here() == shelf.here()
        assert {path.read_bytes() for path in restored.folder.glob("??/*")} >= {b"kept", b"too"}
    finally:
        database.close()

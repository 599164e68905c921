"""A folder is looked through from top to bottom: what is astray is found, named, and mended where that loses nothing."""

import os
import sqlite3
from pathlib import Path

import pytest
from house import BEGINNING, House

from runkey_server import health, history
from runkey_server.database import Database
from runkey_server.files import Directory
from runkey_server.history import Batch, Stream


def look(house: House) -> health.Examination:
    return health.examine(house.data, house.database, Directory(house.data / "files"))


def mend(house: House) -> health.Mending:
    return health.mend(house.data, house.database, Directory(house.data / "files"), house.clock)


def test_a_new_folder_is_well(house: House) -> None:
    found = look(house)
    assert (found.faults, found.remarks) == ([], [])
    assert mend(house).done == []


def test_what_others_may_read_is_closed(house: House) -> None:
    os.chmod(house.data, 0o755)
    os.chmod(house.data / "secrets.json", 0o640)
    faults = look(house).faults
    assert len(faults) == 2
    assert f"chmod 700 {house.data}" in faults[0]
    assert "secrets.json can be read by others" in faults[1]
    assert len(mend(house).done) == 2
    assert look(house).faults == []


def test_missing_and_damaged_secrets_are_named_and_not_made_anew(house: House) -> None:
    path = house.data / "secrets.json"
    path.write_text("{}")
    os.chmod(path, 0o600)
    assert "is damaged" in look(house).faults[0]
    path.unlink()
    assert "is missing" in look(house).faults[0]
    mend(house)
    assert not path.exists()


def test_history_and_files_of_no_run_are_removed(house: House) -> None:
    with house.database.writing() as transaction:
        history.append(transaction, 999, Stream.EVENTS, Batch.read(0, ('{"a": 1}',)), BEGINNING)
        transaction.exec_driver_sql("INSERT INTO files VALUES (998, 'x', 'ab', 'md5', 1, 'text/plain', 0)")
    faults = look(house).faults
    assert faults[0] == "There is history of a run that does not exist (number 999)."
    assert faults[1] == "There are files of a run that does not exist (number 998)."
    mended = mend(house)
    assert mended.done[:2] == [
        "run number 999, events: removed, because there is no such run.",
        "Files of 1 runs that do not exist were removed.",
    ]
    assert look(house).faults == []


def test_bytes_that_no_file_names_are_told_and_removed_once_they_are_old(house: House) -> None:
    incoming = Directory(house.data / "files").begin()
    incoming.write(b"something")
    kept = Directory(house.data / "files").path(incoming.keep().sha256)
    assert look(house).remarks == []
    os.utime(kept, (0, 0))
    found = look(house)
    assert found.faults == []
    assert found.remarks == [f"1 pieces in {house.data / 'files'} belong to no file; --mend removes them."]
    assert mend(house).done == ["1 pieces that belonged to no file were removed."]
    assert not kept.exists()


def test_rows_astray_are_named(house: House) -> None:
    with sqlite3.connect(house.data / "runkey.db") as raw:
        raw.execute("INSERT INTO console_lines VALUES (77, 0, 'x')")
    raw.close()
    assert look(house).faults == ["1 rows of console_lines name rows of runs that are not there."]


def test_damaged_pages_are_found(tmp_path: Path, house: House) -> None:
    with house.database.writing() as transaction:
        for number in range(2_000):
            transaction.exec_driver_sql("INSERT INTO attempts VALUES (?, ?)", (f"bucket {number}", number))
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    house.database.copy_to(copy / "runkey.db")
    content = bytearray((copy / "runkey.db").read_bytes())
    at = content.index(b"bucket 1500")
    content[at : at + 6] = b"BUCKET"
    (copy / "runkey.db").write_bytes(content)
    database = Database(f"sqlite:///{copy}/runkey.db")
    try:
        found = health.examine(copy, database, Directory(copy / "files"))
        assert any("ix_attempts_bucket" in fault for fault in found.faults)
        health.mend(copy, database, Directory(copy / "files"), house.clock)
        left = health.examine(copy, database, Directory(copy / "files")).faults
        assert [fault for fault in left if "secrets.json" not in fault] == []
        database.close()
        with (copy / "runkey.db").open("r+b") as file:
            file.seek(4_096 * 3)
            file.write(os.urandom(4_096 * 6))
        broken = health.examine(copy, database, Directory(copy / "files")).faults
        assert any("database" in fault for fault in broken)
    finally:
        database.close()


@pytest.mark.parametrize("size", [0, 3])
def test_a_file_that_changed_is_set_aside(house: House, size: int) -> None:
    nora = house.person("nora")
    opened = house.graphql(nora.secret, 'mutation { upsertBucket(input: {name: "r", modelName: "p"}) { inserted } }')
    assert opened.status_code == 200
    asked = house.graphql(
        nora.secret,
        """mutation { createRunFiles(input: {entityName: "nora", projectName: "p", runName: "r", files: ["a.txt"]})
            { files { uploadUrl } } }""",
    )
    url = asked.json()["data"]["createRunFiles"]["files"][0]["uploadUrl"]
    assert house.client.put(url, content=b"yes").status_code == 200
    (path,) = (house.data / "files").glob("??/*")
    path.write_bytes(b"no!"[:size])
    what = "holds other bytes than were sent" if size == 3 else "has 0 bytes instead of 3"
    assert look(house).faults == [f"nora/p/r: the file 'a.txt' {what} ({path})."]
    mended = mend(house)
    assert mended.lost == [f"nora/p/r: the file 'a.txt', which {what}."]
    assert mended.folder is not None
    assert [kept.name for kept in mended.folder.iterdir()] == [path.name]
    assert look(house).faults == []

"""Room kept for what must go on: without it data is turned away, whatever door it comes through, and nothing else is."""

import resource
import sqlite3
from pathlib import Path

import pytest
from house import StillClock, open_house
from outside import eventually

from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.database.reserve import Reserve
from runkey_server.errors import Error

BEYOND_ANY_DISK = 2**60


def test_data_is_taken_while_the_reserve_is_there(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, 100_000)
    with pytest.raises(Error, match="disk is full") as refusal:
        reserve.check()
    assert (refusal.value.code, refusal.value.retry_after_seconds) == ("unavailable", 5)
    assert reserve.keep()
    assert reserve.keep()
    reserve.check()
    kept = (tmp_path / "reserve").stat()
    assert (kept.st_size, kept.st_blocks * 512 >= 100_000) == (100_000, True)
    # There is room, so it is not given up.
    reserve.yield_when_needed()
    assert [path.name for path in tmp_path.iterdir()] == ["reserve"]


def test_a_reserve_that_does_not_fit_is_not_made(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, BEYOND_ANY_DISK)
    assert not reserve.keep()
    assert reserve.is_short()
    assert reserve.lacks_bytes()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Error, match="does not answer"):
        Reserve(tmp_path / "gone").check()


def test_on_a_full_disk_data_waits_and_people_and_keys_do_not(tmp_path: Path, clock: StillClock) -> None:
    with open_house(tmp_path / "data", clock, reserve_bytes=BEYOND_ANY_DISK) as house:
        nora = house.person("nora")
        key = {"Authorization": f"Bearer {nora.secret}"}
        lines = {"files": {"wandb-history.jsonl": {"offset": 0, "content": ["{}"]}}}
        opening = {"query": 'mutation { upsertBucket(input: {name: "r", modelName: "p"}) { inserted } }'}
        for answer in (
            house.client.post("/graphql", json=opening, headers=key),
            house.client.post("/files/nora/p/r/file_stream", json=lines, headers=key),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "disk is full" in answer.json()["error"]
        visitor = house.visitor().sign_up("sam")
        assert visitor.get("/settings/keys").status_code == 200
        assert house.graphql(nora.secret, "mutation { revokeApiKey(input: {}) { apiKey { id } } }").status_code == 200
        eventually(lambda: house.graphql(nora.secret, "{ viewer { username } }").status_code == 401)


def test_a_full_database_is_unavailable_and_loses_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/small.db")
    migrate(database)
    with database.writing() as transaction:
        transaction.exec_driver_sql("CREATE TABLE kept (n INTEGER, body BLOB)")
        transaction.exec_driver_sql("INSERT INTO kept VALUES (1, zeroblob(10000))")
    with database.writing() as transaction:
        pages = transaction.exec_driver_sql("PRAGMA page_count").scalar_one()
        # SQLite's own limit gives the very error that a full disk gives.
        transaction.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    for _ in range(3):
        with pytest.raises(Error, match="disk is full") as refusal, database.writing() as transaction:
            transaction.exec_driver_sql("INSERT INTO kept VALUES (2, zeroblob(1000000))")
        assert refusal.value.retry_after_seconds == 5
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT n, length(body) FROM kept").all() == [(1, 10_000)]
    database.close()


def test_after_a_failed_write_every_connection_is_opened_anew(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    migrate(database)
    with database.writing() as transaction:
        transaction.exec_driver_sql("CREATE TABLE kept (body BLOB)")
        first = transaction.connection.driver_connection
    with database.writing() as transaction:
        assert transaction.connection.driver_connection is first
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The system refuses to write beyond it, as it would on a failing disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(Error, match="does not answer") as refusal, database.writing() as transaction:
            transaction.exec_driver_sql("INSERT INTO kept VALUES (zeroblob(8000000))")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert refusal.value.code == "unavailable"
    with database.writing() as transaction:
        assert transaction.connection.driver_connection is not first
        transaction.exec_driver_sql("INSERT INTO kept VALUES (zeroblob(8000000))")
    with database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM kept").scalar_one() == 1
    database.close()


def test_a_copy_is_one_state_while_others_write(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    migrate(database)
    with database.writing() as transaction:
        transaction.exec_driver_sql("CREATE TABLE kept (n INTEGER)")
        transaction.exec_driver_sql("INSERT INTO kept VALUES (1)")
    with database.writing() as transaction:
        transaction.exec_driver_sql("INSERT INTO kept VALUES (2)")
        database.copy_to(tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT n FROM kept").fetchall() == [(1,)]
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    copy.close()
    with pytest.raises(Error, match="could not be copied"):
        database.copy_to(tmp_path / "no" / "folder.db")
    database.close()

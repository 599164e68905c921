"""What was deleted is purged after a day, rules delete as a person would, and bytes are counted. On SQLite and on PostgreSQL."""

import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from house import Person, StillClock

from runkey_server import files, history, projects, retention, runs
from runkey_server.database import Database, metadata
from runkey_server.errors import Error
from runkey_server.files import Directory, File
from runkey_server.history import Batch, Stream
from runkey_server.projects import Project
from runkey_server.retention import Meter, Purger, Rule, Ruler, Usage
from runkey_server.runs import Changes, Report, Run

KEPT_ANYWAY = {"accounts", "api_keys", "alembic_version", "credential_epoch"}


class Shelf:
    """A database, a folder of bytes, and a project of alice's."""

    def __init__(self, database: Database, folder: Path, clock: StillClock, alice: Person) -> None:
        self.database, self.clock, self.alice = database, clock, alice
        self.directory = Directory(folder)
        self.purger = Purger(database, self.directory, clock)
        self.ruler = Ruler(database, clock)

    def log(self, name: str, *, project: str = "p", tags: tuple[str, ...] = (), content: bytes = b"bytes", ends: bool = True) -> Run:
        with self.database.writing() as transaction:
            run, _ = runs.upsert(transaction, self.alice.actor, None, project, name, Changes(tags=tags), self.clock())
            history.append(transaction, run.id, Stream.HISTORY, Batch.read(0, (json.dumps({"_step": 0, "loss": 0.5}),)), self.clock())
            runs.write_console(transaction, run.id, 0, ("é",))
            if ends:
                runs.report(transaction, run, Report(complete=True), self.clock())
        incoming = self.directory.begin()
        incoming.write(content)
        kept = incoming.keep()
        os.utime(self.directory.path(kept.sha256), (0, 0))
        with self.database.writing() as transaction:
            file = File(run.id, "f.bin", kept.sha256, kept.md5, kept.size_bytes, "text/plain", self.clock())
            files.store.put_file(transaction, file)
        self.clock.advance(minutes=1)
        return run

    def project(self, name: str = "p") -> Project:
        with self.database.reading() as transaction:
            return projects.find_project(transaction, self.alice.actor, None, name)

    def delete(self, *names: str) -> None:
        with self.database.writing() as transaction:
            runs.delete_runs(transaction, self.project().id, names, self.clock())

    def names(self) -> list[str]:
        with self.database.reading() as transaction:
            return sorted(run.name for run in runs.list_runs(transaction, self.project()))

    def set_rule(self, rule: Rule | None, *, project: str = "p") -> None:
        with self.database.writing() as transaction:
            retention.set_rule(transaction, self.project(project).id, rule, self.clock())

    def apply(self) -> list[str]:
        self.clock.advance(minutes=1)
        self.ruler.apply_due()
        return self.names()

    def rows(self) -> dict[str, int]:
        """How many rows each table has, of those that are not empty."""
        with self.database.reading() as transaction:
            counts = {
                table.name: transaction.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
            }
        return {name: count for name, count in counts.items() if count and name not in KEPT_ANYWAY}

    def bytes_there(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in self.directory.folder.glob("??/*"))


@pytest.fixture
def shelf(database: Database, tmp_path: Path, clock: StillClock, alice: Person) -> Shelf:
    return Shelf(database, tmp_path / "files", clock, alice)


def test_a_deleted_run_goes_for_good_after_a_day_and_frees_its_name(shelf: Shelf) -> None:
    shelf.log("stays", content=b"of both")
    shelf.log("goes", content=b"of both")
    shelf.log("goes too", content=b"its own")
    before = shelf.rows()
    shelf.delete("goes", "goes too")
    shelf.clock.advance(days=1)
    shelf.purger.purge_due()
    assert shelf.rows() == before, "somebody may just be restoring it"
    shelf.clock.advance(minutes=10)
    shelf.purger.purge_due()
    assert shelf.rows() == {name: count if name == "projects" else count // 3 for name, count in before.items()}
    assert shelf.bytes_there() == [b"of both"]
    again = shelf.log("goes")
    with shelf.database.reading() as transaction:
        assert runs.find_run(transaction, shelf.alice.actor, "alice", "p", "goes").id == again.id
        assert history.count_lines(transaction, again.id, Stream.HISTORY) == 1


def test_young_bytes_stay_for_a_while_and_with_them_the_run(shelf: Shelf) -> None:
    run = shelf.log("r")
    with shelf.database.reading() as transaction:
        path = shelf.directory.path(files.find_file(transaction, run.id, "f.bin").sha256)
    os.utime(path)
    shelf.delete("r")
    shelf.clock.advance(days=2)
    shelf.purger.purge_due()
    assert path.exists()
    assert shelf.rows()["runs"] == 1
    os.utime(path, (0, 0))
    shelf.purger.purge_due()
    assert not path.exists()
    assert shelf.rows() == {"projects": 1}


def test_a_deleted_project_goes_for_good_with_everything(shelf: Shelf) -> None:
    for number in range(60):
        shelf.log(f"r{number}", content=str(number).encode())
    shelf.set_rule(Rule(5))
    project = shelf.project()
    with shelf.database.writing() as transaction:
        projects.delete_project(transaction, project, shelf.clock())
    shelf.ruler.apply_due()
    shelf.clock.advance(days=1, minutes=10)
    shelf.purger.purge_due()
    assert shelf.rows()["runs"] == 10, "some at a time, so that writers have their turn"
    shelf.purger.purge_due()
    assert shelf.rows() == {}
    assert shelf.bytes_there() == []
    shelf.log("r0")
    with shelf.database.reading() as transaction:
        assert retention.find_rule(transaction, shelf.project().id) is None, "the new project of that name has no rule"


def test_a_rule_keeps_the_newest_and_the_tagged(shelf: Shelf) -> None:
    for number in range(6):
        shelf.log(f"r{number}", tags=("keep", "x") if number == 1 else ("x",))
    shelf.log("elsewhere", project="other")
    assert shelf.apply() == [f"r{number}" for number in range(6)], "without a rule all stay"
    shelf.set_rule(Rule(2, ("keep", "absent")))
    assert shelf.apply() == ["r1", "r4", "r5"]
    shelf.log("r6")
    assert shelf.apply() == ["r1", "r5", "r6"]
    shelf.set_rule(None)
    shelf.log("r7")
    assert shelf.apply() == ["r1", "r5", "r6", "r7"]
    with shelf.database.reading() as transaction:
        assert runs.count_runs(transaction, shelf.project("other")) == 1


def test_a_rule_lets_alone_what_runs_and_what_was_restored(shelf: Shelf) -> None:
    shelf.log("running", ends=False)
    shelf.log("old")
    shelf.log("restored")
    shelf.log("new")
    shelf.set_rule(Rule(1))
    assert shelf.apply() == ["new", "running"]
    with shelf.database.writing() as transaction:
        assert runs.restore_runs(transaction, shelf.project().id, ["restored"], shelf.clock()) == ["restored"]
    assert shelf.apply() == ["new", "restored", "running"]
    shelf.clock.advance(days=6)
    assert shelf.apply() == ["new", "restored", "running"], "a machine may come back that was off for days"
    shelf.clock.advance(days=1)
    assert shelf.apply() == ["new", "restored"]


def test_a_rule_that_cannot_be_meant_is_refused(shelf: Shelf) -> None:
    shelf.log("r")
    for rule in (Rule(0), Rule(-1), Rule(10**7), Rule(1, ("",)), Rule(1, ("x" * 65,)), Rule(1, ("a\0",)), Rule(1, ("a",) * 51)):
        with pytest.raises(Error) as refusal:
            shelf.set_rule(rule)
        assert refusal.value.code == "invalid"
    with shelf.database.reading() as transaction:
        assert retention.find_rule(transaction, shelf.project().id) is None


def test_bytes_are_counted_a_distinct_content_once_a_project(shelf: Shelf) -> None:
    meter = Meter(shelf.database, shelf.clock)
    shelf.log("a", content=b"12345")
    one = meter.measure([shelf.project().id])[shelf.project().id]
    assert one.history > 0
    assert one == Usage(one.history, console=2, files=5), "é has two bytes"
    shelf.log("b", content=b"12345")
    shelf.log("c", content=b"123")
    shelf.log("d", content=b"12345", project="other")
    shelf.delete("c")
    ids = [shelf.project().id, shelf.project("other").id]
    found = Meter(shelf.database, shelf.clock).measure([*ids, 999])
    assert found == {ids[0]: Usage(one.history * 3, 6, 8), ids[1]: Usage(one.history, 2, 5), 999: Usage()}
    assert found[ids[0]].total == one.history * 3 + 14


def test_folded_history_counts_with_its_outlines(shelf: Shelf) -> None:
    run = shelf.log("a")
    shelf.clock.advance(hours=2)
    history.Folder(shelf.database, shelf.clock).fold_due()
    with shelf.database.reading() as transaction:
        tables = [("history_bodies", "body"), ("history_chunks", "outline"), ("history_segments", "body")]
        there = [
            sum(
                len(bytes(value))
                for value in transaction.execute(sa.text(f"SELECT {column} FROM {table} WHERE run_id = {run.id}")).scalars()
            )
            for table, column in tables
        ]
    assert (there[0] > 0, there[1] > 0, there[2]) == (True, True, 0)
    assert Meter(shelf.database, shelf.clock).measure([shelf.project().id])[shelf.project().id].history == sum(there)


def test_what_was_measured_is_remembered_for_a_minute(shelf: Shelf) -> None:
    meter, ids = Meter(shelf.database, shelf.clock), []
    shelf.log("a")
    ids = [shelf.project().id]
    before = meter.measure(ids)
    with shelf.database.writing() as transaction:
        runs.write_console(transaction, 1, 1, ("x" * 100,))
    assert meter.measure(ids) == before
    shelf.clock.advance(minutes=1)
    assert meter.measure(ids)[ids[0]].console == before[ids[0]].console + 100

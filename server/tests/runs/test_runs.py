"""Projects, runs and files by their acts: on SQLite and on PostgreSQL."""

import json

import pytest
from house import Person, StillClock

from runkey_server import files, projects, runs
from runkey_server.asgi.actor import Actor
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import File
from runkey_server.runs import Changes, Report, Run

NOTHING = Changes()


def upsert(database: Database, person: Person, name: str | None, at: object, changes: Changes = NOTHING, **where: str) -> tuple[Run, bool]:
    with database.writing() as transaction:
        return runs.upsert(transaction, person.actor, where.get("entity"), where.get("project", "p"), name, changes, at)


def test_a_run_is_made_changed_and_found(database: Database, clock: StillClock, alice: Person, charlie: Person) -> None:
    made, inserted = upsert(database, alice, "r1", clock(), Changes(config='{"a": {"value": 1}}', tags=("x", "é", "x"), notes="words"))
    assert inserted
    assert (made.entity, made.project, made.name, made.tags, made.notes) == ("alice", "p", "r1", ("x", "é"), "words")
    assert made.opened_by == alice.key.id
    changed, inserted = upsert(database, alice, "r1", clock(), Changes(summary='{"b": 2}'), entity="ALICE")
    assert not inserted
    assert (changed.id, changed.config, changed.summary, changed.tags) == (made.id, '{"a": {"value": 1}}', '{"b": 2}', ("x", "é"))
    with database.reading() as transaction:
        assert runs.find_run(transaction, alice.actor, "Alice", "p", "r1") == changed
        assert runs.find_run(transaction, charlie.actor, "alice", "p", "r1") is None
        assert runs.find_run(transaction, None, "alice", "p", "r1") is None


def test_a_run_without_a_name_or_project_gets_one(database: Database, clock: StillClock, alice: Person) -> None:
    with database.writing() as transaction:
        run, _ = runs.upsert(transaction, alice.actor, None, None, None, Changes(), clock())
    assert run.project == "uncategorized"
    assert len(run.name) == 8
    assert run.display_name.count("-") == 2


def test_runs_come_in_pages_in_either_order(database: Database, clock: StillClock, alice: Person) -> None:
    for number in range(5):
        upsert(database, alice, f"r{number}", clock())
        clock.advance(minutes=1)
    with database.reading() as transaction:
        project = projects.find_project(transaction, alice.actor, None, "p")
        assert runs.count_runs(transaction, project) == 5
        page = runs.list_runs(transaction, project, order="-created_at", skip=1, at_most=2)
        assert [run.name for run in page] == ["r3", "r2"]
        assert [run.name for run in runs.list_runs(transaction, project)] == [f"r{number}" for number in range(5)]
        with pytest.raises(Error, match="cannot be ordered"):
            runs.list_runs(transaction, project, order="color")


def test_a_deleted_run_keeps_its_name(database: Database, clock: StillClock, alice: Person) -> None:
    run, _ = upsert(database, alice, "gone", clock())
    with database.writing() as transaction:
        assert runs.delete_runs(transaction, run.project_id, ["gone", "absent"], clock()) == ["gone"]
    with pytest.raises(Error) as refusal:
        upsert(database, alice, "gone", clock())
    assert refusal.value.code == "gone"
    with database.reading() as transaction:
        assert runs.find_run(transaction, alice.actor, "alice", "p", "gone") is None


def test_reports_move_the_state(database: Database, clock: StillClock, alice: Person) -> None:
    run, _ = upsert(database, alice, "r", clock())

    def say(said: Report) -> Run:
        with database.writing() as transaction:
            runs.report(transaction, runs.get_run_by_id(transaction, run.id), said, clock())
            return runs.get_run_by_id(transaction, run.id)

    assert say(Report(summary='{"a": NaN}')).summary == '{"a": NaN}'
    assert say(Report(preempting=True)).reported_state == "preempting"
    finished = say(Report(complete=True, exit_code=0))
    assert (finished.reported_state, finished.exit_code, finished.has_ended) == ("finished", 0, True)
    assert (say(Report()).reported_state, say(Report()).exit_code) == ("running", None)
    assert say(Report(complete=True, exit_code=7)).reported_state == "failed"
    with pytest.raises(Error):
        say(Report(summary="[1]"))


def test_console_lines_are_written_at_their_place(database: Database, clock: StillClock, alice: Person) -> None:
    run, _ = upsert(database, alice, "r", clock())
    with database.writing() as transaction:
        runs.write_console(transaction, run.id, 0, ("a", "b", "c"))
        runs.write_console(transaction, run.id, 1, ("B",))
        runs.write_console(transaction, run.id, 3, ("d\0",))
        assert runs.count_console(transaction, run.id) == 4
        assert [(line.number, line.text) for line in runs.read_console(transaction, run.id, at_most=3)] == [(1, "B"), (2, "c"), (3, "d")]


def test_projects_are_made_once_and_only_for_oneself(database: Database, clock: StillClock, alice: Person, charlie: Person) -> None:
    with database.writing() as transaction:
        first, inserted = projects.open_project(transaction, alice.actor, None, "p", clock())
        again, inserted_again = projects.open_project(transaction, alice.actor, "alice", "p", clock())
        assert (inserted, inserted_again, first) == (True, False, again)
        theirs, _ = projects.open_project(transaction, charlie.actor, None, "p", clock())
        assert theirs.id != first.id
    with pytest.raises(Error) as refusal, database.writing() as transaction:
        projects.open_project(transaction, charlie.actor, "alice", "p", clock())
    assert refusal.value.code == "not_found"
    with database.reading() as transaction:
        assert projects.find_project(transaction, charlie.actor, "alice", "p") is None
        assert [project.name for project in projects.list_projects(transaction, alice.actor, alice.account.id)] == ["p"]
        assert projects.list_projects(transaction, charlie.actor, alice.account.id) == []


def test_a_run_that_two_begin_at_once_is_made_once(database: Database, clock: StillClock, alice: Person) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def begin(_: int) -> object:
        try:
            return upsert(database, alice, "same", clock())[0].id
        except Error as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = set(pool.map(begin, range(8)))
    assert len(outcomes - {"unavailable"}) == 1


def test_files_are_named_replaced_and_listed(database: Database, clock: StillClock, alice: Person) -> None:
    run, _ = upsert(database, alice, "r", clock())
    with database.writing() as transaction:
        for name, size in (("b.txt", 1), ("a_b.json", 2), ("aXb.json", 3), ("b.txt", 4)):
            files.store.put_file(transaction, File(run.id, name, "0" * 64, "md5", size, "text/plain", clock()))
        assert files.count_files(transaction, run.id) == 3
        assert files.find_file(transaction, run.id, "b.txt").size_bytes == 4
        assert [file.name for file in files.list_files(transaction, run.id, names=["b.txt", "absent"])] == ["b.txt"]
        assert [file.name for file in files.list_files(transaction, run.id, like="%.json")] == ["aXb.json", "a_b.json"] or [
            file.name for file in files.list_files(transaction, run.id, like="%.json")
        ] == ["a_b.json", "aXb.json"]


def test_an_ended_key_opens_no_run(database: Database, clock: StillClock, alice: Person) -> None:
    ended = Actor(alice.account.id, "alice", None, False, alice.key.id, "user", only_opened_runs=True)
    run, _ = upsert(database, alice, "open", clock())
    with database.writing() as transaction:
        changed, _ = runs.upsert(transaction, ended, None, "p", "open", Changes(config=json.dumps({"a": {"value": 1}})), clock())
        assert changed.opened_by == run.opened_by
    for name in ("another", "open"):
        if name == "open":
            with database.writing() as transaction:
                runs.report(transaction, run, Report(complete=True), clock())
        with pytest.raises(Error) as refusal, database.writing() as transaction:
            runs.upsert(transaction, ended, None, "p", name, Changes(), clock())
        assert refusal.value.code == "unauthenticated"

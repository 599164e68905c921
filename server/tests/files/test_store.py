"""Rows of files, on both databases: patterns, what is released and swept, what was refused, what a project takes."""

import os
from pathlib import Path

import pytest
from house import Person, StillClock

from runkey_server import files, runs
from runkey_server.database import Database
from runkey_server.files import Directory, File, Sweeper, refusing, store
from runkey_server.retention.measuring import measure, measure_files


def put(database: Database, clock: StillClock, run_id: int, name: str, sha256: str = "a" * 64, size: int = 10) -> None:
    with database.writing() as transaction:
        store.put_file(transaction, File(run_id, name, sha256, "", size, "text/plain", clock()))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("%", ["100%", "a_b.TXT", "axb.txt", "back\\slash", "é"]),
        ("%.txt", ["a_b.TXT", "axb.txt"]),
        ("A_B.%", ["a_b.TXT", "axb.txt"]),
        ("a\\_b.%", ["a_b.TXT"]),
        ("100\\%", ["100%"]),
        ("back\\\\slash", ["back\\slash"]),
        ("é", ["é"]),
        ("axb.txt\\", []),
        ("\\", []),
        ("_%" * 400, []),
    ],
)
def test_patterns_mean_what_mysql_means_by_them(database: Database, clock: StillClock, pattern: str, names: list[str]) -> None:
    for name in ("a_b.TXT", "axb.txt", "100%", "back\\slash", "é"):
        put(database, clock, 1, name)
    with database.reading() as transaction:
        assert sorted(file.name for file in files.list_files(transaction, 1, like=pattern)) == names


def test_what_was_released_is_swept_once_nothing_names_it(database: Database, clock: StillClock, tmp_path: Path) -> None:
    directory = Directory(tmp_path / "files")
    kept = {}
    for content in (b"one", b"two", b"young"):
        incoming = directory.begin()
        incoming.write(content)
        kept[content] = incoming.keep().sha256
        if content != b"young":
            os.utime(directory.path(kept[content]), (0, 0))
    put(database, clock, 1, "a", kept[b"one"])
    put(database, clock, 2, "b", kept[b"one"])
    put(database, clock, 1, "a", kept[b"two"])
    put(database, clock, 1, "a", kept[b"young"])
    with database.writing() as transaction:
        assert files.remove(transaction, 1, "a")
        assert not files.remove(transaction, 1, "a")
    Sweeper(database, directory).sweep_due()
    there = {content for content, sha256 in kept.items() if directory.path(sha256).exists()}
    assert there == {b"one", b"young"}, "another run has one; young ones may be waiting for their row"
    with database.reading() as transaction:
        assert store.list_released(transaction, "", 9) == [kept[b"young"]]


def test_refusals_are_few_and_forgotten(database: Database, clock: StillClock) -> None:
    with database.writing() as transaction:
        for number in range(120):
            files.note_refusal(transaction, 1, f"f{number:03}", "for a reason", clock())
        files.note_refusal(transaction, 2, "odd\n\ud800" + "x" * 500, "another", clock())
        assert len(files.list_refusals(transaction, 1)) == refusing._MOST
        ((name, reason),) = files.list_refusals(transaction, 2)
        assert (name[:5], len(name), reason) == ("odd\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}", 200, "another")
        files.forget_refusals(transaction, 1, "f003")
        assert "f003" not in dict(files.list_refusals(transaction, 1))
        files.forget_refusals(transaction, 1)
        assert files.list_refusals(transaction, 1) == []


def test_a_limit_counts_what_the_page_tells(database: Database, clock: StillClock, alice: Person, charlie: Person) -> None:
    made = {}
    with database.writing() as transaction:
        for person in (alice, charlie):
            for project in ("p", "q"):
                run, _ = runs.upsert(transaction, person.actor, None, project, "r", runs.Changes(), clock())
                made[person.account.name, project] = run
    for number, run in enumerate(made.values()):
        put(database, clock, run.id, "same one", "c" * 64, 7)
        put(database, clock, run.id, "same two", "c" * 64, 7)
        put(database, clock, run.id, "own", str(number) * 64, 100 + number)
    with database.reading() as transaction:
        own = {each.project_id: 107 + number for number, each in enumerate(made.values())}
        of_alice = {made["alice", project].project_id for project in ("p", "q")}
        assert measure_files(transaction, alice.account.id) == {each: own[each] for each in of_alice}
        assert {each: usage.files for each, usage in measure(transaction, list(own)).items()} == own

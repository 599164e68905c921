"""Acts on many runs: tags, deleting and restoring, of a project too. On SQLite and on PostgreSQL."""

import pytest
from house import Person, StillClock

from runkey_server import projects, runs
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.projects import Project
from runkey_server.runs import Changes


@pytest.fixture
def project(database: Database, clock: StillClock, alice: Person) -> Project:
    with database.writing() as transaction:
        for name in ("a", "b", "c"):
            runs.upsert(transaction, alice.actor, None, "p", name, Changes(tags=("old",)), clock())
            runs.upsert(transaction, alice.actor, None, "other", name, Changes(), clock())
    with database.reading() as transaction:
        return projects.find_project(transaction, alice.actor, None, "p")


def tags_of(database: Database, project: Project) -> dict[str, tuple[str, ...]]:
    with database.reading() as transaction:
        return {run.name: run.tags for run in runs.list_runs(transaction, project)}


def test_tags_come_and_go_in_their_order_and_only_what_changed_is_told(database: Database, project: Project) -> None:
    with database.writing() as transaction:
        grown = runs.add_tags(transaction, project.id, ["a", "b", "absent"], ["old", "best", "é", "best"])
    assert tags_of(database, project) == {"a": ("old", "best", "é"), "b": ("old", "best", "é"), "c": ("old",)}
    assert list(grown.values()) == [6, 6]
    with database.writing() as transaction:
        assert runs.add_tags(transaction, project.id, ["a", "b"], ["best"]) == {}
        assert list(runs.remove_tags(transaction, project.id, ["a", "c"], ["old", "absent"]).values()) == [-3, -3]
    assert tags_of(database, project) == {"a": ("best", "é"), "b": ("old", "best", "é"), "c": ()}


@pytest.mark.parametrize("tag", ["", "  ", "x" * 65, "a\0b", "\ud800"])
def test_a_bad_tag_is_refused(database: Database, project: Project, tag: str) -> None:
    with pytest.raises(Error) as refusal, database.writing() as transaction:
        runs.add_tags(transaction, project.id, ["a"], [tag])
    assert refusal.value.code == "invalid"


def test_tags_have_an_end(database: Database, project: Project) -> None:
    with database.writing() as transaction:
        runs.add_tags(transaction, project.id, ["a"], [f"tag {number}" for number in range(runs.MAX_TAGS - 1)])
    with pytest.raises(Error, match="at most 100 tags"), database.writing() as transaction:
        runs.add_tags(transaction, project.id, ["b", "a"], ["one more"])
    assert tags_of(database, project)["b"] == ("old",), "all of it or nothing"


def test_deleted_runs_come_back_within_a_day(database: Database, clock: StillClock, alice: Person, project: Project) -> None:
    with database.writing() as transaction:
        assert sorted(runs.delete_runs(transaction, project.id, ["a", "b", "absent"], clock())) == ["a", "b"]
        assert runs.delete_runs(transaction, project.id, ["a"], clock()) == [], "a second time changes nothing, nor the moment"
    assert list(tags_of(database, project)) == ["c"]
    clock.advance(hours=23, minutes=59)
    with database.writing() as transaction:
        assert [run.name for run in runs.list_deleted(transaction, project, clock(), at_most=10)] == ["b", "a"]
        assert runs.restore_runs(transaction, project.id, ["a", "c", "absent"], clock()) == ["a"]
    assert sorted(tags_of(database, project)) == ["a", "c"]
    clock.advance(minutes=1)
    with database.writing() as transaction:
        assert runs.list_deleted(transaction, project, clock(), at_most=10) == []
        assert runs.restore_runs(transaction, project.id, ["b"], clock()) == []
    with database.reading() as transaction:
        assert runs.find_run(transaction, alice.actor, "alice", "p", "b") is None
        other = projects.find_project(transaction, alice.actor, None, "other")
        assert runs.count_runs(transaction, other) == 3


def test_a_deleted_project_takes_its_runs_along_and_brings_them_back(
    database: Database, clock: StillClock, alice: Person, charlie: Person, project: Project
) -> None:
    with database.writing() as transaction:
        runs.delete_runs(transaction, project.id, ["c"], clock())
        assert projects.delete_project(transaction, project, clock())
        assert not projects.delete_project(transaction, project, clock())
    for act in (
        lambda transaction: runs.get_writable(transaction, alice.actor, "alice", "p", "a"),
        lambda transaction: runs.upsert(transaction, alice.actor, None, "p", "a", Changes(), clock()),
        lambda transaction: runs.upsert(transaction, alice.actor, None, "p", "new", Changes(), clock()),
    ):
        with pytest.raises(Error) as refusal, database.writing() as transaction:
            act(transaction)
        assert refusal.value.code == "gone"
    clock.advance(hours=23)
    with database.writing() as transaction:
        assert projects.find_project(transaction, alice.actor, None, "p") is None
        assert runs.find_run(transaction, alice.actor, "alice", "p", "a") is None
        assert [each.name for each in projects.list_projects(transaction, alice.actor, alice.account.id)] == ["other"]
        assert [each.name for each in projects.list_deleted(transaction, alice.actor, alice.account.id, clock())] == ["p"]
        assert projects.list_deleted(transaction, charlie.actor, alice.account.id, clock()) == []
        assert projects.find_deleted(transaction, charlie.actor, "alice", "p") is None
        found = projects.find_deleted(transaction, alice.actor, "Alice", "p")
        assert projects.restore_project(transaction, found, clock())
        assert not projects.restore_project(transaction, found, clock())
    assert sorted(tags_of(database, project)) == ["a", "b"], "what was deleted before stays so"
    with database.writing() as transaction:
        projects.delete_project(transaction, project, clock())
    clock.advance(days=1)
    with database.writing() as transaction:
        assert projects.list_deleted(transaction, alice.actor, alice.account.id, clock()) == []
        assert not projects.restore_project(transaction, found, clock())

"""Acts side by side, each in a transaction of its own, as PostgreSQL lets them: one is under way while another comes up against it."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from manifests import lines_of, manifest_of, md5_of
from shelf import Shelf, number_of

from runkey_server import artifacts
from runkey_server.artifacts import AliasOf, Wanted, freeing
from runkey_server.errors import Error

pytestmark = pytest.mark.parametrize("ground", ["postgres"], indirect=True)

Act = Callable[[sa.Connection], Any]
ONE, TWO = b"one", b"two two"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
_PATIENCE_SECONDS = 20


def beside(shelf: Shelf, first: Act, second: Act) -> tuple[Any, Any]:
    """Do one act, and before it is committed begin another; give what came of both, refusals included."""
    came: list[Any] = []

    def do_second() -> None:
        try:
            with shelf.database.writing() as transaction:
                came.append(second(transaction))
        except Exception as problem:
            came.append(problem)

    thread = threading.Thread(target=do_second)
    with shelf.database.writing() as transaction:
        given = first(transaction)
        thread.start()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while thread.is_alive() and time.monotonic() < deadline:
            with shelf.database.reading() as looking:
                if looking.execute(sa.text(_WAITING)).scalar_one():
                    break
    thread.join(_PATIENCE_SECONDS)
    assert len(came) == 1, "the second act did not end"
    return given, came[0]


def sweep(shelf: Shelf) -> Act:
    def act(transaction: sa.Connection) -> None:
        freeing.sweep(transaction, shelf.project_id, [md5_of(ONE), md5_of(TWO)])

    return act


def create(shelf: Shelf, name: str = "data", *, kind: str = "dataset", **more: Any) -> Act:
    wanted = Wanted(None, shelf.project, None, kind, name, "", (), **more)
    return lambda transaction: artifacts.create(transaction, shelf.person.actor, wanted, shelf.clock()).id


def announce(shelf: Shelf, artifact_id: int, files: dict[str, bytes]) -> Act:
    named = [(path, md5_of(body)) for path, body in files.items()]
    return lambda transaction: set(artifacts.announce(transaction, shelf.person.actor, artifact_id, named, shelf.clock())[1])


def commit(shelf: Shelf, artifact_id: int) -> Act:
    return lambda transaction: (
        artifacts.commit(transaction, shelf.directory, shelf.person.actor, artifact_id, number_of, shelf.clock()).version_index
    )


def delete(shelf: Shelf, artifact_id: int) -> Act:
    return lambda transaction: artifacts.delete(transaction, [artifact_id], shelf.clock())


def rename(shelf: Shelf, collection_id: int, name: str) -> Act:
    return lambda transaction: artifacts.update_collection(transaction, shelf.person.actor, collection_id, name, None, shelf.clock()).name


def link(shelf: Shelf, artifact_id: int, name: str = "shown") -> Act:
    return lambda transaction: (
        artifacts.link(transaction, shelf.person.actor, artifact_id, None, shelf.project, name, ["prod"], shelf.clock()).version_index
    )


def ready(shelf: Shelf, name: str = "data", body: bytes = ONE) -> int:
    """Give a version that can be committed."""
    made = shelf.begin(name)
    shelf.announce(made.id, {"a": body})
    shelf.send(body)
    shelf.put_manifest(made.id, manifest_of(lines_of({"a": body})))
    return made.id


def test_what_a_client_was_told_is_here_is_not_swept(shelf: Shelf) -> None:
    shelf.send(ONE)
    made = shelf.begin()
    here, _ = beside(shelf, announce(shelf, made.id, {"a": ONE}), sweep(shelf))
    assert here == {md5_of(ONE)}
    assert shelf.here().keys() == {md5_of(ONE)}


def test_what_is_being_swept_is_told_to_nobody_as_here(shelf: Shelf) -> None:
    shelf.send(ONE)
    made = shelf.begin()
    _, here = beside(shelf, sweep(shelf), announce(shelf, made.id, {"a": ONE}))
    assert here == set()
    shelf.send(ONE)
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(ONE)}


def test_a_commit_keeps_what_it_found(shelf: Shelf) -> None:
    """Its bytes were announced by nobody: they are those of a version that goes meanwhile."""
    gone = shelf.log({"a": ONE}, "other")
    made = shelf.begin()
    manifest = manifest_of(lines_of({"b": ONE}))
    shelf.put_manifest(made.id, manifest)
    shelf.delete(gone.id)
    artifacts.purge_due(shelf.database, shelf.clock())
    version, _ = beside(shelf, commit(shelf, made.id), sweep(shelf))
    assert version == 0
    assert shelf.here().keys() >= {md5_of(ONE), md5_of(manifest)}


def test_a_commit_that_comes_after_the_sweep_says_what_is_missing(shelf: Shelf) -> None:
    gone = shelf.log({"a": ONE}, "other")
    made = shelf.begin()
    shelf.put_manifest(made.id, manifest_of(lines_of({"b": ONE})))
    shelf.delete(gone.id)
    artifacts.purge_due(shelf.database, shelf.clock())
    _, refusal = beside(shelf, sweep(shelf), commit(shelf, made.id))
    assert "1 of 1 files are not here" in str(refusal)


def test_bytes_taken_over_from_another_project_outlive_what_they_were_taken_from(shelf: Shelf, other_shelf: Shelf) -> None:
    body = b"taken over"
    origin = other_shelf.log({"a": body})
    made = shelf.begin()
    lines = lines_of({"b": body})
    lines["b"]["birthArtifactID"] = str(origin.id)
    shelf.put_manifest(made.id, manifest_of(lines))

    def end_origin(_: sa.Connection) -> None:
        other_shelf.delete(origin.id)
        other_shelf.sweep()
        other_shelf.sweep_bytes()

    assert beside(shelf, commit(shelf, made.id), end_origin) == (0, None)
    assert other_shelf.here() == {}
    assert shelf.directory.path(sha256(body).hexdigest()).exists()


@pytest.mark.parametrize("more", [{"client_id": "c"}, {"distributed_id": "d"}])
def test_one_version_is_begun_by_two_at_once(shelf: Shelf, more: dict[str, Any]) -> None:
    first, second = beside(shelf, create(shelf, **more), create(shelf, **more))
    assert first == second
    again = dict.fromkeys(more, "another")
    first, second = beside(shelf, create(shelf, **again), create(shelf, **again))
    assert first == second


def test_two_begin_the_same_type_and_collection_at_once(shelf: Shelf) -> None:
    first, second = beside(shelf, create(shelf), create(shelf))
    assert first != second
    one, other = beside(shelf, create(shelf, "x", kind="k"), create(shelf, "y", kind="k"))
    assert one != other


def test_a_version_is_committed_once(shelf: Shelf) -> None:
    artifact_id = ready(shelf)
    assert beside(shelf, commit(shelf, artifact_id), commit(shelf, artifact_id)) == (0, 0)


def test_what_is_announced_while_a_version_is_committed_is_refused(shelf: Shelf) -> None:
    artifact_id = ready(shelf)
    version, refusal = beside(shelf, commit(shelf, artifact_id), announce(shelf, artifact_id, {"late": TWO}))
    assert version == 0
    assert "is committed" in str(refusal)
    assert shelf.paths(artifact_id).keys() == {"a"}


def test_two_versions_committed_at_once_have_two_numbers(shelf: Shelf) -> None:
    ids = [ready(shelf, body=body) for body in (ONE, TWO)]
    assert beside(shelf, commit(shelf, ids[0]), commit(shelf, ids[1])) == (0, 1)
    assert shelf.find("data:latest").id == ids[1]  # type: ignore[union-attr]


def test_a_version_is_committed_or_deleted(shelf: Shelf) -> None:
    first, second = ready(shelf), ready(shelf, body=TWO)
    _, refusal = beside(shelf, delete(shelf, first), commit(shelf, first))
    assert isinstance(refusal, Error)
    assert refusal.code == "not_found"
    beside(shelf, commit(shelf, second), delete(shelf, second))
    assert shelf.find("data:latest") is None


def test_a_version_that_is_committed_at_the_last_moment_is_not_given_up(shelf: Shelf) -> None:
    artifact_id = ready(shelf)
    long_after = shelf.clock() + artifacts.ABANDONED_AFTER + timedelta(minutes=1)
    version, _ = beside(shelf, commit(shelf, artifact_id), lambda _: artifacts.expire(shelf.database, long_after))
    assert version == 0
    assert shelf.find("data:latest") is not None
    pending = ready(shelf, body=TWO)
    artifacts.expire(shelf.database, long_after)
    with shelf.database.reading() as transaction:
        assert artifacts.find_artifact(transaction, shelf.person.actor, pending) is None


def test_latest_never_names_what_is_deleted(shelf: Shelf) -> None:
    kept, old, new = (shelf.log({"a": body}) for body in (b"0", b"1", b"2"))
    beside(shelf, delete(shelf, new.id), delete(shelf, old.id))
    assert shelf.find("data:latest").id == kept.id  # type: ignore[union-attr]


def test_a_link_to_what_is_being_deleted_is_refused(shelf: Shelf) -> None:
    one, two = shelf.log({"a": ONE}), shelf.log({"a": TWO})
    _, refusal = beside(shelf, delete(shelf, one.id), link(shelf, one.id))
    assert isinstance(refusal, Error)
    assert refusal.code == "not_found"
    beside(shelf, link(shelf, two.id), delete(shelf, two.id))
    assert shelf.find("shown:latest") is None


def test_a_version_linked_twice_at_once_has_one_place(shelf: Shelf) -> None:
    one, two = shelf.log({"a": ONE}), shelf.log({"a": TWO})
    assert beside(shelf, link(shelf, one.id), link(shelf, one.id)) == (0, 0)
    assert beside(shelf, link(shelf, two.id), link(shelf, two.id)) == (1, 1)


def test_a_name_is_given_once(shelf: Shelf) -> None:
    one, two = (shelf.begin(name).collection_id for name in ("one", "two"))
    name, refusal = beside(shelf, rename(shelf, one, "x"), rename(shelf, two, "x"))
    assert name == "x"
    assert "There is an artifact collection 'x'" in str(refusal)
    _, refusal = beside(shelf, create(shelf, "y"), rename(shelf, two, "y"))
    assert "There is an artifact collection 'y'" in str(refusal)
    name, made = beside(shelf, rename(shelf, two, "z"), create(shelf, "z"))
    assert name == "z"
    assert shelf.find("z:latest") is None
    assert isinstance(made, int)


def test_an_alias_moves_to_the_last_who_asked(shelf: Shelf) -> None:
    one, two = shelf.log({"a": ONE}), shelf.log({"a": TWO})
    best = [AliasOf(None, shelf.project, "data", "best")]

    def name(artifact_id: int) -> Act:
        return lambda transaction: artifacts.add_aliases(transaction, shelf.person.actor, artifact_id, best)

    assert beside(shelf, name(one.id), name(two.id)) == (None, None)
    assert shelf.find("data:best").id == two.id  # type: ignore[union-attr]


def test_a_collection_that_is_being_deleted_takes_no_version(shelf: Shelf) -> None:
    collection_id = shelf.log({"a": ONE}).collection_id

    def delete_collection(transaction: sa.Connection) -> None:
        artifacts.delete_collection(transaction, shelf.person.actor, collection_id, shelf.clock())

    _, made = beside(shelf, delete_collection, create(shelf))
    assert shelf.begin().collection_id != collection_id
    with shelf.database.reading() as transaction:
        found = None if isinstance(made, Error) else artifacts.find_artifact(transaction, shelf.person.actor, made)
    assert made.code == "unavailable" if isinstance(made, Error) else found and found.collection_id != collection_id

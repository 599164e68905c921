"""Bytes that nothing needs are freed, and no others: whatever let go of them, and whenever they came."""

from datetime import timedelta
from hashlib import sha256

import sqlalchemy as sa
from manifests import lines_of, manifest_of, md5_of
from shelf import Shelf

from runkey_server import artifacts
from runkey_server.artifacts import tables

ONE, TWO, THREE = b"one", b"two two", b"three three three"


def test_what_was_announced_and_is_not_in_the_manifest_is_freed(shelf: Shelf) -> None:
    made = shelf.begin()
    shelf.announce(made.id, {"kept": ONE, "left out": TWO, "again": THREE})
    for body in (ONE, TWO, THREE):
        shelf.send(body)
    manifest = manifest_of(lines_of({"kept": ONE, "elsewhere": THREE}))
    shelf.put_manifest(made.id, manifest)
    shelf.commit(made.id)
    assert shelf.here().keys() == {md5_of(ONE), md5_of(TWO), md5_of(THREE), md5_of(manifest)}
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(ONE), md5_of(THREE), md5_of(manifest)}
    assert shelf.paths(made.id) == {"kept": md5_of(ONE), "elsewhere": md5_of(THREE)}
    shelf.sweep_bytes()
    assert len(list(shelf.folder.glob("??/*"))) == 3


def test_what_another_version_or_announcement_needs_stays(shelf: Shelf) -> None:
    other = shelf.log({"two": TWO}, "other")
    pending = shelf.begin("pending")
    shelf.announce(pending.id, {"three": THREE})
    made = shelf.begin()
    shelf.announce(made.id, {"one": ONE, "two": TWO, "three": THREE})
    shelf.send(ONE)
    shelf.send(THREE)
    shelf.put_manifest(made.id, manifest_of(lines_of({"one": ONE})))
    shelf.commit(made.id)
    shelf.sweep()
    assert shelf.here().keys() >= {md5_of(ONE), md5_of(TWO), md5_of(THREE)}
    shelf.delete(other.id)
    shelf.delete(pending.id)
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(ONE), md5_of(manifest_of(lines_of({"one": ONE})))}


def test_a_path_or_a_manifest_announced_again_lets_go_of_what_it_named(shelf: Shelf) -> None:
    made = shelf.begin()
    for body in (ONE, TWO):
        shelf.announce(made.id, {"a": body})
        shelf.send(body)
    manifests = [manifest_of(lines_of({"a": TWO, "b": TWO})), manifest_of(lines_of({"a": TWO}))]
    for manifest in manifests:
        shelf.put_manifest(made.id, manifest)
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(TWO), md5_of(manifests[1])}
    with shelf.database.writing() as transaction:
        (manifest,) = artifacts.list_manifests(transaction, made.id)
        artifacts.update_manifest(transaction, shelf.person.actor, manifest.id, md5_of(manifests[0]), None)
    shelf.send(manifests[0])
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(TWO), md5_of(manifests[0])}
    # Nobody let go of anything: the same once more.
    shelf.announce(made.id, {"a": TWO})
    shelf.put_manifest(made.id, manifests[0])
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(TWO), md5_of(manifests[0])}


def test_the_parts_of_several_writers_are_freed_and_the_whole_stays(shelf: Shelf) -> None:
    first = shelf.begin(distributed_id="shared")
    for path, body in (("a", ONE), ("b", TWO)):
        assert shelf.begin(distributed_id="shared").id == first.id
        shelf.announce(first.id, {path: body})
        shelf.send(body)
        shelf.put_manifest(first.id, manifest_of(lines_of({path: body})), "PATCH")
    whole = shelf.commit(first.id)
    with shelf.database.reading() as transaction:
        (manifest,) = artifacts.list_manifests(transaction, whole.id)
    assert len(shelf.here()) == 5
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(ONE), md5_of(TWO), manifest.md5}


def test_bytes_that_come_when_nothing_needs_them_any_more_are_freed(shelf: Shelf) -> None:
    made = shelf.begin()
    shelf.announce(made.id, {"a": ONE})
    shelf.announce(made.id, {"a": TWO})
    shelf.sweep()
    shelf.send(ONE)
    shelf.send(TWO)
    shelf.sweep()
    assert shelf.here().keys() == {md5_of(TWO)}
    shelf.delete(made.id)
    shelf.sweep()
    assert shelf.here() == {}
    # An upload that lasted longer than what it was for.
    shelf.send(TWO)
    assert shelf.here().keys() == {md5_of(TWO)}
    shelf.sweep()
    assert shelf.here() == {}


def test_equal_bytes_of_another_project_are_its_own_affair(shelf: Shelf, foreign_shelf: Shelf) -> None:
    others, body = foreign_shelf, b"of two projects"
    others.log({"a": body})
    made = shelf.log({"a": body})
    shelf.delete(made.id)
    shelf.sweep()
    shelf.sweep_bytes()
    assert shelf.here() == {}
    assert md5_of(body) in others.here()
    assert shelf.directory.path(sha256(body).hexdigest()).exists()
    others.delete(others.find("data:latest").id)  # type: ignore[union-attr]
    others.sweep()
    others.sweep_bytes()
    assert not shelf.directory.path(sha256(body).hexdigest()).exists()


def test_what_a_purged_project_had_is_gone_with_what_came_late(shelf: Shelf) -> None:
    shelf.log({"a": ONE})
    pending = shelf.begin()
    shelf.announce(pending.id, {"b": TWO})
    shelf.send(TWO)
    artifacts.purge_project(shelf.database, shelf.project_id)
    assert shelf.here() == {}
    shelf.send(TWO)
    shelf.sweep()
    assert shelf.here() == {}


def test_a_collection_that_was_deleted_goes_when_it_is_empty_whatever_else_is_due(shelf: Shelf) -> None:
    def rows() -> list[str]:
        t = tables.artifact_collections
        with shelf.database.reading() as transaction:
            return sorted(transaction.execute(sa.select(t.c.name).where(t.c.project_id == shelf.project_id)).scalars())

    pending, made = shelf.begin("empty"), shelf.log({"a": ONE}, "full")
    shelf.delete(pending.id)
    shelf.sweep()
    for each in (pending, made):
        with shelf.database.writing() as transaction:
            artifacts.delete_collection(transaction, shelf.person.actor, each.collection_id, shelf.clock())
    assert rows() == sorted([f"/{pending.collection_id}", f"/{made.collection_id}"])
    artifacts.purge_due(shelf.database, shelf.clock() - timedelta(days=1))
    assert rows() == [f"/{made.collection_id}"], "what is full waits for its versions"
    shelf.sweep()
    assert rows() == []

"""What becomes of a version between its beginning and its commit: announced, sent, tried again, merged, refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from manifests import lines_of, manifest_of, md5_of
from shelf import Shelf

from runkey_server import artifacts
from runkey_server.artifacts import Manifest, manifesting
from runkey_server.errors import Error

ONE, TWO, THREE = b"one", b"two two", b"three three three"


def refusal_of(act: Callable[[], Any]) -> str:
    with pytest.raises(Error) as refusal:
        act()
    assert refusal.value.code == "invalid"
    return refusal.value.message


def manifests_of(shelf: Shelf, artifact_id: int) -> list[Manifest]:
    with shelf.database.reading() as transaction:
        return artifacts.list_manifests(transaction, artifact_id)


# --- tried again ------------------------------------------------------------------------------------------------------


def test_every_step_can_be_taken_twice(shelf: Shelf) -> None:
    """The answer to any may have been lost."""
    first = shelf.begin(client_id="c", aliases=["best"])
    assert shelf.begin(client_id="c", aliases=["best"]) == first
    assert shelf.announce(first.id, {"a": ONE, "b": ONE}) == {md5_of(ONE)}
    assert shelf.announce(first.id, {"a": ONE, "b": ONE}) == {md5_of(ONE)}
    shelf.send(ONE)
    shelf.send(ONE)
    assert shelf.announce(first.id, {"a": ONE}) == set()
    manifest = manifest_of(lines_of({"a": ONE, "b": ONE}))
    assert shelf.put_manifest(first.id, manifest) == shelf.put_manifest(first.id, manifest)
    committed = shelf.commit(first.id)
    assert shelf.commit(first.id) == committed
    assert (committed.version_index, committed.file_count, committed.size_bytes) == (0, 2, 6)
    assert shelf.begin(client_id="c") == committed
    assert shelf.find("data:best") == shelf.find("data:latest") == committed
    assert "is committed" in refusal_of(lambda: shelf.announce(first.id, {"c": TWO}))
    assert "is committed" in refusal_of(lambda: shelf.put_manifest(first.id, manifest))
    assert "is committed" in refusal_of(lambda: _update_manifest(shelf, manifests_of(shelf, first.id)[0].id, md5_of(TWO)))


def test_the_same_contents_are_the_same_version_unless_somebody_minds(shelf: Shelf) -> None:
    made = shelf.log({"a": ONE}, digest="d")
    again = shelf.begin(digest="d", aliases=["more"])
    assert (again.id, again.state) == (made.id, "COMMITTED")
    assert shelf.find("data:more") == made
    # In another sequence, or when it is told so, it is a version of its own. One that is under way is nobody else's.
    assert shelf.begin("other", digest="d").id != made.id
    pending = shelf.begin(digest="d", deduplicates=False)
    assert pending.id != made.id
    assert shelf.begin(digest="e").id != shelf.begin(digest="e").id
    shelf.delete(made.id)
    assert shelf.begin(digest="d").id not in (made.id, pending.id)


# --- bytes and manifests ----------------------------------------------------------------------------------------------


def test_a_commit_waits_for_its_manifest_and_its_bytes(shelf: Shelf) -> None:
    made = shelf.begin()
    assert "has no manifest yet" in refusal_of(lambda: shelf.commit(made.id))
    files = {f"{number}": f"bytes {number}".encode() for number in range(5)}
    shelf.announce(made.id, files)
    manifest = manifest_of(lines_of(files))
    shelf.put_manifest(made.id, manifest, sends=False)
    assert "its bytes were never sent" in refusal_of(lambda: shelf.commit(made.id))
    shelf.send(manifest)
    shelf.send(files["0"])
    assert "4 of 5 files are not here: '1', '2', '3' and more" in refusal_of(lambda: shelf.commit(made.id))
    # Nothing of it was done by half.
    assert shelf.find("data:latest") is None
    assert len(shelf.paths(made.id)) == 5
    for body in files.values():
        shelf.send(body)
    assert shelf.commit(made.id).version_index == 0


def test_bytes_of_another_digest_are_refused(shelf: Shelf) -> None:
    made = shelf.begin()
    shelf.announce(made.id, {"a": ONE})
    assert "do not have the MD5 digest" in refusal_of(lambda: shelf.send(TWO, md5_of(ONE)))
    assert shelf.announce(made.id, {"a": ONE}) == {md5_of(ONE)}


def test_a_manifest_that_lies_about_a_size_is_put_right(shelf: Shelf) -> None:
    made = shelf.begin()
    shelf.send(ONE)
    shelf.send(TWO)
    lines = lines_of({"a": ONE, "b": TWO})
    lines["a"]["size"] = 10**15
    del lines["b"]["size"]
    lines["r"] = {"digest": "etag", "size": 5, "ref": "s3://bucket/r"}
    shelf.put_manifest(made.id, manifest_of(lines))
    assert shelf.commit(made.id).size_bytes == len(ONE) + len(TWO) + 5
    with shelf.database.reading() as transaction:
        assert {entry.path: entry.size_bytes for entry in artifacts.list_entries(transaction, made.id)} == {"a": 3, "b": 7, "r": 5}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ({"../a": {"digest": md5_of(ONE), "size": 3}}, "inside the run's folder"),
        ({"a": {"digest": "short", "size": 3}}, "no MD5 digest"),
        ({"a": {"digest": md5_of(ONE), "size": -1}}, "no size that a file can have"),
        ({"a": {"digest": md5_of(ONE), "size": 2**63}}, "no size that a file can have"),
        ({"a": {"digest": "x" * 513, "size": 1, "ref": "s3://a"}}, "cannot be kept"),
        ({"a": {"digest": "x", "size": 1, "ref": "s3://" + "a" * 8_200}}, "cannot be kept"),
        ({"a": {"digest": "x", "size": 1, "ref": "s3://\0"}}, "cannot be kept"),
        ({"a": {"digest": 7, "size": 1}}, "cannot be read"),
        ({"a": {"size": 1}}, "cannot be read"),
    ],
)
def test_a_manifest_that_says_what_cannot_be_is_refused(shelf: Shelf, lines: dict[str, Any], told: str) -> None:
    made = shelf.begin()
    shelf.send(ONE)
    shelf.put_manifest(made.id, manifest_of(lines))
    assert told in refusal_of(lambda: shelf.commit(made.id))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"version": 2, "contents": {}}'])
def test_what_is_no_manifest_is_refused(shelf: Shelf, body: bytes) -> None:
    made = shelf.begin()
    shelf.put_manifest(made.id, body)
    assert "The manifest" in refusal_of(lambda: shelf.commit(made.id))


# --- several writers, and versions that add to others -----------------------------------------------------------------


def test_what_several_wrote_is_one_version(shelf: Shelf) -> None:
    first = shelf.begin(distributed_id="shared", digest="of the first part")
    parts = [{"a": ONE}, {"b": TWO, "both": ONE}, {"both": THREE}]
    for part in parts:
        assert shelf.begin(distributed_id="shared", digest="of a part").id == first.id
        shelf.announce(first.id, part)
        for body in part.values():
            shelf.send(body)
        manifest = manifest_of(lines_of(part))
        made = shelf.put_manifest(first.id, manifest, "PATCH")
        # An answer that was lost; and the same before its digest was known.
        assert shelf.put_manifest(first.id, manifest, "PATCH") == made
    assert len(manifests_of(shelf, first.id)) == 3
    whole = shelf.commit(first.id)
    entries = {"a": md5_of(ONE), "b": md5_of(TWO), "both": md5_of(THREE)}
    assert shelf.paths(whole.id) == entries
    assert whole.digest == manifesting.digest_of(entries)
    (manifest,) = manifests_of(shelf, first.id)
    assert manifest.type == "FULL"
    assert shelf.begin(distributed_id="shared").id != first.id, "what is committed is not written any more"


def test_an_incremental_version_adds_to_the_newest_or_to_the_one_that_it_names(shelf: Shelf) -> None:
    old = shelf.log({"a": ONE, "b": ONE})
    shelf.log({"c": TWO})
    for base, held in ((None, {"c": TWO, "b": THREE}), (old.id, {"a": ONE, "b": THREE})):
        made = shelf.begin(deduplicates=False)
        shelf.announce(made.id, {"b": THREE})
        shelf.send(THREE)
        shelf.put_manifest(made.id, manifest_of(lines_of({"b": THREE})), "INCREMENTAL", base)
        committed = shelf.commit(made.id)
        assert shelf.paths(made.id) == {path: md5_of(body) for path, body in held.items()}
        assert committed.digest == manifesting.digest_of(shelf.paths(made.id))
        shelf.delete(made.id)


def test_a_base_is_a_committed_version_that_is_there(shelf: Shelf, foreign_shelf: Shelf) -> None:
    base, pending, foreign = shelf.log({"a": ONE}), shelf.begin(), foreign_shelf.log({"a": ONE})
    made = shelf.begin()
    patch = manifest_of(lines_of({"b": ONE}))
    for put in (
        lambda wanted: shelf.put_manifest(made.id, patch, "INCREMENTAL", wanted),
        lambda wanted: _update_manifest(shelf, manifests_of(shelf, made.id)[0].id, md5_of(patch), wanted),
    ):
        assert "is not committed" in refusal_of(lambda put=put: put(pending.id))
        with pytest.raises(Error) as refusal:
            put(foreign.id)
        assert refusal.value.code == "not_found"
        put(base.id)
    shelf.delete(base.id)
    assert "was deleted" in refusal_of(lambda: shelf.commit(made.id))
    shelf.sweep()
    assert "was deleted" in refusal_of(lambda: shelf.commit(made.id))


def test_all_manifests_of_a_version_are_of_one_kind_and_one_base(shelf: Shelf) -> None:
    bases = [shelf.log({"a": body}).id for body in (ONE, TWO)]
    patch = manifest_of(lines_of({"b": ONE}))
    for kind in ("FULL", "PATCH", "INCREMENTAL"):
        made = shelf.begin(distributed_id=kind)
        shelf.put_manifest(made.id, patch, kind)
        for other in {"FULL", "PATCH", "INCREMENTAL"} - {kind}:
            assert f"manifests of type {kind}" in refusal_of(lambda made=made, other=other: shelf.put_manifest(made.id, patch, other))
    shelf.put_manifest(made.id, manifest_of(lines_of({"c": TWO})), "INCREMENTAL", bases[0])
    other = manifest_of(lines_of({"d": ONE}))
    assert "adds to another" in refusal_of(lambda: shelf.put_manifest(made.id, other, "INCREMENTAL", bases[1]))
    first = manifests_of(shelf, made.id)[0]
    assert "adds to another" in refusal_of(lambda: _update_manifest(shelf, first.id, None, bases[1]))
    # The first writer named none: all add to the one that another named.
    shelf.commit(made.id)
    assert shelf.paths(made.id) == {"a": md5_of(ONE), "b": md5_of(ONE), "c": md5_of(TWO)}


def _update_manifest(shelf: Shelf, manifest_id: int, md5: str | None, base: int | None = None) -> None:
    with shelf.database.writing() as transaction:
        artifacts.update_manifest(transaction, shelf.person.actor, manifest_id, md5, base)


def test_bytes_are_taken_over_from_an_own_project_and_never_from_a_strangers(
    shelf: Shelf, other_shelf: Shelf, foreign_shelf: Shelf
) -> None:
    for origin, is_ours in ((foreign_shelf, False), (other_shelf, True)):
        body = f"first in {origin.project}".encode()
        birth = origin.log({"a": body})
        made = shelf.begin(deduplicates=False)
        assert shelf.announce(made.id, {"b": body}) == {md5_of(body)}, "what others have is told to nobody"
        lines = lines_of({"b": body})
        lines["b"]["birthArtifactID"] = str(birth.id)
        shelf.put_manifest(made.id, manifest_of(lines))
        if is_ours:
            assert shelf.commit(made.id).size_bytes == len(body)
        else:
            assert "1 of 1 files are not here" in refusal_of(lambda made=made: shelf.commit(made.id))
    with pytest.raises(Error) as refusal:
        foreign_shelf.commit(made.id)
    assert refusal.value.code == "not_found"


# --- the end of a version ---------------------------------------------------------------------------------------------


def test_what_deleting_frees_is_what_no_other_that_stays_needs(shelf: Shelf) -> None:
    def freed(artifact_id: int) -> int:
        with shelf.database.reading() as transaction:
            artifact = artifacts.get_artifact(transaction, shelf.person.actor, "read", artifact_id)
            return artifacts.measure_freed(transaction, artifact)

    one, two = shelf.log({"a": ONE, "own": TWO}), shelf.log({"a": ONE})
    of_one = len(manifest_of(lines_of({"a": ONE, "own": TWO}))) + len(TWO)
    assert freed(one.id) == of_one
    shelf.delete(two.id)
    # What is deleted already goes as well: it keeps nothing.
    assert freed(one.id) == of_one + len(ONE)
    pending = shelf.begin("other")
    shelf.announce(pending.id, {"x": TWO})
    assert freed(one.id) == of_one + len(ONE) - len(TWO)


def test_a_time_to_live_begins_with_the_commit_and_can_be_changed(shelf: Shelf) -> None:
    made = shelf.log({"a": ONE}, ttl_seconds=100)
    forever = shelf.log({"a": TWO}, ttl_seconds=artifacts.NO_TTL)
    at = made.committed_at
    assert at is not None
    assert made.expires_at == at + timedelta(seconds=100)
    assert forever.expires_at is None
    artifacts.expire(shelf.database, at + timedelta(seconds=99))
    assert shelf.find("data:v0") == made
    with shelf.database.writing() as transaction:
        longer = artifacts.update_artifact(transaction, shelf.person.actor, made.id, artifacts.Changes(ttl_seconds=200), at)
    assert longer.expires_at == at + timedelta(seconds=200)
    artifacts.expire(shelf.database, at + timedelta(seconds=100))
    assert shelf.find("data:v0") == longer
    artifacts.expire(shelf.database, at + timedelta(seconds=200))
    assert shelf.find("data:v0") is None
    assert shelf.find("data:latest") == forever
    for seconds in (0, -3, 100 * 365 * 86_400 + 1):
        assert "time to live" in refusal_of(lambda seconds=seconds: shelf.begin(ttl_seconds=seconds))


def test_a_link_is_a_place_in_another_collection_and_needs_what_it_names(shelf: Shelf, other_shelf: Shelf) -> None:
    made, pending = shelf.log({"a": ONE}), shelf.begin()

    def link(artifact_id: int, name: str, project: str = other_shelf.project, **more: Any) -> Any:
        with shelf.database.writing() as transaction:
            aliases = more.get("aliases", [])
            return artifacts.link(transaction, shelf.person.actor, artifact_id, None, project, name, aliases, shelf.clock())

    place = link(made.id, "shown", aliases=["prod"])
    assert link(made.id, "shown", aliases=["also"]) == place
    assert other_shelf.find("shown:prod") == other_shelf.find("shown:also") == other_shelf.find("shown:v0") == made
    assert "not committed" in refusal_of(lambda: link(pending.id, "shown"))
    assert "logged, not linked" in refusal_of(lambda: link(made.id, "data", shelf.project))
    assert "artifacts of type" in refusal_of(lambda: link(shelf.log({"a": TWO}, "m", kind="model").id, "shown"))
    assert "is a portfolio" in refusal_of(lambda: other_shelf.begin("shown"))
    # The version is its project's: there it is deleted, and then the link names nothing.
    shelf.delete(made.id)
    shelf.sweep()
    assert other_shelf.find("shown:prod") is None
    assert link(shelf.log({"a": THREE}).id, "shown").version_index == 1

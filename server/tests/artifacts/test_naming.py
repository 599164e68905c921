"""What versions are called: numbers, aliases, `latest`; tags; and how much of it there may be."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from shelf import Shelf

from runkey_server import artifacts
from runkey_server.artifacts import AliasOf, tables
from runkey_server.errors import Error

Change = Callable[..., None]


def name(shelf: Shelf, change: Change, artifact_id: int, *aliases: str, collection: str = "data") -> None:
    with shelf.database.writing() as transaction:
        change(transaction, shelf.person.actor, artifact_id, [AliasOf(None, shelf.project, collection, alias) for alias in aliases])


def called(shelf: Shelf, collection: str = "data") -> dict[str, int]:
    """Give the aliases in a collection, and the number of the version that each names."""
    with shelf.database.reading() as transaction:
        project = artifacts.find_collection(transaction, _project(shelf, transaction), collection)
        assert project is not None
        found, _ = artifacts.list_versions(transaction, shelf.person.actor, project, skip=0, at_most=100)
        return {alias: version.place.version_index for version in found for alias in version.aliases}


def _project(shelf: Shelf, transaction: sa.Connection) -> Any:
    from runkey_server import projects

    return projects.find_project(transaction, shelf.person.actor, None, shelf.project)


def test_latest_names_a_version_while_there_is_one(shelf: Shelf) -> None:
    first, second, third = (shelf.log({"a": body}) for body in (b"0", b"1", b"2"))
    assert called(shelf) == {"latest": 2}
    # Taken from the newest it comes back; taken from another, to which somebody gave it, it goes to the newest.
    name(shelf, artifacts.remove_aliases, third.id, "latest")
    assert called(shelf) == {"latest": 2}
    name(shelf, artifacts.add_aliases, first.id, "latest", "best")
    assert called(shelf) == {"latest": 0, "best": 0}
    name(shelf, artifacts.remove_aliases, second.id, "latest", "best")
    assert called(shelf) == {"latest": 0, "best": 0}, "it was another's"
    name(shelf, artifacts.remove_aliases, first.id, "latest")
    assert called(shelf) == {"latest": 2, "best": 0}
    shelf.log({"a": b"3"})
    assert called(shelf) == {"latest": 3, "best": 0}
    with shelf.database.writing() as transaction:
        artifacts.set_aliases(transaction, shelf.person.actor, first.id, ["latest"])
    assert called(shelf) == {"latest": 0}
    with shelf.database.writing() as transaction:
        artifacts.set_aliases(transaction, shelf.person.actor, first.id, [])
    assert called(shelf) == {"latest": 3}


def test_what_is_logged_again_is_the_latest_again(shelf: Shelf) -> None:
    """The contents that were logged last are what `latest` means, whatever their number."""
    first = shelf.log({"a": b"0"}, digest="0")
    shelf.log({"a": b"1"}, digest="1")
    again = shelf.begin(digest="0", aliases=["latest"])
    assert (again.id, again.state) == (first.id, "COMMITTED")
    assert called(shelf) == {"latest": 0}


def test_latest_of_a_portfolio_moves_as_well(shelf: Shelf) -> None:
    one, two = (shelf.log({"a": body}) for body in (b"0", b"1"))
    with shelf.database.writing() as transaction:
        for made in (one, two):
            place = artifacts.link(transaction, shelf.person.actor, made.id, None, shelf.project, "shown", ["prod"], shelf.clock())
    assert called(shelf, "shown") == {"latest": 1, "prod": 1}
    name(shelf, artifacts.remove_aliases, two.id, "latest", collection="shown")
    assert called(shelf, "shown") == {"latest": 1, "prod": 1}
    with shelf.database.writing() as transaction:
        artifacts.unlink(transaction, shelf.person.actor, two.id, place.collection_id)
    assert called(shelf, "shown") == {"latest": 0}
    assert called(shelf) == {"latest": 1}


def refusal_of(act: Callable[[], Any]) -> str:
    with pytest.raises(Error) as refusal:
        act()
    assert refusal.value.code == "invalid"
    return refusal.value.message


MANY = [f"n{number}" for number in range(101)]


@pytest.mark.parametrize("alias", ["v3", "", "a/b", "x" * 129, "a:b", "nul\0"])
def test_bad_aliases_are_refused_by_every_door(shelf: Shelf, alias: str) -> None:
    made = shelf.log({"a": b"0"})
    doors: list[Callable[[], Any]] = [
        lambda: shelf.begin(aliases=[alias]),
        lambda: name(shelf, artifacts.add_aliases, made.id, alias),
        lambda: _set_aliases(shelf, made.id, [alias]),
        lambda: _link(shelf, made.id, [alias]),
    ]
    for door in doors:
        assert "cannot be used" in refusal_of(door)


def test_a_call_and_a_version_have_at_most_so_many_names(shelf: Shelf) -> None:
    made = shelf.log({"a": b"0"})
    doors: list[Callable[[], Any]] = [
        lambda: shelf.begin(aliases=MANY),
        lambda: name(shelf, artifacts.add_aliases, made.id, *MANY),
        lambda: name(shelf, artifacts.remove_aliases, made.id, *MANY),
        lambda: _set_aliases(shelf, made.id, MANY),
        lambda: _link(shelf, made.id, MANY),
    ]
    for door in doors:
        assert refusal_of(door) == "At most 100 aliases can be given at once."
    with shelf.database.writing() as transaction:
        t = tables.artifact_aliases
        row = transaction.execute(sa.select(t).where(t.c.collection_id == made.collection_id)).one()
        _fill(transaction, t, [{**row._mapping, "alias": f"n{number}"} for number in range(900)])
    assert refusal_of(lambda: name(shelf, artifacts.add_aliases, made.id, *(f"m{number}" for number in range(100)))) == (
        "A version has at most 1,000 aliases in a collection."
    )
    name(shelf, artifacts.add_aliases, made.id, *(f"m{number}" for number in range(99)))
    # What it has already is no more.
    name(shelf, artifacts.add_aliases, made.id, "n1", "m1", "latest")
    assert len(called(shelf)) == 1_000


def _set_aliases(shelf: Shelf, artifact_id: int, aliases: list[str]) -> None:
    with shelf.database.writing() as transaction:
        artifacts.set_aliases(transaction, shelf.person.actor, artifact_id, aliases)


def _link(shelf: Shelf, artifact_id: int, aliases: list[str]) -> None:
    with shelf.database.writing() as transaction:
        artifacts.link(transaction, shelf.person.actor, artifact_id, None, shelf.project, "shown", aliases, shelf.clock())


def test_tags_have_an_end(shelf: Shelf) -> None:
    made = shelf.log({"a": b"0"}, tags=tuple(MANY[:100]))

    def change(**changes: Any) -> None:
        with shelf.database.writing() as transaction:
            artifacts.update_artifact(transaction, shelf.person.actor, made.id, artifacts.Changes(**changes), shelf.clock())

    for door in (
        lambda: shelf.begin(tags=tuple(MANY)),
        lambda: change(tags_to_add=("one more",)),
        lambda: change(tags_to_add=tuple(MANY)),
        lambda: change(tags_to_delete=tuple(MANY)),
    ):
        assert refusal_of(door) == "At most 100 tags can be given."
    change(tags_to_add=("one more",), tags_to_delete=("n1",))
    found = shelf.find("data:latest")
    assert found is not None
    assert (len(found.tags), "one more" in found.tags, "n1" in found.tags) == (100, True, False)


@pytest.mark.parametrize("what", ["digest", "client_id", "sequence_client_id", "distributed_id"])
def test_ids_that_no_index_takes_are_refused(shelf: Shelf, what: str) -> None:
    """PostgreSQL has no place in an index for more than some 2,700 bytes."""
    assert "has more than 512 characters" in refusal_of(lambda: shelf.begin(**{what: "\N{GRINNING FACE}" * 513}))
    assert "NUL" in refusal_of(lambda: shelf.begin(**{what: "a\0b"}))
    assert "no text" in refusal_of(lambda: shelf.begin(**{what: "\ud800"}))
    # The longest that there may be, of bytes that cannot be packed.
    shelf.begin(**{what: "".join(chr(0x10000 + 7919 * number % 60_000) for number in range(512))})


def test_a_project_has_at_most_so_many_types_collections_and_versions_under_way(shelf: Shelf) -> None:
    made = shelf.log({"a": b"0"})
    with shelf.database.writing() as transaction:
        row = transaction.execute(sa.select(tables.artifact_types).where(tables.artifact_types.c.project_id == shelf.project_id)).one()
        types = [{**row._mapping, "name": f"type {number}"} for number in range(999)]
        _fill(transaction, tables.artifact_types, types)
    assert refusal_of(lambda: shelf.begin("other", kind="new")) == "A project has at most 1,000 types of artifacts."
    with shelf.database.writing() as transaction:
        t = tables.artifact_collections
        row = transaction.execute(sa.select(t).where(t.c.project_id == shelf.project_id)).one()
        _fill(transaction, t, [{**row._mapping, "name": f"collection {number}"} for number in range(9_999)])
    told = "A project has at most 10,000 collections of artifacts."
    assert refusal_of(lambda: shelf.begin("other")) == told
    assert refusal_of(lambda: _link(shelf, made.id, [])) == told
    with shelf.database.writing() as transaction:
        row = transaction.execute(sa.select(tables.artifacts).where(tables.artifacts.c.id == shelf.begin_in(transaction).id)).one()
        _fill(transaction, tables.artifacts, [dict(row._mapping) for _ in range(9_999)])
    told = "10,000 versions of 'data' were begun and never committed. Those that nobody goes on with are dropped after a week."
    assert refusal_of(shelf.begin) == told
    # What there is already is found as before.
    shelf.begin("collection 7", kind="dataset")
    assert shelf.find("data:v0") == made


def _fill(transaction: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    transaction.execute(sa.insert(table), [{name: value for name, value in row.items() if name != "id"} for row in rows])

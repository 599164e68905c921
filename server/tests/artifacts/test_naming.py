"""What versions are called: numbers, aliases, `latest`; tags; and how much of it there may be."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from shelf import Shelf

from runkey_server import artifacts
from runkey_server.artifacts import AliasOf
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

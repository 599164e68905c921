"""Lists of versions: what is asked of each is looked up for all at once, and long questions are questions all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from house import House, StillClock, open_house
from shelf import Shelf

VERSIONS = """
query V($first: Int) {
  project(name: "p") { artifactType(name: "dataset") { artifactCollection(name: "data") { artifacts(first: $first) {
    totalCount edges { version node {
      id versionIndex artifactSequence { name project { name entity { name } } } artifactType { name }
      aliases { id alias artifactCollectionName artifactCollection { __typename name project { name } } }
    } }
  } } } }
}
"""
FILES = """
query F($names: [String!]) {
  project(name: "p") { artifact(name: "data:latest") { files(names: $names) { totalCount edges { node { name } } } } }
}
"""


@pytest.fixture
def still_house(tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """Where nothing is asked of the database but what the test asks."""
    with open_house(tmp_path / "still", clock, is_quiet=True) as opened:
        yield opened


@contextmanager
def counting() -> Iterator[list[str]]:
    """Keep the statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_a_page_of_many_costs_no_more_statements_than_a_page_of_one(still_house: House) -> None:
    alice = still_house.person("alice")
    shelf = Shelf(still_house.database, still_house.data / "files", still_house.clock, alice)
    for number in range(6):
        shelf.log({"a": f"{number}".encode()}, aliases=[f"alias-{number}"])

    def ask(first: int) -> Any:
        answer = still_house.graphql(alice.secret, VERSIONS, first=first).json()  # type: ignore[attr-defined]
        return answer["data"]["project"]["artifactType"]["artifactCollection"]["artifacts"]

    ask(1)
    with counting() as for_one:
        assert len(ask(1)["edges"]) == 1
    with counting() as for_all:
        found = ask(6)
    assert len(for_all) == len(for_one)
    assert [
        (
            edge["version"],
            edge["node"]["artifactSequence"]["project"]["entity"]["name"],
            {each["alias"] for each in edge["node"]["aliases"]},
        )
        for edge in found["edges"]
    ] == [
        (f"v{number}", "alice", {f"v{number}", f"alias-{number}"} | ({"latest"} if number == 5 else set())) for number in reversed(range(6))
    ]


def test_files_are_found_by_any_number_of_names(still_house: House) -> None:
    alice = still_house.person("alice")
    shelf = Shelf(still_house.database, still_house.data / "files", still_house.clock, alice)
    shelf.log({"a b": b"1", "ü\"'": b"2", "c": b"3"})
    for names in (["ü\"'", "a b"], ["c", *(f"n{number}" for number in range(19_000))], []):
        answer = still_house.graphql(alice.secret, FILES, names=names).json()  # type: ignore[attr-defined]
        assert "errors" not in answer, answer["errors"]
        files = answer["data"]["project"]["artifact"]["files"]
        wanted = sorted(set(names) & {"a b", "ü\"'", "c"})
        assert (files["totalCount"], [edge["node"]["name"] for edge in files["edges"]]) == (len(wanted), wanted)

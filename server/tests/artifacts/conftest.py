"""Shelves of artifacts, on both databases: one database a module, a project of its own for each test."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from house import Person, StillClock, make_person
from shelf import Shelf

from runkey_server.database import Database
from runkey_server.database.migrating import migrate


@dataclass
class Ground:
    """A database, and who is there."""

    database: Database
    clock: StillClock
    alice: Person
    charlie: Person
    projects: Iterator[int] = field(default_factory=count)

    def shelf(self, folder: Path, person: Person | None = None) -> Shelf:
        """Make a new project."""
        return Shelf(self.database, folder, self.clock, person or self.alice, f"p{next(self.projects)}")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    is_sqlite = request.param == "sqlite"
    server = None if is_sqlite else request.getfixturevalue("postgres")
    url = f"sqlite:///{tmp_path_factory.mktemp('ground') / 'test.db'}" if server is None else server.new_database()
    database, clock = Database(url), StillClock()
    migrate(database)
    yield Ground(database, clock, *(make_person(database, name, clock()) for name in ("alice", "charlie")))
    database.close()
    if server is not None:
        server.drop(url)


@pytest.fixture
def shelf(ground: Ground, tmp_path: Path) -> Shelf:
    """Alice's."""
    return ground.shelf(tmp_path / "files")


@pytest.fixture
def other_shelf(ground: Ground, tmp_path: Path) -> Shelf:
    """Alice's too, another project."""
    return ground.shelf(tmp_path / "files")


@pytest.fixture
def foreign_shelf(ground: Ground, tmp_path: Path) -> Shelf:
    """Charlie's, whose bytes lie in the same folder."""
    return ground.shelf(tmp_path / "files", ground.charlie)

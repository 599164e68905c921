"""A shelf of artifacts, on both databases."""

from pathlib import Path

import pytest
from house import Person, StillClock
from shelf import Shelf

from runkey_server.database import Database


@pytest.fixture
def shelf(database: Database, clock: StillClock, alice: Person, tmp_path: Path) -> Shelf:
    return Shelf(database, tmp_path / "files", clock, alice)

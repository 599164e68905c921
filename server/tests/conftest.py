"""What the server's tests share: a still clock, databases of both kinds, the three people, the application in this process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, Person, StillClock, make_person, open_house

from runkey_server.database import Database
from runkey_server.database.migrating import migrate


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("RUNKEY_", "WANDB_")):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    from postgres import Postgres

    server = Postgres(tmp_path_factory.getbasetemp() / "postgres")
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database, once on SQLite and once on PostgreSQL."""
    opened = Database(database_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def alice(database: Database, clock: StillClock) -> Person:
    """She owns."""
    return make_person(database, "alice", clock())


@pytest.fixture
def charlie(database: Database, clock: StillClock) -> Person:
    """He is a stranger."""
    return make_person(database, "charlie", clock())


@pytest.fixture
def house(tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """On loopback, as it is served without any setting."""
    with open_house(tmp_path / "data", clock) as opened:
        yield opened


@pytest.fixture
def public_house(tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """Behind https, under a name of its own."""
    with open_house(tmp_path / "public", clock, public_url="https://track.example.org", trusted_proxies=("192.0.2.1",)) as opened:
        yield opened

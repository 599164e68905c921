"""What the server's tests share: a still clock, databases of both kinds, the three people, the application in this process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, Person, StillClock, make_person
from starlette.testclient import TestClient

from runkey_server import app, secret_keys
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.settings import Settings


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
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    settings = Settings(data=data, reserve_bytes=0)
    database = Database(settings.sqlalchemy_url)
    migrate(database)
    secrets = secret_keys.load_or_make(data)
    with TestClient(app.build(settings, clock), base_url="http://127.0.0.1:8080", follow_redirects=False) as client:
        yield House(client, database, clock, secrets.pepper, data)
    database.close()

"""What the server's tests share: a still clock, databases of both kinds, the three people, the application in this process."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from runkey_server import accounts, app, keys, secret_keys
from runkey_server.accounts import Account
from runkey_server.asgi.actor import Actor
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.settings import Settings

BEGINNING = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class StillClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **length: float) -> None:
        self.now += timedelta(**length)


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

    # Under xdist the parent of a worker's own folder is shared by all workers of the run.
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "postgres"
    server = Postgres(folder)
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


PEPPER = b"p" * 32


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a key."""

    account: Account
    key: keys.ApiKey
    secret: str

    @property
    def actor(self) -> Actor:
        return Actor(self.account.id, self.account.name, None, self.account.is_admin, self.key.id, self.key.kind)


def make_person(database: Database, name: str, at: datetime, *, pepper: bytes = PEPPER, kind: str = "user") -> Person:
    with database.writing() as transaction:
        account = accounts.find_account(transaction, name) or accounts.create_account(transaction, name, at=at)
        key, secret = keys.mint(transaction, pepper, account.id, kind=kind, at=at)
    return Person(account, key, secret)


@pytest.fixture
def alice(database: Database, clock: StillClock) -> Person:
    """She owns."""
    return make_person(database, "alice", clock())


@pytest.fixture
def charlie(database: Database, clock: StillClock) -> Person:
    """He is a stranger."""
    return make_person(database, "charlie", clock())


@dataclass
class House:
    """The whole application in this process, over SQLite, and the means to look behind it."""

    client: TestClient
    database: Database
    clock: StillClock
    pepper: bytes
    data: Path

    def person(self, name: str, kind: str = "user") -> Person:
        return make_person(self.database, name, self.clock(), pepper=self.pepper, kind=kind)

    def graphql(self, secret: str | None, query: str, **variables: object) -> "object":
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


@pytest.fixture
def house(tmp_path: Path, clock: StillClock) -> Iterator[House]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    settings = Settings(data=data)
    database = Database(settings.sqlalchemy_url)
    migrate(database)
    secrets = secret_keys.load_or_make(data)
    with TestClient(app.build(settings, clock), base_url="http://127.0.0.1:8080", follow_redirects=False) as client:
        yield House(client, database, clock, secrets.pepper, data)
    database.close()

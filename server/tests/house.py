"""The house and the people that the server's tests work with: the whole application in this process, over a still clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.testclient import TestClient

from runkey_server import accounts, keys
from runkey_server.accounts import Account
from runkey_server.asgi.actor import Actor
from runkey_server.database import Database

BEGINNING = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class StillClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **length: float) -> None:
        self.now += timedelta(**length)


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

"""The house and the people that the server's tests work with: the whole application in this process, over a still clock."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from runkey_server import accounts, keys, passwords
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

    def visitor(self, address: str = "testclient") -> "Visitor":
        """Somebody at a browser of their own."""
        return Visitor(self, address)


PASSWORD = "four quiet otters at noon"


class Visitor:
    """One browser: its cookies, its address, and forms that are filled in."""

    def __init__(self, house: House, address: str) -> None:
        self.house = house
        self.client = TestClient(house.client.app, base_url="http://127.0.0.1:8080", follow_redirects=False, client=(address, 50000))

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def post(self, path: str, /, *, at: str | None = None, headers: dict[str, str] | None = None, **fields: str) -> Any:
        """Send a form: that of the page `at`, by default the path's own."""
        if "form_token" not in fields:
            fields["form_token"] = token_in(self.get(at or path).text)
        return self.client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"} | (headers or {}))

    def sign_up(self, name: str) -> "Visitor":
        """Make an account, by hand: the page is tried elsewhere, and hashing is slow."""
        if Visitor._hash is None:
            Visitor._hash = passwords.hash_password(PASSWORD)
        with self.house.database.writing() as transaction:
            accounts.create_account(transaction, name, at=self.house.clock(), password_hash=Visitor._hash)
        return self.signed_in(name)

    def signed_in(self, name: str) -> "Visitor":
        """Begin a session as somebody who just signed in."""
        with self.house.database.writing() as transaction:
            account = accounts.get_account(transaction, name)
            token = accounts.begin_session(transaction, account, self.house.clock())
        self.client.cookies.set("runkey-session", token)
        return self

    _hash: str | None = None


def token_in(page: str) -> str:
    """Find a page's form token."""
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, page
    return found.group(1)


def alert_in(page: str) -> str:
    """Find what a page complains of."""
    found = re.search(r'role="alert">(.*?)</p>', page, re.DOTALL)
    return unescape(found.group(1)) if found else ""

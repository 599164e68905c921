"""The house and the people that the server's tests work with: the whole application in this process, over a still clock."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from runkey_server import accounts, app, keys, passwords, secret_keys
from runkey_server.accounts import Account
from runkey_server.asgi.actor import Actor
from runkey_server.database import Database
from runkey_server.database.columns import metadata
from runkey_server.database.migrating import migrate
from runkey_server.settings import Settings
from runkey_server.web.pages import _Page as Page

HERE = "127.0.0.1"
"""The address of whoever asks, where a test does not say another."""

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
    base_url: str

    @property
    def cookie_prefix(self) -> str:
        """What the names of cookies begin with."""
        return "__Host-runkey-" if self.base_url.startswith("https") else "runkey-"

    @property
    def routes(self) -> dict[str, set[str]]:
        """Every address that the application knows, and its methods."""
        return {route.path: set(route.methods or ()) for route in self.client.app._app.routes}

    @property
    def pages(self) -> dict[str, set[str]]:
        """The routes among them that are pages, with a browser's session and forms."""
        return {route.path: set(route.methods or ()) for route in self.client.app._app.routes if isinstance(route.endpoint, Page)}

    def dump(self) -> dict[str, list[Any]]:
        """Every row of every table, to compare."""
        with self.database.reading() as transaction:
            return {table.name: sorted(map(repr, transaction.execute(table.select()))) for table in metadata.sorted_tables}

    def person(self, name: str, kind: str = "user") -> Person:
        return make_person(self.database, name, self.clock(), pepper=self.pepper, kind=kind)

    def graphql(self, secret: str | None, query: str, **variables: object) -> "object":
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    def visitor(self, address: str = HERE) -> "Visitor":
        """Somebody at a browser of their own."""
        return Visitor(self, address)


@contextlib.contextmanager
def open_house(data: Path, clock: StillClock, *, is_quiet: bool = False, **settings: Any) -> Iterator[House]:
    """The whole application over an empty folder, every answer of which is looked over.

    is_quiet: nothing happens there by itself, such as folding history or noting when a key was used.
    """
    data.mkdir(mode=0o700)
    given = Settings(**{"data": data, "reserve_bytes": 0, **settings})
    database = Database(given.sqlalchemy_url)
    migrate(database)
    secrets = secret_keys.load_or_make(data)
    client = TestClient(app.build(given, clock), base_url=given.base_url, follow_redirects=False, client=(HERE, 50000))
    client.event_hooks["response"].append(look_over)
    with contextlib.nullcontext() if is_quiet else client:
        yield House(client, database, clock, secrets.pepper, data, given.base_url)
    database.close()


COOKIE = re.compile(
    r"(?P<prefix>__Host-)?runkey-(session|form|device)=[\w.:-]*"
    r"; Path=/; Max-Age=\d+; HttpOnly; SameSite=(Lax|Strict)(?P<secure>; Secure)?"
)


def look_over(response: Any) -> None:
    """Hold an answer, whatever it is, to what every answer keeps: its headers, and the cookies that it sets."""
    headers, is_https = response.headers, response.request.url.scheme == "https"
    told = (response.request.method, response.request.url.path, response.status_code)
    assert headers["x-content-type-options"] == "nosniff", told
    assert headers["referrer-policy"] == "same-origin", told
    assert headers["cross-origin-opener-policy"] == "same-origin", told
    assert headers["cross-origin-resource-policy"] == "same-origin", told
    is_framed = "/shown/" in told[1] and told[2] == 200
    assert headers["x-frame-options"] == ("SAMEORIGIN" if is_framed else "DENY"), told
    assert ("strict-transport-security" in headers) == is_https, told
    assert headers.get_list("content-security-policy") == [headers["content-security-policy"]], told
    policy = dict(rule.strip().partition(" ")[::2] for rule in headers["content-security-policy"].split(";"))
    if is_framed:
        # A page that a run logged, which is of an origin of its own, may look as it likes, and asks nobody for anything.
        assert policy["sandbox"] in ("", "allow-scripts"), told
        assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == "'none'", told
        assert not re.search(r"\*|http|'self'|connect-src", headers["content-security-policy"]), told
    elif "sandbox" in policy:
        assert policy == {"sandbox": "", "default-src": "'none'"}, told
    else:
        assert {name: policy[name] for name in ("default-src", "object-src", "base-uri", "frame-ancestors")} == dict.fromkeys(
            ("default-src", "object-src", "base-uri", "frame-ancestors"), "'none'"
        ), told
        assert policy["script-src"] == policy["style-src"] == "'self'", told
        assert headers["reporting-endpoints"] == f'{policy["report-to"]}="{policy["report-uri"]}"', told
    assert is_framed or not re.search(r"unsafe|\*|https:", headers["content-security-policy"]), told
    assert "access-control-allow-credentials" not in headers, told
    assert headers.get("access-control-allow-origin") in ((None, "*") if told[1].startswith("/storage/") else (None,)), told
    if "text/html" in headers.get("content-type", ""):
        assert "no-store" in headers["cache-control"], told
    for cookie in headers.get_list("set-cookie"):
        found = COOKIE.fullmatch(cookie)
        assert found, (told, cookie)
        assert len(cookie) < 4096, told
        assert bool(found["prefix"]) == bool(found["secure"]) == is_https, (told, cookie)


PASSWORD = "four quiet otters at noon"


class Visitor:
    """One browser: its cookies, its address, and forms that are filled in."""

    def __init__(self, house: House, address: str) -> None:
        self.house = house
        # The application of the house, whose lifespan is the house's business.
        self.client = TestClient(house.client.app, base_url=house.base_url, follow_redirects=False, client=(address, 50000))
        self.client.event_hooks["response"].append(look_over)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def post(self, path: str, /, *, at: str | None = None, headers: dict[str, str] | None = None, **fields: str) -> Any:
        """Send a form: that of the page `at`, by default the path's own."""
        if "form_token" not in fields:
            fields["form_token"] = token_in(self.get(at or path).text)
        return self.client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"} | (headers or {}))

    def sign_up(self, name: str, *, is_admin: bool = False) -> "Visitor":
        """Make an account, by hand: the page is tried elsewhere, and hashing is slow."""
        if Visitor._hash is None:
            Visitor._hash = passwords.hash_password(PASSWORD)
        with self.house.database.writing() as transaction:
            accounts.create_account(transaction, name, at=self.house.clock(), is_admin=is_admin, password_hash=Visitor._hash)
        return self.signed_in(name)

    def signed_in(self, name: str) -> "Visitor":
        """Begin a session as somebody who just signed in."""
        with self.house.database.writing() as transaction:
            account = accounts.get_account(transaction, name)
            self.session = accounts.begin_session(transaction, account, self.house.clock())
        return self

    @property
    def session(self) -> str | None:
        """The secret in the cookie of its session."""
        return self.client.cookies.get(f"{self.house.cookie_prefix}session")

    @session.setter
    def session(self, token: str) -> None:
        # Of this very host, as one that the server sets, which then takes its place.
        host = self.house.base_url.partition("://")[2].partition(":")[0]
        self.client.cookies.set(f"{self.house.cookie_prefix}session", token, domain=host)

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

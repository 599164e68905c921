"""Who is tried at every door, what each may hear there, and how it is seen that nothing changed.

A stranger must hear what is heard of a thing that does not exist: each question is asked twice, of an owner's things and of things that are
not there, and the answers must be the same but for the names that were asked for.
"""

import base64
import contextlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from estates import FILE, Estate, Logged, settle
from house import House, Visitor, open_house, token_in
from house import StillClock as Clock

from runkey_server import accounts, keys
from runkey_server.history import Folder

Outcome = Literal["does", "forbidden", "nothing", "refused", "own", "gone"]
"""does: as asked. forbidden: it is the actor's own, and this credential may not. nothing: as of a thing that does not exist. refused: as
without any credential. own: something is done, and only with what is the actor's own. gone: it was deleted, which its owner is told."""


@dataclass(frozen=True)
class Thing:
    """What is asked for, by every name that it has."""

    entity: str
    project: str
    deleted_project: str
    run: str
    deleted_run: str
    ended_run: str
    run_id: str
    deleted_run_id: str
    project_id: str
    internal_id: str
    key_id: str
    machine_id: str
    session_handle: str
    file: str
    file_id: str
    claim_code: str
    type: str
    sequence: str
    portfolio: str
    alias: str
    artifact_id: str
    sequence_id: str
    portfolio_id: str
    client_id: str
    manifest_id: str
    pending_id: str
    pending_manifest_id: str
    md5: str
    parted_md5: str


@dataclass(frozen=True)
class Own:
    """What whoever asks has, to be named beside what is somebody else's; an id of nothing where there is none."""

    entity: str
    project: str = "mine"
    run: str = "mine"
    artifact_id: str = ""
    pending_id: str = ""
    sequence: str = "mine"
    portfolio_id: str = ""


def _id(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


GHOST = Thing(
    entity="casper",
    project="haunted",
    deleted_project="haunted-once",
    run="ghostly",
    deleted_run="ghostly-deleted",
    ended_run="ghostly-ended",
    run_id=_id("Run", 987654321),
    deleted_run_id=_id("Run", 987654322),
    project_id=_id("Project", 987654321),
    internal_id=_id("ProjectInternalId", 987654321),
    key_id="key_aaaaaaaaaaaa",
    machine_id="mac_aaaaaaaaaaaa",
    session_handle="A" * 16,
    file="media/nothing.txt",
    file_id=f"{_id('Run', 987654321)}:media/nothing.txt",
    claim_code="A" * 43,
    type="ghost-type",
    sequence="ghosts",
    portfolio="ghosts-shown",
    alias="ghosts-best",
    artifact_id=_id("Artifact", 987654321),
    sequence_id=_id("ArtifactCollection", 987654321),
    portfolio_id=_id("ArtifactCollection", 987654322),
    client_id="f" * 64,
    manifest_id=_id("ArtifactManifest", 987654321),
    pending_id=_id("Artifact", 987654322),
    pending_manifest_id=_id("ArtifactManifest", 987654322),
    md5="AAAAAAAAAAAAAAAAAAAAAA==",
    parted_md5="BBBBBBBBBBBBBBBBBBBBBA==",
)
"""What does not exist."""


@dataclass
class Actor:
    """Somebody at a door: with a key, with a browser, or with nothing."""

    name: str
    account: str
    secret: str | None = None
    visitor: Visitor | None = None

    @cached_property
    def headers(self) -> dict[str, str]:
        """How it is known to an address that takes keys and browsers."""
        if self.visitor is not None:
            # Asked for first: it brings a cookie.
            token = self.form_token
            cookies = "; ".join(f"{name}={value}" for name, value in self.visitor.client.cookies.items())
            return {"Cookie": cookies, "Sec-Fetch-Site": "same-origin", "X-Form-Token": token}
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}

    @cached_property
    def form_token(self) -> str:
        """What the forms of its pages carry."""
        return token_in(self.visitor.get("/").text) if self.visitor else ""


@dataclass
class World:
    """A house with an owner in it, everybody who may come to its doors, and a copy of it to go back to."""

    house: House
    owner: Estate
    stranger: Estate
    thing: Thing
    actors: dict[str, Actor]
    copy: Path
    rows: "Counter[str]"

    def own_of(self, actor: str) -> Own:
        """Give what an actor has."""
        account = self.actors[actor].account
        for estate in (self.owner, self.stranger):
            if estate.name == account:
                logged = estate.logged
                ids = {"artifact_id": logged.artifact_id, "pending_id": logged.pending_id, "portfolio_id": logged.portfolio_id}
                return Own(account, estate.project, estate.run, sequence=logged.sequence, **ids)
        return Own(account or "nobody")

    def changed(self) -> "tuple[Counter[str], Counter[str]]":
        """Give the rows that are gone, and those that are new, since everything was put back."""
        if self._version() == self.version:
            return Counter(), Counter()
        now = _rows(self.house)
        return self.rows - now, now - self.rows

    def of_others(self, actor: str, rows: "Counter[str]") -> "Counter[str]":
        """Give the rows that are not of the actor's own account."""
        own = re.compile(rf"accounts \(\d+, '{re.escape(self.actors[actor].account)}',")
        return Counter({row: count for row, count in rows.items() if not own.match(row)})

    def restore(self) -> None:
        """Put everything back as it was."""
        if self._version() == self.version:
            return
        with contextlib.closing(sqlite3.connect(self.copy)) as source, contextlib.closing(sqlite3.connect(self._live)) as live:
            source.backup(live)
        self.version = self._version()

    @cached_property
    def _watch(self) -> sqlite3.Connection:
        return sqlite3.connect(self._live)

    @property
    def _live(self) -> Path:
        return self.house.data / "runkey.db"

    def _version(self) -> int:
        # It moves with every commit of another connection (SQLite, PRAGMA data_version).
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def __post_init__(self) -> None:
        self.version = self._version()


def _rows(house: House) -> "Counter[str]":
    return Counter(f"{table} {row}" for table, rows in house.dump().items() for row in rows)


ACTORS = (
    "owner",
    "owner's browser",
    "owner's service key",
    "owner's machine key",
    "owner's replaced key",
    "owner's revoked key",
    "nobody",
    "stranger",
    "stranger's browser",
    "stranger's machine key",
    "administrator",
    "administrator's browser",
    "guest",
    "guest's browser",
)
STRANGERS = frozenset(
    {"stranger", "stranger's browser", "stranger's machine key", "administrator", "administrator's browser", "guest", "guest's browser"}
)


@contextlib.contextmanager
def open_world(data: Path) -> Iterator[World]:
    """Make it all through the doors of a house in which nothing happens by itself."""
    with open_house(data, Clock(), is_quiet=True) as house:
        owner = settle(house, "mira", "vault", "treasure", "jewels")
        stranger = settle(house, "zoe", "shed", "tools", "nails")
        guest = _begin_without_an_account(house)
        owner.graphql('mutation { upsertBucket(input: {name: "old", modelName: "attic"}) { inserted } }')
        owner.graphql('mutation { upsertBucket(input: {name: "treasure-ended", modelName: "vault", state: "finished"}) { inserted } }')
        deleting = {"Authorization": f"Bearer {owner.secret}"}
        assert house.client.post("/mira/attic/acts", json={"act": "delete"}, headers=deleting).status_code == 200
        revoked, replaced = house.person("mira"), house.person("mira")
        opened = house.graphql(replaced.secret, 'mutation { upsertBucket(input: {name: "treasure", modelName: "vault"}) { inserted } }')
        assert opened.json()["data"]["upsertBucket"] == {"inserted": False}  # type: ignore[attr-defined]
        with house.database.writing() as transaction:
            keys.revoke(transaction, revoked.key, house.clock())
            keys.rotate(transaction, house.pepper, replaced.key, at=house.clock())
            root = accounts.create_account(transaction, "root", at=house.clock(), is_admin=True)
            _, administrator = keys.mint(transaction, house.pepper, root.id, kind="user", at=house.clock())
        project = owner.graphql('{ project(name: "vault") { internalId } }')["project"]
        # Another browser of hers, which can be signed out.
        house.visitor().signed_in("mira")
        handle = re.search(r'name="id" value="([^"]+)"', owner.visitor.get("/settings/sessions").text)
        assert handle
        thing = Thing(
            entity="mira",
            project="vault",
            deleted_project="attic",
            run="treasure",
            deleted_run=owner.deleted_run,
            ended_run="treasure-ended",
            run_id=owner.run_id,
            deleted_run_id=owner.deleted_run_id,
            project_id=owner.project_id,
            internal_id=project["internalId"],
            key_id=owner.person.key.id,
            machine_id=owner.machine_id,
            session_handle=handle[1],
            file=FILE,
            file_id=f"{owner.run_id}:{FILE}",
            claim_code=guest.claim_code,
            **{field.name: getattr(owner.logged, field.name) for field in fields(Logged) if field.name != "words"},
        )
        actors = [
            Actor("owner", "mira", owner.secret),
            Actor("owner's browser", "mira", visitor=owner.visitor),
            Actor("owner's service key", "mira", house.person("mira", "service").secret),
            Actor("owner's machine key", "mira", owner.machine_key),
            Actor("owner's replaced key", "mira", replaced.secret),
            Actor("owner's revoked key", "mira", revoked.secret),
            Actor("nobody", ""),
            Actor("stranger", "zoe", stranger.secret),
            Actor("stranger's browser", "zoe", visitor=stranger.visitor),
            Actor("stranger's machine key", "zoe", stranger.machine_key),
            Actor("administrator", "root", administrator),
            Actor("administrator's browser", "root", visitor=house.visitor().signed_in("root")),
            Actor("guest", guest.account, guest.secret),
            Actor("guest's browser", guest.account, visitor=guest.visitor),
        ]
        assert tuple(actor.name for actor in actors) == ACTORS
        for actor in actors:
            # Read once: it is the same from now on.
            assert actor.headers or actor.name == "nobody"
        # An export would do it otherwise: nothing that is read changes by it, and rows do.
        Folder(house.database, lambda: house.clock() + timedelta(hours=1)).fold_due()
        copy = data.with_name("copy.db")
        house.database.copy_to(copy)
        world = World(house, owner, stranger, thing, {actor.name: actor for actor in actors}, copy, _rows(house))
        yield world
        world._watch.close()


@dataclass
class _Guest:
    account: str
    secret: str
    visitor: Visitor
    claim_code: str


def _begin_without_an_account(house: House) -> _Guest:
    made = house.client.post(
        "/graphql",
        json={"query": "mutation { createAnonymousEntity(input: {}) { apiKey { name } entity { name } dashboardUrl claimUrl } }"},
    ).json()["data"]["createAnonymousEntity"]
    secret = made["apiKey"]["name"]
    house.graphql(secret, 'mutation { upsertBucket(input: {name: "g1", modelName: "guesthouse"}) { inserted } }')
    visitor = house.visitor()
    assert visitor.post("/try", code=made["dashboardUrl"].partition("#")[2]).status_code == 303
    return _Guest(made["entity"]["name"], secret, visitor, made["claimUrl"].partition("#")[2])


def anonymised(text: str, *things: Thing) -> str:
    """Write `<name>` for each name of a thing, so that answers about two things can be compared."""
    names = [(name, value) for thing in things for name, value in asdict(thing).items()]
    for name, value in sorted(names, key=lambda each: -len(each[1])):
        for form in {value, json.dumps(value)[1:-1]}:
            text = text.replace(form, f"<{name}>")
    return text

"""Every address of the application that names something, asked by everybody.

`ROWS` says what each may do. An address that is neither in it nor in `NAMES_NOTHING` fails: whoever adds one says here who may.
"""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from asking import Answer, ask, routes
from junk_requests import Request
from matrix import ACTORS, GHOST, STRANGERS, Outcome, Thing, World, anonymised, open_world

from runkey_server.asgi.failures import UNAUTHENTICATED_BODY

BROWSERS = tuple(actor for actor in ACTORS if actor.endswith("browser"))
KEYS = tuple(actor for actor in ACTORS if actor not in BROWSERS and actor != "nobody")


@dataclass(frozen=True)
class Row:
    """One way to ask an address. defaults, but: what each may, the second before the first; body: JSON, or a form where is_form is set."""

    method: str
    address: str
    defaults: dict[str, Outcome]
    but: dict[str, Outcome] = field(default_factory=dict)
    body: Callable[[Thing], Any] | None = None
    is_form: bool = False
    query: str = ""
    of: Callable[[Thing], dict[str, str]] = lambda t: {"entity": t.entity, "project": t.project, "run": t.run, "name": t.file}

    def outcome(self, actor: str) -> Outcome:
        """Say what an actor may do by this row."""
        return {**self.defaults, **self.but}[actor]


def everybody(**said: Outcome) -> dict[str, Outcome]:
    """Say what the owner's own may, what a key that was ended, and all others."""
    found: dict[str, Outcome] = {}
    for actor in ACTORS:
        if actor in STRANGERS:
            found[actor] = "nothing"
        elif actor in ("nobody", "owner's revoked key"):
            found[actor] = "refused"
        elif actor == "owner's replaced key":
            found[actor] = said.get("replaced", "nothing")
        else:
            found[actor] = "does"
    return found


READING = everybody()
"""By a key or a browser."""
PAGE: dict[str, Outcome] = {actor: "does" if actor == "owner's browser" else "nothing" for actor in ACTORS}
"""By a browser alone: a key opens no page."""
STREAM: dict[str, Outcome] = {**everybody(replaced="does"), **dict.fromkeys(BROWSERS, "refused")}
"""By a key alone."""
NO_DELETING: dict[str, Outcome] = {"owner's machine key": "forbidden"}
ADMINISTERING: dict[str, Outcome] = {**dict.fromkeys(ACTORS, "nothing"), "administrator's browser": "does"}

PROJECT, RUN = "/{entity}/{project}", "/{entity}/{project}/runs/{run}"


COLLECTION, VERSION = PROJECT + "/collections/{collection}", PROJECT + "/collections/{collection}/{version}"


def _artifact(t: Thing) -> dict[str, str]:
    names = {"collection": t.sequence, "version": "v0", "client_id": t.client_id, "name": "words.txt"}
    return {"entity": t.entity, "project": t.project, "run": t.run, **names}


def _by_alias(t: Thing) -> dict[str, str]:
    return {**_artifact(t), "version": t.alias}


def _link(t: Thing) -> dict[str, str]:
    return {**_artifact(t), "collection": t.portfolio}


def _by_digest(form: str) -> Callable[[Thing], dict[str, str]]:
    """Name a file by its MD5 as the official client does: where its version says so in the path, and in older clients nowhere."""

    def of(t: Thing) -> dict[str, str]:
        digest = base64.b64decode(t.md5).hex()
        return {"entity": t.entity, "region": "default", "digest": form.format(digest, t.artifact_id, t.project, t.sequence)}

    return of


def _deleted(t: Thing) -> dict[str, str]:
    return {"entity": t.entity, "project": t.deleted_project}


ROWS = [
    *[Row("GET", PROJECT + each, READING) for each in ("/export", "/keys", "/runs", "/live", "/usage", "/deleted", "/retention")],
    *[
        Row("GET", RUN + each, READING)
        for each in ("/export", "/output.log", "/console", "/about", "/files", "/files/{name:path}", "/shown/{name:path}", "/media")
    ],
    Row("POST", PROJECT + "/charts", READING, body=lambda t: {"runs": [t.run], "keys": ["loss"]}),
    Row("POST", PROJECT + "/retention", READING, body=lambda t: {"keepNewest": 1, "preview": True}),
    Row("POST", PROJECT + "/retention", READING, NO_DELETING, body=lambda t: {"keepNewest": 1}),
    Row("POST", PROJECT + "/layout", READING, body=lambda t: {"a": 1}),
    Row("POST", PROJECT + "/acts", READING, NO_DELETING, body=lambda t: {"act": "delete"}),
    Row("POST", PROJECT + "/acts", READING, NO_DELETING, body=lambda t: {"act": "restore"}, of=_deleted),
    Row("POST", PROJECT + "/runs/acts", READING, body=lambda t: {"runs": [t.run], "act": "tag", "tags": ["x"]}),
    Row("POST", PROJECT + "/runs/acts", READING, body=lambda t: {"runs": [t.run], "act": "untag", "tags": ["kept"]}),
    Row("POST", PROJECT + "/runs/acts", READING, NO_DELETING, body=lambda t: {"runs": [t.run], "act": "delete"}),
    Row("POST", PROJECT + "/runs/acts", READING, NO_DELETING, body=lambda t: {"runs": [t.deleted_run], "act": "restore"}),
    *[
        Row("POST", PROJECT + "/runs/acts", READING, NO_DELETING, body=lambda t, to=to: {"runs": [t.ended_run], "act": "move", "to": to})
        for to in ("taken", "tools")
    ],
    *[Row("GET", PROJECT + "/collections", READING, query=query) for query in ("", "?type=jewels-type")],
    Row("GET", COLLECTION, READING, of=_artifact),
    *[
        Row("GET", VERSION + each, READING, of=of)
        for each in ("/about", "/files", "/lineage", "/freed")
        for of in (_artifact, _by_alias, _link)
    ],
    Row("GET", VERSION + "/file", READING, query="?name=words.txt", of=_artifact),
    Row("GET", RUN + "/artifacts", READING),
    Row("GET", RUN + "/held/{client_id}/{name:path}", READING, of=_artifact),
    Row("GET", "/artifacts/{entity}/{digest}", READING, of=_by_digest("{0}")),
    *[
        Row("GET", "/artifactsV2/{region}/{entity}/{digest:path}", READING, of=_by_digest(form))
        for form in ("{1}/{0}", "{2}/{3}/{1}/{0}/words.txt", "{2}/{3}/{1}/{1}/{0}/words.txt")
    ],
    Row("POST", VERSION + "/acts", READING, body=lambda t: {"act": "alias", "alias": "prod"}, of=_artifact),
    Row("POST", VERSION + "/acts", READING, body=lambda t: {"act": "unalias", "alias": t.alias}, of=_artifact),
    Row("POST", VERSION + "/acts", READING, body=lambda t: {"act": "alias", "alias": "prod"}, of=_link),
    Row("POST", VERSION + "/acts", READING, NO_DELETING, body=lambda t: {"act": "delete"}, of=_artifact),
    Row("GET", PROJECT + "/artifacts", PAGE),
    Row("GET", PROJECT + "/artifacts/{collection}/{version}", PAGE, of=_artifact),
    Row("GET", "/{entity}", PAGE),
    Row("GET", PROJECT, PAGE),
    Row("GET", PROJECT, PAGE, query="?plain"),
    Row("GET", RUN, PAGE),
    Row("GET", RUN, PAGE, query="?plain"),
    Row("POST", PROJECT + "/restore", PAGE, body=lambda t: {}, is_form=True, of=_deleted),
    Row("POST", "/settings/keys", PAGE, body=lambda t: {"act": "revoke", "id": t.key_id}, is_form=True),
    Row("POST", "/settings/machines", PAGE, body=lambda t: {"act": "revoke", "id": t.machine_id}, is_form=True),
    Row("POST", "/settings/machines", PAGE, body=lambda t: {"act": "rename", "id": t.machine_id, "name": "taken"}, is_form=True),
    Row("POST", "/settings/sessions", PAGE, body=lambda t: {"act": "end", "id": t.session_handle}, is_form=True),
    Row("POST", "/settings/people", ADMINISTERING, body=lambda t: {"name": t.entity}, is_form=True),
    Row("POST", "/files/{entity}/{project}/{run}/file_stream", STREAM, body=lambda t: {"complete": True}),
    Row(
        "POST",
        "/files/{entity}/{project}/{run}/file_stream",
        STREAM,
        dict.fromkeys(("owner", "owner's service key", "owner's machine key"), "gone") | {"owner's replaced key": "refused"},
        body=lambda t: {"complete": True},
        of=lambda t: {"entity": t.entity, "project": t.project, "run": t.deleted_run},
    ),
]

NAMES_NOTHING = {
    "/": "the visitor's own projects",
    "/graphql": "fields have a matrix of their own",
    "/storage/{token}": "the address is itself the right to one file for an hour",
    "/static/{name:path}": "what the pages are made of",
    "/sdk/otel/v1/{signal}": "taken and thrown away, of whatever kind it is",
    "/.well-known/oauth-authorization-server": "says what the server is",
    "/.well-known/runkey": "says what the server is",
    "/.well-known/runkey/reports": "taken for the log",
    "/healthz": "says how the server is",
    "/readyz": "says how the server is",
    "/ready": "says how the server is",
    "/oauth/device_authorization": "makes a code for whoever asks",
    "/oauth/token": "the code is itself the right",
    "/oauth/revoke": "the key is itself the right",
    "/oauth/authorize": "asks the visitor for a key of the visitor's own",
    "/authorize": "makes a key of the visitor's own",
    "/device": "the code is itself the right",
    "/device/done": "says that it is done",
    "/signin": "a name and its password",
    "/signout": "ends the visitor's own session",
    "/signup": "makes an account",
    "/setup": "the code is itself the right",
    "/welcome": "the code is itself the right",
    "/try": "the code is itself the right",
    "/claim": "the code is itself the right",
    "/claim/begin": "the visitor's own",
    "/notices": "the visitor's own",
    "/settings": "leads on",
    "/settings/account": "the visitor's own",
}
"""Addresses by which nothing of somebody else's can be named, and why."""


def test_every_address_has_a_row() -> None:
    known = {row.address for row in ROWS}
    found = dict(routes())
    missing = sorted(set(found) - known - set(NAMES_NOTHING))
    assert not missing, f"Say in ROWS of {__name__} who may ask {missing}, or in NAMES_NOTHING why nothing can be named by it."
    assert sorted((known | set(NAMES_NOTHING)) - set(found)) == [], "rows of addresses that there are no more"
    assert sorted(known & set(NAMES_NOTHING)) == []
    asked = {(row.method, row.address) for row in ROWS}
    # Pages whose own address lists what is the visitor's, and takes names by its form alone.
    listing = {("GET", address) for address in ("/settings/keys", "/settings/machines", "/settings/sessions", "/settings/people")}
    unasked = {(method, address) for address in known for method in found[address]} - asked - listing
    assert not unasked, f"Say in ROWS of {__name__} who may, with this method as well: {sorted(unasked)}."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("matrix") / "data") as opened:
        yield opened


def send(world: World, name: str, row: Row, thing: Thing) -> Answer:
    """Ask an address as somebody."""
    actor = world.actors[name]
    address = row.address.replace(":path", "").format(**{key: urllib.parse.quote(each) for key, each in row.of(thing).items()})
    headers = dict(actor.headers)
    pieces: tuple[bytes, ...] = ()
    if row.body is not None and row.is_form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        pieces = (urllib.parse.urlencode({**row.body(thing), "form_token": actor.form_token}).encode(),)
    elif row.body is not None:
        headers["Content-Type"] = "application/json"
        pieces = (json.dumps(row.body(thing)).encode(),)
    fields = tuple((key.lower().encode(), value.encode()) for key, value in headers.items())
    return ask(world.house, Request(row.method, (address + row.query).encode(), fields, pieces))


def heard(answer: Answer, *things: Thing) -> tuple[int, str, list[tuple[bytes, str]]]:
    """What somebody can tell from an answer, without the names that were asked for and what is new in every one."""
    body = re.sub(r'name="form_token" value="[^"]+"', "", answer.body.decode())
    kept = [(name, re.sub(r"runkey-form=[\w-]+", "", anonymised(value.decode(), *things))) for name, value in answer.headers]
    return answer.status, anonymised(body, *things), sorted(each for each in kept if each[0] not in (b"x-request-id", b"content-length"))


@pytest.mark.holds("ASVS 8.2.2")
@pytest.mark.parametrize("row", ROWS, ids=[f"{row.method} {row.address}{row.query}-{number}" for number, row in enumerate(ROWS)])
def test_who_may(row: Row, world: World) -> None:
    changes = row.method == "POST" and not row.address.endswith("/charts") and not (row.body and "preview" in row.body(GHOST))
    for actor in ACTORS:
        world.restore()
        answer = send(world, actor, row, world.thing)
        gone, new = world.changed()
        told = (row.method, row.address, actor, row.outcome(actor), answer.status, answer.body[:500])
        match row.outcome(actor):
            case "does":
                assert answer.status in (200, 303), told
                assert not any(value.startswith(b"/signin") for name, value in answer.headers if name == b"location"), told
                assert bool(gone or new) == changes, told
            case "refused":
                assert (answer.status, answer.body) == (401, UNAUTHENTICATED_BODY), told
            case "forbidden":
                assert answer.status == 403, told
            case "gone":
                assert answer.status == 410, told
            case "nothing":
                # On a page of her own the owner's name stands whatever was asked.
                either = () if actor in STRANGERS else (world.thing, GHOST)
                other = send(world, actor, row, GHOST)
                assert heard(answer, *(either or (world.thing,))) == heard(other, *(either or (GHOST,))), told
                assert answer.status in (303, 401, 403, 404), told
        if row.outcome(actor) != "does":
            assert (gone, new) == ({}, {}), told

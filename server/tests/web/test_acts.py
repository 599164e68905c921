"""Acts on runs and projects over HTTP: who may do what, from which page, and what it answers."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from house import House, Person, Visitor

from runkey_server import accounts, claiming
from runkey_server.asgi.actor import Actor
from runkey_server.runs import Changes, upsert

ACTS = "/alice/p/runs/acts"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def alice(house: House) -> Person:
    person = house.person("alice")
    for name in ("a", "b", "c"):
        log(house, person, name)
    return person


def log(house: House, person: Person, name: str, project: str = "p") -> int:
    query = "mutation U($n: String, $p: String) { upsertBucket(input: {name: $n, modelName: $p}) { inserted } }"
    assert "errors" not in house.graphql(person.secret, query, n=name, p=project).json()
    return stream(house, person, name, project)


def stream(house: House, person: Person, name: str, project: str = "p") -> int:
    body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"_step": 0, "loss": 1}']}}}
    return int(house.client.post(f"/files/alice/{project}/{name}/file_stream", json=body, headers=bearer(person)).status_code)


def bearer(person: Person | None) -> dict[str, str]:
    return {} if person is None else {"Authorization": f"Bearer {person.secret}"}


def by_key(house: House, person: Person | None, path: str = ACTS, **asked: Any) -> Any:
    return house.client.post(path, json=asked, headers=bearer(person))


def names(house: House, person: Person) -> list[str]:
    return sorted(run["name"] for run in house.client.get("/alice/p/runs", headers=bearer(person)).json()["runs"])


def signed_in(house: House, name: str) -> tuple[Visitor, str]:
    """A browser, and the token that a page of its own holds."""
    visitor = house.visitor().signed_in(name)
    page = visitor.get("/alice/p").text
    return visitor, page.split('data-form-token="')[1].split('"')[0] if "data-form-token" in page else ""


def by_browser(visitor: Visitor, token: str, path: str = ACTS, headers: dict[str, str] = SAME, **asked: Any) -> Any:
    return visitor.client.post(path, json=asked, headers=headers | {"X-Form-Token": token, "Accept": "application/json"})


def test_a_page_of_the_owner_tags_deletes_and_restores(house: House, alice: Person) -> None:
    visitor, token = signed_in(house, "alice")
    answer = by_browser(visitor, token, act="tag", runs=["a", "b", "absent"], tags=["best"]).json()
    assert sorted(answer["changed"]) == ["a", "b"]
    assert {run["name"]: run["tags"] for run in answer["runs"]} == {"a": ["best"], "b": ["best"]}
    assert by_browser(visitor, token, act="untag", runs=["a", "c"], tags=["best"]).json()["changed"] == ["a"]
    answer = by_browser(visitor, token, act="delete", runs=["a", "b"])
    assert (answer.status_code, sorted(answer.json()["changed"]), answer.json()["runs"]) == (200, ["a", "b"], [])
    assert names(house, alice) == ["c"]
    assert stream(house, alice, "a") == 410
    house.clock.advance(hours=1)
    deleted = visitor.get("/alice/p/deleted").json()["runs"]
    assert [run["name"] for run in deleted] == ["b", "a"]
    assert deleted[0]["until"] - deleted[0]["deletedAt"] == timedelta(days=1).total_seconds()
    answer = by_browser(visitor, token, act="restore", runs=["a"]).json()
    assert (answer["changed"], answer["runs"][0]["name"]) == (["a"], "a")
    assert stream(house, alice, "a") == 200
    house.clock.advance(days=1)
    visitor.signed_in("alice")
    assert by_browser(visitor, token, act="restore", runs=["b"]).json()["changed"] == []
    assert visitor.get("/alice/p/deleted").json()["runs"] == []


def test_a_run_is_asked_to_stop_and_hears_of_it(house: House, alice: Person) -> None:
    def said(**body: object) -> object:
        return house.client.post("/files/alice/p/a/file_stream", json=body, headers=bearer(alice)).json()

    def is_stopping() -> bool:
        return house.client.get("/alice/p/runs/a/about", headers=bearer(alice)).json()["isStopping"]

    assert by_key(house, alice, act="stop", runs=["a", "absent"]).json()["changed"] == ["a"]
    assert by_key(house, alice, act="stop", runs=["a"]).json()["changed"] == []
    assert is_stopping()
    assert said() == {"stopped": True}
    assert said(complete=True, exitcode=255) == {"stopped": True}
    assert not is_stopping()
    assert said() == {}, "who takes it up again may run"
    stop = "mutation S($id: ID!) { stopRun(input: {id: $id}) { success } }"
    found = house.graphql(alice.secret, '{ project(name: "p") { run(name: "a") { id stopped } } }').json()["data"]["project"]["run"]
    assert not found["stopped"]
    assert house.graphql(alice.secret, stop, id=found["id"]).json()["data"]["stopRun"]["success"]
    assert said() == {"stopped": True}
    # Whom it was meant for died; another begins it again after a while.
    house.clock.advance(minutes=6)
    log(house, alice, "a")
    assert said() == {}
    charlie = house.person("charlie")
    assert house.graphql(charlie.secret, stop, id=found["id"]).json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


# What is wrong with a request that is otherwise good: its headers, made of the good token.
TAMPERED: dict[str, Callable[[House, str], dict[str, str]]] = {
    "no token": lambda house, token: SAME,
    "an empty token": lambda house, token: SAME | {"X-Form-Token": ""},
    "a token that is none": lambda house, token: SAME | {"X-Form-Token": "0" * len(token)},
    "a token of another browser": lambda house, token: SAME | {"X-Form-Token": signed_in(house, "alice")[1]},
    "another site, as the browser says": lambda house, token: {"Sec-Fetch-Site": "cross-site", "X-Form-Token": token},
    "another host of the domain": lambda house, token: {"Sec-Fetch-Site": "same-site", "X-Form-Token": token},
    "no page at all": lambda house, token: {"Sec-Fetch-Site": "none", "X-Form-Token": token},
    "another origin": lambda house, token: {"Origin": "https://evil.example", "X-Form-Token": token},
    "another site, and an origin that is ours": lambda house, token: {
        "Sec-Fetch-Site": "cross-site",
        "Origin": house.base_url,
        "X-Form-Token": token,
    },
    "neither header": lambda house, token: {"X-Form-Token": token},
}
EVERY = {
    ACTS: {"act": "delete", "runs": ["a"]},
    "/alice/p/retention": {"keepNewest": 1},
    "/alice/p/acts": {"act": "delete"},
}


@pytest.mark.parametrize("path", EVERY)
def test_no_other_page_can_make_a_browser_act(house: House, alice: Person, path: str) -> None:
    visitor, token = signed_in(house, "alice")
    forged = {what: headers(house, token) for what, headers in TAMPERED.items()}
    before, kept = house.dump(), list(visitor.client.cookies.jar)
    for what, headers in forged.items():
        answer = visitor.client.post(path, json=EVERY[path], headers=headers)
        assert answer.status_code == 403, what
        assert "not sent from its own page" in answer.json()["error"], what
        assert house.dump() == before, what
        for cookie in kept:
            visitor.client.cookies.jar.set_cookie(cookie)
    without = visitor.client.post(
        path, json=EVERY[path], headers=SAME | {"X-Form-Token": token, "Cookie": f"runkey-session={visitor.session}"}
    )
    assert without.status_code == 403
    assert house.dump() == before
    # The very same, as it should be, does something; a browser that tells its origin alone is taken at its word.
    assert by_browser(visitor, token, path, {"Origin": house.base_url}, **EVERY[path]).status_code == 200
    assert house.dump() != before


@pytest.mark.parametrize("path", EVERY)
def test_what_a_form_can_send_is_no_act(house: House, alice: Person, path: str) -> None:
    visitor, token = signed_in(house, "alice")
    before = house.dump()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = SAME | {"X-Form-Token": token, "Content-Type": kind}
        assert visitor.client.post(path, content=json.dumps(EVERY[path]), headers=headers).status_code == 400
    assert house.dump() == before


def test_who_may_do_what(house: House, alice: Person) -> None:
    """From one table: status of reading, of tagging, of deleting and the like."""
    everybody: dict[str, tuple[Person | None, int, int, int]] = {
        "nobody": (None, 401, 401, 401),
        "bob": (house.person("bob"), 404, 404, 404),
        "alice's machine": (house.person("alice", "machine"), 200, 200, 403),
        "alice's service": (house.person("alice", "service"), 200, 200, 200),
        "alice": (alice, 200, 200, 200),
    }
    for number, (who, (person, reads, tags, deletes)) in enumerate(everybody.items()):
        for path in ("/alice/p/deleted", "/alice/p/retention", "/alice/p/usage"):
            assert house.client.get(path, headers=bearer(person)).status_code == reads, (who, path)
        before = house.dump()
        assert by_key(house, person, act="tag", runs=["a"], tags=[f"t{number}"]).status_code == tags, who
        assert by_key(house, person, act="untag", runs=["a"], tags=[f"t{number}"]).status_code == tags, who
        assert house.dump() == before
        for path, asked in EVERY.items():
            assert by_key(house, person, path, **asked).status_code == deletes, (who, path)
            assert (house.dump() == before) == (deletes != 200), (who, path)
            before = house.dump()
        # Where nothing was deleted, there is nothing to be refused.
        assert by_key(house, person, "/alice/p/acts", act="restore").status_code == (404 if deletes == 403 else deletes), who
        assert by_key(house, person, act="restore", runs=["a"]).status_code == deletes, who
        assert by_key(house, person, "/alice/p/retention", keepNewest=None).status_code == deletes, who
    by_key(house, alice, "/alice/p/acts", act="delete")
    for who, (person, _, _, deletes) in everybody.items():
        assert by_key(house, person, "/alice/p/acts", act="restore").status_code == (404 if who == "alice" else deletes), who
    bob, token = signed_in(house, "bob")
    own = bob.get("/").text.split('name="form_token" value="')[1].split('"')[0]
    assert token == "", "there is no page of it for him"
    for path, asked in EVERY.items():
        assert by_browser(bob, own, path, **asked).status_code == 404
    nobody = house.visitor()
    for path, asked in EVERY.items():
        assert by_browser(nobody, own, path, **asked).status_code == 401


def test_the_official_clients_deletion_agrees(house: House, alice: Person) -> None:
    query = '{ project(name: "p", entityName: "alice") { run(name: "a") { id } } }'
    run_id = house.graphql(alice.secret, query).json()["data"]["project"]["run"]["id"]
    delete = "mutation D($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"
    refused = house.graphql(house.person("alice", "machine").secret, delete, id=run_id).json()
    assert "not delete them" in refused["errors"][0]["message"]
    assert names(house, alice) == ["a", "b", "c"]
    assert "errors" not in house.graphql(alice.secret, delete, id=run_id).json()
    assert [run["name"] for run in house.client.get("/alice/p/deleted", headers=bearer(alice)).json()["runs"]] == ["a"]
    assert by_key(house, alice, act="restore", runs=["a"]).json()["changed"] == ["a"]


def test_a_dashboards_link_may_look_and_do_nothing(house: House) -> None:
    with house.database.writing() as transaction:
        started = claiming.start(transaction, house.pepper, claiming.Caps(), "here", house.clock())
        account = started.account
        upsert(transaction, Actor(account.id, account.name, None, False), None, "p", "r", Changes(), house.clock())
    guest, owner = house.visitor(), house.visitor()
    guest.post("/try", code=started.dashboard_code)
    owner.post("/try", code=started.secret)
    here = f"/{account.name}/p"
    token = guest.get("/").text.split('name="form_token" value="')[1].split('"')[0]
    assert "data-form-token" not in guest.get(here).text
    before = house.dump()
    for path, asked in EVERY.items():
        answer = by_browser(guest, token, path.replace("/alice/p", here), **asked)
        assert (answer.status_code, "for looking" in answer.json()["error"]) == (403, True)
    assert house.dump() == before
    token = owner.get(here).text.split('data-form-token="')[1].split('"')[0]
    stored = lambda: next(row for row in house.dump()["accounts"] if account.name in row)  # noqa: E731
    before_tags = stored()
    assert by_browser(owner, token, f"{here}/runs/acts", act="tag", runs=["r"], tags=["x" * 60]).status_code == 200
    with house.database.reading() as transaction:
        assert accounts.find_account_by_id(transaction, account.id).stored_bytes == account.stored_bytes + 60, "tags count as all else"
    assert stored() != before_tags
    assert by_browser(owner, token, f"{here}/runs/acts", act="delete", runs=["r"]).json()["changed"] == ["r"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (ACTS, b"", "This cannot be done"),
        (ACTS, b"[" * 10_000, "This cannot be done"),
        (ACTS, b'{"runs": ["a"], "act": "purge"}', "Invalid enum value"),
        (ACTS, b'{"runs": ["a"], "act": "delete", "all": true}', "unknown field"),
        (ACTS, json.dumps({"runs": ["a"] * 1001, "act": "delete"}).encode(), "length <= 1000"),
        (ACTS, b'{"runs": ["a"], "act": "tag"}', "Which tags?"),
        (ACTS, b'{"runs": ["a"], "act": "tag", "tags": [" "]}', "A tag has 1 to 64"),
        (ACTS, b'{"runs": ["a"], "act": "tag", "tags": ["\\u0000"]}', "NUL"),
        (ACTS, b'{"runs": ["a"], "act": "tag", "tags": ["\\ud800"]}', "This cannot be done"),
        ("/alice/p/retention", b"{}", "missing required field"),
        ("/alice/p/retention", b'{"keepNewest": 0}', "A rule keeps 1"),
        ("/alice/p/retention", b'{"keepNewest": 0, "preview": true}', "A rule keeps 1"),
        ("/alice/p/retention", b'{"keepNewest": true}', "Expected `int | null`"),
        ("/alice/p/acts", b'{"act": "tag"}', "Invalid enum value"),
    ],
)
def test_a_bad_act_is_refused_in_words(house: House, alice: Person, path: str, body: bytes, words: str) -> None:
    before = house.dump()
    answer = house.client.post(path, content=body, headers=bearer(alice) | {"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert house.dump() == before


def test_a_rule_is_looked_at_set_and_taken_back(house: House, alice: Person) -> None:
    house.clock.advance(days=8)
    at = "/alice/p/retention"
    nothing = {"keepNewest": None, "keepTags": [], "due": 0}
    assert house.client.get(at, headers=bearer(alice)).json() == nothing
    by_key(house, alice, act="tag", runs=["a"], tags=["best"])
    rule = {"keepNewest": 1, "keepTags": ["best"]}
    before = house.dump()
    assert by_key(house, alice, at, **rule, preview=True).json() == rule | {"due": 1}
    assert house.dump() == before
    assert by_key(house, alice, at, **rule).json() == rule | {"due": 1}
    assert house.client.get(at, headers=bearer(alice)).json() == rule | {"due": 1}
    assert by_key(house, alice, at, keepNewest=None).json() == nothing
    assert house.client.get(at, headers=bearer(alice)).json() == nothing


def test_a_project_is_deleted_and_restored_from_the_page_of_projects(house: House, alice: Person) -> None:
    visitor, token = signed_in(house, "alice")
    assert by_browser(visitor, token, "/alice/p/acts", act="delete").json() == {"changed": True}
    assert by_browser(visitor, token, "/alice/p/acts", act="delete").status_code == 404
    for path in ("/alice/p", "/alice/p/runs", "/alice/p/runs/a", "/alice/p/deleted"):
        assert visitor.get(path).status_code == 404, path
    assert stream(house, alice, "a") == 410
    home = visitor.get("/").text
    assert "Deleted in the last day" in home
    assert 'href="/alice/p"' not in home
    stranger = house.visitor().sign_up("bob")
    assert stranger.post("/alice/p/restore", at="/").status_code == 404
    assert visitor.post("/alice/p/restore", at="/").headers["location"] == "/"
    assert stream(house, alice, "a") == 200
    assert "Deleted in the last day" not in visitor.get("/").text
    by_browser(visitor, token, "/alice/p/acts", act="delete")
    assert by_browser(visitor, token, "/alice/p/acts", act="restore").json() == {"changed": True}
    assert names(house, alice) == ["a", "b", "c"]


def test_bytes_are_told_on_the_page_of_projects_and_for_the_projects_page(house: House, alice: Person) -> None:
    log(house, alice, "d", project="other")
    found = house.client.get("/alice/p/usage", headers=bearer(alice)).json()
    assert found["total"] == found["history"] > 0
    home = house.visitor().signed_in("alice").get("/").text
    assert f'<td class="figure" data-label="Disk">{found["total"]} B</td>' in home
    assert f"{found['total'] // 3 * 4} B of disk in all" in home


def test_a_layout_is_saved_for_the_project_and_taken_away_by_an_empty_one(house: House, alice: Person) -> None:
    visitor, token = signed_in(house, "alice")
    at = "/alice/p/layout"
    assert "data-layout" not in visitor.get("/alice/p").text
    assert by_browser(visitor, token, at, size=3, title='"><script>').status_code == 200
    assert 'data-layout="{&#34;size&#34;:3,&#34;title&#34;:&#34;\\&#34;&gt;&lt;script&gt;&#34;}"' in visitor.get("/alice/p").text.replace(
        " ", ""
    )
    assert by_browser(visitor, "", at, size=1).status_code == 403
    assert by_browser(visitor, token, at, {"Sec-Fetch-Site": "cross-site"}, size=1).status_code == 403
    assert by_key(house, house.person("bob"), at, size=1).status_code == 404
    assert by_key(house, None, at, size=1).status_code == 401
    for body, status in ((b"[]", 400), (b"x", 400), (b"[" * 50_000, 400), (b'{"a": "' + b"x" * 70_000 + b'"}', 413)):
        assert house.client.post(at, content=body, headers=bearer(alice)).status_code == status
    assert by_key(house, alice, at).status_code == 200
    assert "data-layout" not in visitor.get("/alice/p").text

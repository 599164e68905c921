"""POST /graphql through the whole application."""

import base64
import json

import pytest
from house import House

from runkey_server import accounts, keys
from runkey_server.database import Database
from runkey_wire import api_key

VIEWER = "query Viewer { viewer { id entity username email flags teams { edges { node { name } } } } }"
UPSERT = """
mutation U($name: String, $project: String, $entity: String, $config: JSONString, $summary: JSONString, $display: String, $id: String) {
  upsertBucket(input: {id: $id, name: $name, modelName: $project, entityName: $entity, config: $config, summaryMetrics: $summary,
                       displayName: $display}) {
    inserted
    bucket { id name displayName config summaryMetrics state project { name entity { name } } historyLineCount }
  }
}
"""
RUN = """
query R($entity: String, $project: String, $run: String!) {
  project(name: $project, entityName: $entity) {
    id internalId run(name: $run, desc: null) { id projectId name user { username } files { edges { node { name } } } }
  }
}
"""


def test_viewer_tells_who(house: House) -> None:
    mira = house.person("mira")
    answer = house.graphql(mira.secret, VIEWER)
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "viewer": {
                "id": base64.b64encode(f"User:{mira.account.id}".encode()).decode(),
                "entity": "mira",
                "username": "mira",
                "email": None,
                "flags": '{"code_saving_enabled": true}',
                "teams": {"edges": []},
            }
        }
    }
    assert answer.headers["cache-control"] == "no-store"


def test_basic_and_bearer_are_the_same(house: House) -> None:
    mira = house.person("mira")
    pair = base64.b64encode(f"api:{mira.secret}".encode()).decode()
    for header in (f"Basic {pair}", f"Bearer {mira.secret}", f"basic {pair}"):
        answer = house.client.post("/graphql", json={"query": VIEWER}, headers={"Authorization": header})
        assert answer.json()["data"]["viewer"]["username"] == "mira"


def test_every_bad_key_gets_the_same_401(house: House) -> None:
    mira = house.person("mira")
    revoked, expired, disabled = house.person("mira"), house.person("mira"), house.person("away")
    with house.database.writing() as transaction:
        keys.revoke(transaction, revoked.key, house.clock())
        accounts.disable_account(transaction, disabled.account, house.clock())
        _, ended = keys.mint(
            transaction, house.pepper, expired.account.id, kind="user", at=house.clock(), expires_at=house.clock().replace(hour=13)
        )
    house.clock.advance(days=3)
    last = "a" if mira.secret[-1] != "a" else "b"
    bad = [
        api_key.join("user", "x" * 30),
        revoked.secret,
        ended,
        disabled.secret,
        mira.secret[:-1],
        mira.secret[:-1] + last,
        mira.secret + "x",
        "f" * 40,
        "junk",
        "x" * 5_000,
    ]
    answers = [house.graphql(secret, VIEWER) for secret in bad]
    answers += [house.client.post("/graphql", json={"query": VIEWER}, headers={"Authorization": h}) for h in ("Basic %", "Digest x")]
    answers += [house.graphql(None, VIEWER), house.client.post("/graphql", content=b"{", headers={"Authorization": "Bearer junk"})]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    ignored = {"x-request-id"}
    assert len({tuple((k, v) for k, v in answer.headers.items() if k not in ignored) for answer in answers}) == 1
    assert answers[0].json()["errors"][0]["message"] == "user is not logged in"
    assert answers[0].json()["errors"][0]["path"] == ["viewer"]
    assert answers[0].headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("{ serverInfo { version } }", 200),
        ("{ __typename }", 200),
        ('{ __type(name: "Mutation") { fields { name args { name } } } }', 200),
        ("{ serverInfo { version } viewer { id } }", 401),
        ("{ __schema { types { name } } }", 401),
        ("{ nothing }", 401),
        ("{", 401),
        ('mutation { upsertModel(input: {name: "x"}) { inserted } }', 401),
    ],
)
def test_what_nobody_may_ask(house: House, query: str, status: int) -> None:
    assert house.graphql(None, query).status_code == status
    empty = {"Authorization": "Basic " + base64.b64encode(b"api:").decode()}
    assert house.client.post("/graphql", json={"query": query}, headers=empty).status_code == status
    assert house.graphql("junk", query).status_code == 401


def test_introspection_is_true(house: House) -> None:
    found = house.graphql(None, '{ __type(name: "UpsertBucketInput") { inputFields { name } } }').json()
    names = {field["name"] for field in found["data"]["__type"]["inputFields"]}
    assert {"config", "summaryMetrics", "modelName"} <= names
    assert house.graphql(None, '{ __type(name: "UpsertSweepInput") { name } }').json()["data"]["__type"] is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"query": 1}',
        b'{"variables": {}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'[{"query":"{viewer{id}}"}]',
        b'{"query":"{ viewer { id } }","variables":[1]}',
    ],
)
def test_junk_is_400(house: House, body: bytes) -> None:
    mira = house.person("mira")
    answer = house.client.post("/graphql", content=body, headers={"Authorization": f"Bearer {mira.secret}"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ nothing }", {}),
        ("query A($n: Int!) { project(name: $n) { id } }", {"n": 1}),
        ("query A($n: String!) { project(name: $n) { id } }", {}),
        ("query A($n: String!) { project(name: $n) { id } }", {"n": {"a": 1}}),
    ],
)
def test_a_bad_document_is_400_and_says_why(house: House, query: str, variables: dict[str, object]) -> None:
    answer = house.graphql(house.person("mira").secret, query, **variables)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]


def test_ten_megabytes_of_variables_are_fine_and_seventeen_are_not(house: House) -> None:
    secret = house.person("mira").secret
    assert house.graphql(secret, "query A($n: String) { project(name: $n) { id } }", n="x" * 10_000_000).status_code == 200
    answer = house.graphql(secret, "query A($n: String) { project(name: $n) { id } }", n="x" * 17_000_000)
    assert answer.status_code == 413


def test_upsert_makes_and_changes_and_leaves_null_alone(house: House) -> None:
    secret = house.person("mira").secret
    first = house.graphql(secret, UPSERT, name="r1", project="p", config='{"lr": {"value": 0.1}}', display="one").json()["data"]
    bucket = first["upsertBucket"]["bucket"]
    assert first["upsertBucket"]["inserted"] is True
    assert (bucket["displayName"], bucket["state"], bucket["historyLineCount"]) == ("one", "running", 0)
    assert bucket["project"] == {"name": "p", "entity": {"name": "mira"}}
    second = house.graphql(secret, UPSERT, name="r1", project="p", entity="MIRA", summary='{"a": 1}').json()["data"]["upsertBucket"]
    assert second["inserted"] is False
    assert (second["bucket"]["config"], second["bucket"]["summaryMetrics"]) == ('{"lr": {"value": 0.1}}', '{"a": 1}')
    by_id = house.graphql(secret, UPSERT, id=bucket["id"], display="two").json()["data"]["upsertBucket"]["bucket"]
    assert (by_id["displayName"], by_id["config"]) == ("two", '{"lr": {"value": 0.1}}')


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"entity": "nobody"}, "NOT_FOUND"),
        ({"project": "a/b"}, "INVALID"),
        ({"project": ""}, None),
        ({"name": "a?b"}, "INVALID"),
        ({"name": "x" * 129}, "INVALID"),
        ({"config": "{"}, "INVALID"),
        ({"config": "[1]"}, "INVALID"),
        ({"display": "a\0b"}, "INVALID"),
        ({"id": "UnVuOjk5OQ=="}, None),
    ],
)
def test_upsert_refuses_with_a_field_error_and_keeps_nothing(house: House, change: dict[str, str], code: str | None) -> None:
    secret = house.person("mira").secret
    answer = house.graphql(secret, UPSERT, **({"name": "r1", "project": "p"} | change))
    assert answer.status_code == 200
    if code is None:
        assert "errors" not in answer.json()
        return
    assert answer.json()["data"]["upsertBucket"] is None
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert answer.json()["errors"][0]["path"] == ["upsertBucket"]
    assert house.graphql(secret, "{ models { edges { node { name } } } }").json()["data"]["models"]["edges"] == []


def test_foreign_and_absent_runs_are_the_same(house: House) -> None:
    alice, charlie = house.person("alice"), house.person("charlie")
    made = house.graphql(alice.secret, UPSERT, name="r1", project="p").json()["data"]["upsertBucket"]["bucket"]
    assert house.graphql(alice.secret, RUN, entity="alice", project="p", run="r1").json()["data"]["project"]["run"]["name"] == "r1"
    foreign = house.graphql(charlie.secret, RUN, entity="alice", project="p", run="r1")
    absent = house.graphql(charlie.secret, RUN, entity="alice", project="q", run="r1")
    assert foreign.content == absent.content == b'{"data":{"project":null}}'
    by_id = [house.graphql(charlie.secret, UPSERT, id=i, display="mine").json() for i in (made["id"], "UnVuOjk5OQ==")]
    assert by_id[0] == by_id[1]
    assert by_id[0]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    entity = house.graphql(charlie.secret, UPSERT, name="r2", project="p", entity="alice").json()
    nobody = house.graphql(charlie.secret, UPSERT, name="r2", project="p", entity="nobodyy").json()
    assert json.dumps(entity).replace("alice", "nobodyy") == json.dumps(nobody)
    files = 'mutation F($e: String!) { createRunFiles(input: {entityName: $e, projectName: "p", runName: "r1", files: ["a"]}) { runID } }'
    assert house.graphql(charlie.secret, files, e="alice").json() == house.graphql(charlie.secret, files, e="nobodyy").json()


def test_a_database_that_does_not_answer_is_503_also_inside(house: House) -> None:
    mira = house.person("mira")
    house.graphql(mira.secret, UPSERT, name="r1", project="p")
    broken = _broken(house.database)
    doors = house.client.app._app  # the router behind the frame
    door = next(route.endpoint for route in doors.routes if getattr(route, "path", "") == "/graphql")
    door._database = broken
    for query, variables in ((RUN, {"project": "p", "run": "r1"}), (UPSERT, {"name": "r2", "project": "p"})):
        answer = house.graphql(mira.secret, query, **variables)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
    door._authenticator._verifier._database = broken
    unknown = house.graphql(api_key.join("user", "y" * 30), VIEWER)
    assert unknown.status_code == 503


def _broken(database: Database) -> Database:
    return Database(f"sqlite:///{database.url.database}/not/a/folder.db")


def test_scalars_are_held_to_their_meaning(house: House) -> None:
    secret = house.person("mira").secret
    create = 'mutation { createApiKey(input: {expiresAt: "%s"}) { apiKey { createdAt expiresAt } } }'
    made = house.graphql(secret, create % "2026-04-01T00:00:00+02:00").json()["data"]["createApiKey"]["apiKey"]
    assert made == {"createdAt": "2026-03-01T12:00:00.000Z", "expiresAt": "2026-03-31T22:00:00.000Z"}
    assert house.graphql(secret, create % "tomorrow").status_code == 400
    assert house.graphql(secret, create % "2026-01-01T00:00:00Z").json()["errors"][0]["extensions"]["code"] == "INVALID"
    steps = 'query S($n: Int64) { project(name: "p") { run(name: "r") { history(minStep: $n) } } }'
    assert house.graphql(secret, steps, n=2**70).status_code == 200
    assert house.graphql(secret, steps, n=1.5).status_code == 400
    assert house.graphql(secret, steps, n="1").status_code == 400


def test_a_failed_field_undoes_its_own_writes_alone(house: House) -> None:
    secret = house.person("mira").secret
    both = """
    mutation {
      a: upsertModel(input: {name: "good"}) { inserted }
      b: upsertBucket(input: {modelName: "other", config: "["}) { inserted }
    }
    """
    answer = house.graphql(secret, both).json()
    assert answer["data"] == {"a": {"inserted": True}, "b": None}
    models = house.graphql(secret, "{ models { edges { node { name } } } }").json()["data"]["models"]
    assert [edge["node"]["name"] for edge in models["edges"]] == ["good"]


PROBES = """
query P {
  QueryType: __type(name: "Query") { ...fieldData } MutationType: __type(name: "Mutation") { ...fieldData }
  ServerInfoType: __type(name: "ServerInfo") { ...fieldData } ServerSettingsType: __type(name: "ServerSettings") { ...fieldData }
}
fragment fieldData on __Type { fields { name } }
"""


def test_clients_that_look_first_see_what_is_there(house: House) -> None:
    """Some versions cannot go on where one of these types is missing; all leave out what has no field."""
    mira = house.person("mira")
    found = house.graphql(mira.secret, PROBES).json()["data"]
    fields = {kind: {field["name"] for field in answer["fields"]} for kind, answer in found.items()}
    assert {"viewer", "serverInfo", "model"} <= fields["QueryType"]
    assert {"upsertBucket", "createRunFiles"} <= fields["MutationType"]
    assert "cliVersionInfo" in fields["ServerInfoType"]
    assert fields["ServerSettingsType"] == {"serverMessages"}
    messages = "serverSettings { serverMessages { utfText plainText htmlText messageType messageLevel } }"
    made = house.graphql(mira.secret, f'mutation {{ upsertBucket(input: {{modelName: "p", name: "r"}}) {{ {messages} }} }}').json()
    assert made["data"]["upsertBucket"]["serverSettings"] == {"serverMessages": []}
    inputs = "query I($typeName: String!) { TypeInfo: __type(name: $typeName) { inputFields { name } } }"
    assert {"name": "tags"} in house.graphql(mira.secret, inputs, typeName="UpsertBucketInput").json()["data"]["TypeInfo"]["inputFields"]
    assert house.graphql(mira.secret, inputs, typeName="NothingLikeIt").json() == {"data": {"TypeInfo": None}}


# --- keys ---------------------------------------------------------------------------------------------------------------

KEYS = "{ viewer { currentApiKey { id } apiKeys { edges { node { id name kind state lastFour } } } } }"
CREATE = 'mutation { createApiKey(input: {description: "d"}) { apiKey { id } secret } }'
ROTATE = "mutation R($id: ID) { rotateApiKey(input: {id: $id}) { apiKey { id } secret } }"
REVOKE = "mutation R($id: ID) { revokeApiKey(input: {id: $id}) { apiKey { id revokedAt } } }"


def can_log_in(house: House, secret: str) -> bool:
    # What is remembered counts until the epoch moves; a worker reads it several times a second.
    _current_epoch(house)
    return house.graphql(secret, VIEWER).status_code == 200


def _current_epoch(house: House) -> None:
    for route in house.client.app._app.routes:
        if getattr(route, "path", "") == "/graphql":
            route.endpoint._authenticator._verifier.keep_current()


def test_a_key_makes_rotates_and_revokes_keys(house: House) -> None:
    mira = house.person("mira")
    made = house.graphql(mira.secret, CREATE).json()["data"]["createApiKey"]
    assert can_log_in(house, made["secret"])
    listed = house.graphql(mira.secret, KEYS).json()["data"]["viewer"]
    assert listed["currentApiKey"]["id"] == mira.key.id
    assert {edge["node"]["id"] for edge in listed["apiKeys"]["edges"]} == {mira.key.id, made["apiKey"]["id"]}
    assert made["secret"] not in json.dumps(listed)
    rotated = house.graphql(made["secret"], ROTATE).json()["data"]["rotateApiKey"]
    assert can_log_in(house, rotated["secret"])
    assert not can_log_in(house, made["secret"])
    house.graphql(mira.secret, REVOKE, id=rotated["apiKey"]["id"])
    assert not can_log_in(house, rotated["secret"])
    assert house.graphql(mira.secret, REVOKE).json()["data"]["revokeApiKey"]["apiKey"]["revokedAt"]
    assert not can_log_in(house, mira.secret)


def test_a_key_is_made_and_ended_in_the_official_clients_words(house: House) -> None:
    mira = house.person("mira")
    made = house.graphql(mira.secret, "mutation { generateApiKey(input: {}) { apiKey { id name description } } }").json()["data"]
    key = made["generateApiKey"]["apiKey"]
    assert can_log_in(house, key["name"])
    ended = house.graphql(mira.secret, "mutation D($id: String!) { deleteApiKey(input: {id: $id}) { success } }", id=key["id"]).json()
    assert ended["data"]["deleteApiKey"]["success"]
    assert not can_log_in(house, key["name"])


def test_what_there_is_none_of_is_an_empty_list(house: House) -> None:
    mira = house.person("mira")
    house.graphql(mira.secret, 'mutation { upsertModel(input: {name: "p"}) { inserted } }')
    lists = """{ project(name: "p") { totalSweeps sweeps(filters: "{}") { edges { node { id } } pageInfo { hasNextPage } }
      allViews(viewType: "runs", first: 5) { edges { node { spec } } pageInfo { endCursor } } }
      entity(name: "mira") { integrations { edges { node { ... on SlackIntegration { teamName } } } } } }"""
    assert house.graphql(mira.secret, lists).json()["data"] == {
        "project": {
            "totalSweeps": 0,
            "sweeps": {"edges": [], "pageInfo": {"hasNextPage": False}},
            "allViews": {"edges": [], "pageInfo": {"endCursor": None}},
        },
        "entity": {"integrations": {"edges": []}},
    }


def test_a_machines_key_ends_itself_and_nothing_else(house: House) -> None:
    mira, machine = house.person("mira"), house.person("mira", "machine")
    assert house.graphql(machine.secret, CREATE).json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert house.graphql(machine.secret, REVOKE, id=mira.key.id).json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert [e["node"]["id"] for e in house.graphql(machine.secret, KEYS).json()["data"]["viewer"]["apiKeys"]["edges"]] == [machine.key.id]
    assert can_log_in(house, mira.secret)
    house.graphql(machine.secret, REVOKE)
    assert not can_log_in(house, machine.secret)


def test_another_accounts_key_is_not_there(house: House) -> None:
    mira, charlie = house.person("mira"), house.person("charlie")
    foreign, absent = (house.graphql(charlie.secret, REVOKE, id=i).json() for i in (mira.key.id, "key_" + "a" * len(mira.key.id[4:])))
    assert json.dumps(foreign).replace(mira.key.id, "X") == json.dumps(absent).replace("key_" + "a" * len(mira.key.id[4:]), "X")
    assert can_log_in(house, mira.secret)


def test_a_rotated_key_writes_its_open_run_to_its_end_and_nothing_else(house: House) -> None:
    mira, other = house.person("mira"), house.person("mira")
    house.graphql(mira.secret, UPSERT, name="open", project="p")
    house.graphql(other.secret, UPSERT, name="others", project="p")
    house.graphql(mira.secret, ROTATE)
    _current_epoch(house)

    def post(run: str, body: dict[str, object]) -> int:
        headers = {"Authorization": f"Bearer {mira.secret}"}
        return house.client.post(f"/files/mira/p/{run}/file_stream", json=body, headers=headers).status_code

    assert post("open", {}) == 200
    assert post("others", {}) == 401
    assert post("absent", {}) == 401
    assert house.graphql(mira.secret, VIEWER).status_code == 401
    assert house.graphql(mira.secret, CREATE).status_code == 401
    assert house.graphql(mira.secret, UPSERT, name="new", project="p").status_code == 401
    assert house.graphql(mira.secret, UPSERT, name="open", project="p", config="{}").status_code == 200
    assert post("open", {"complete": True, "exitcode": 0}) == 200
    assert post("open", {}) == 401


def test_without_a_key_much_is_401_as_anything_else(house: House) -> None:
    mira = house.person("mira")
    public = "{ serverInfo { version } }"
    assert house.graphql(None, public).status_code == 200
    for text in (public + " #" + "x" * 3_000, "query A { __typename } query B { __typename }", VIEWER, "{ nothing }"):
        refused = house.client.post("/graphql", json={"query": text, "operationName": "A" if "query A" in text else None})
        assert refused.status_code == 401, text[:40]
        assert refused.json()["errors"][0]["message"] == "user is not logged in"
    assert house.graphql(mira.secret, public + " #" + "x" * 3_000).status_code == 200, "with one it is planned as ever"


def test_a_start_without_an_account_tells_all_of_its_key(house: House) -> None:
    asked = "id name kind description lastFour state createdAt lastUsedAt expiresAt replacedAt revokedAt"
    made = house.graphql(None, f"mutation {{ createAnonymousEntity(input: {{}}) {{ apiKey {{ {asked} }} }} }}").json()
    key = made["data"]["createAnonymousEntity"]["apiKey"]
    assert (key["kind"], key["state"], key["lastFour"]) == ("anonymous", "active", key["name"][-4:])

"""What a key may ask for that was replaced or has expired: what writing its runs to their end takes, and nothing that leads out of them."""

import json

import pytest
from house import House, Person

from runkey_server import accounts, claiming, keys, runs
from runkey_server.asgi.actor import Actor

UPSERT = """
mutation U($name: String, $project: String, $config: JSONString) {
  upsertBucket(input: {name: $name, modelName: $project, config: $config}) { inserted }
}
"""
WRITES = 'mutation { upsertBucket(input: {modelName: "p", name: "r", config: "{}"}) { inserted bucket { %s } } }'
MESSAGES = "serverSettings { serverMessages { utfText plainText htmlText messageType messageLevel } }"
INSIDE = "id name displayName config summaryMetrics historyLineCount project { id name entity { id name } }"
# Every field that leads from a run to something else.
OUTSIDE = [
    "project { runs { edges { node { config } } } }",
    'project { bucket(name: "secret") { config } }',
    'project { run(name: "secret") { config files { edges { node { directUrl } } } } }',
    "project { user { email } }",
    "project { runCount }",
    "project { entity { organization { id } } }",
    "user { username email }",
    "user { machines { name } }",
    "files { edges { node { directUrl } } }",
    "history(samples: 10)",
    'sampledHistory(specs: ["{}"])',
    "... on Run { project { runs { edges { node { name } } } } }",
]


@pytest.fixture
def ended(house: House) -> Person:
    mira = house.person("mira")
    with house.database.writing() as transaction:
        # Not by a request: no worker remembers the key as it was.
        runs.upsert(transaction, mira.actor, None, "p", "r", runs.Changes(), house.clock())
        keys.retire(transaction, mira.key, house.clock())
    return mira


def test_it_writes_its_run(house: House, ended: Person) -> None:
    answer = house.graphql(ended.secret, WRITES % INSIDE)
    assert answer.status_code == 200
    assert "errors" not in answer.json()
    # As clients before 0.18 ask.
    assert "errors" not in house.graphql(ended.secret, (WRITES % INSIDE).replace("inserted", f"inserted {MESSAGES}")).json()
    fragment = WRITES % "...Inside" + f" fragment Inside on Run {{ {INSIDE} ... on Run {{ name }} }}"
    assert "errors" not in house.graphql(ended.secret, fragment).json()
    place = 'entityName: "mira", projectName: "p", runName: "r", files: ["a"]'
    asks = f"mutation {{ createRunFiles(input: {{{place}}}) {{ files {{ name uploadUrl }} }} }}"
    assert "errors" not in house.graphql(ended.secret, asks).json()


@pytest.mark.parametrize("field", OUTSIDE)
def test_nothing_leads_out_of_it(house: House, ended: Person, field: str) -> None:
    answer = house.graphql(ended.secret, WRITES % field)
    assert answer.status_code in (400, 401), answer.text


def test_a_claimed_accounts_key_sees_nothing_of_who_claimed_it(house: House) -> None:
    made = "mutation { createAnonymousEntity(input: {}) { apiKey { id name } entity { name } claimUrl } }"
    told = house.client.post("/graphql", json={"query": made}).json()["data"]["createAnonymousEntity"]
    eve = house.person("eve")
    with house.database.writing() as transaction:
        account = accounts.get_account(transaction, told["entity"]["name"])
        key = keys.find_key_by_secret(transaction, house.pepper, told["apiKey"]["name"])
        assert key is not None
        nameless = Actor(account.id, account.name, None, False, key.id, key.kind)
        runs.upsert(transaction, nameless, None, "first", "bait", runs.Changes(), house.clock())
        claiming.claim(transaction, told["claimUrl"].partition("#")[2], eve.account, house.clock())
    house.graphql(eve.secret, UPSERT, name="private", project="first", config=json.dumps({"secret": {"value": 1}}))
    asks = WRITES.replace('"p", name: "r"', '"first", name: "bait"')
    secret = told["apiKey"]["name"]
    leads_out = "project { runs { edges { node { config } } } }"
    assert house.graphql(secret, asks % leads_out).status_code == 401


def test_a_worker_that_has_not_heard_of_a_claim_yet_goes_on_taking_rows(house: House) -> None:
    """The key is remembered as it was for a moment; a 404 in that moment would end the run."""
    made = "mutation { createAnonymousEntity(input: {}) { apiKey { name } entity { name } claimUrl } }"
    told = house.client.post("/graphql", json={"query": made}).json()["data"]["createAnonymousEntity"]
    secret, entity = told["apiKey"]["name"], told["entity"]["name"]
    house.graphql(secret, UPSERT, name="r", project="p")
    path, headers = f"/files/{entity}/p/r/file_stream", {"Authorization": f"Bearer {secret}"}
    body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"a": 1}']}}}
    assert house.client.post(path, json=body, headers=headers).status_code == 200
    eve = house.person("eve")
    with house.database.writing() as transaction:
        # As `claiming.claim`, but the keys' own change reaches this worker later.
        claiming.claim(transaction, told["claimUrl"].partition("#")[2], eve.account, house.clock())
    body["files"]["wandb-history.jsonl"]["offset"] = 1
    assert house.client.post(path, json=body, headers=headers).status_code == 200

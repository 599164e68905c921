"""Lists in lists multiply: one operation gives so much and no more."""

import json

from house import House

UPSERT = """
mutation U($name: String, $project: String, $config: JSONString) {
  upsertBucket(input: {name: $name, modelName: $project, config: $config}) { inserted }
}
"""
NESTED = '{ project(name: "p") { runs(first: %d) { edges { node { project { runs(first: %d) { edges { node { name } } } } } } } } }'


def test_lists_in_lists_come_to_an_end(house: House) -> None:
    mira = house.person("mira")
    for number in range(60):
        house.graphql(mira.secret, UPSERT, name=f"r{number}", project="p")
    assert "errors" not in house.graphql(mira.secret, NESTED % (60, 60)).json()
    thrice = NESTED.replace("node { name }", "node { project { runs(first: 60) { edges { node { name } } } } }")
    answer = house.graphql(mira.secret, thrice % (60, 60)).json()
    assert "more than 10000 things" in json.dumps(answer)


def test_a_page_is_never_larger_than_it_may_be(house: House) -> None:
    mira = house.person("mira")
    for number in range(3):
        house.graphql(mira.secret, UPSERT, name=f"r{number}", project="p")
    for first, expected in ((-3, 1), (0, 3), (2, 2), (10**6, 3)):
        document = f'{{ project(name: "p") {{ runs(first: {first}) {{ edges {{ node {{ name }} }} }} }} }}'
        assert len(house.graphql(mira.secret, document).json()["data"]["project"]["runs"]["edges"]) == expected


def test_moments_that_no_calendar_has_are_refused(house: House) -> None:
    mira = house.person("mira")
    make = "mutation M($at: DateTime) { createApiKey(input: {expiresAt: $at}) { secret } }"
    for moment in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9998-01-01T00:00:00Z", "yesterday"):
        assert "errors" in house.graphql(mira.secret, make, at=moment).json(), moment
    assert "errors" not in house.graphql(mira.secret, make, at="2030-01-01T00:00:00+02:00").json()
    listed = house.graphql(mira.secret, "{ viewer { apiKeys { edges { node { expiresAt } } } } }")
    assert len(listed.json()["data"]["viewer"]["apiKeys"]["edges"]) == 2


def test_lists_that_no_database_takes_at_once_are_refused_for_good(house: House) -> None:
    mira = house.person("mira")
    house.graphql(mira.secret, UPSERT, name="r", project="p")
    files = 'query F($n: [String]) { project(name: "p") { run(name: "r") { files(names: $n) { edges { cursor } } } } }'
    # A node for each name, a page of them.
    found = house.graphql(mira.secret, files, n=[f"f{number}" for number in range(20_000)]).json()["data"]["project"]["run"]["files"]
    assert len(found["edges"]) == 1_000
    for more in (["f"] * 20_001, ["f"] * 300_000, [["f"] * 15_000, {"a": ["f"] * 15_000}]):
        answer = house.graphql(mira.secret, files, n=more)
        assert (answer.status_code, "more than 20000 values" in answer.text) == (400, True)


def test_a_pattern_that_no_database_takes_is_refused_for_good(house: House) -> None:
    mira = house.person("mira")
    house.graphql(mira.secret, UPSERT, name="r", project="p")
    files = 'query F($n: String) { project(name: "p") { run(name: "r") { files(pattern: $n) { edges { cursor } } } } }'
    assert house.graphql(mira.secret, files, n="%a" * 2_000).json()["data"]["project"]["run"]["files"] == {"edges": []}
    for pattern in ("x" * 4_097, "%_" * 30_000):
        answer = house.graphql(mira.secret, files, n=pattern)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (200, "INVALID")

"""History as the official client pages through it."""

import json

import pytest
from house import House, Person
from streaming import begin_run, history, stream


@pytest.fixture
def mira(house: House) -> Person:
    return begin_run(house)


@pytest.mark.parametrize("samples", ["Infinity", "-Infinity", "NaN", '"x"', "1e400", "[]", "null"])
def test_a_spec_that_is_none_is_said_to_be_none(house: House, mira: Person, samples: str) -> None:
    query = 'query S($s: [JSONString!]!) { project(name: "p") { run(name: "r1") { sampledHistory(specs: $s) } } }'
    for name in ("samples", "minStep"):
        answer = house.graphql(mira.secret, query, s=[f'{{"keys": ["x"], "{name}": {samples}}}'])
        if (name, samples) == ("minStep", "null"):
            assert "errors" not in answer.json()
            continue
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (200, "INVALID")


def test_pages_of_sampled_history_join_as_old_and_new_clients_cut_them(house: House, mira: Person) -> None:
    stream(house, mira, history(*({"_step": i, "x": i} for i in range(20))))
    ask = 'query S($spec: JSONString!) { project(name: "p") { run(name: "r1") { sampledHistory(specs: [$spec]) } } }'

    def page(first: int, last: int, samples: int) -> list[int]:
        spec = json.dumps({"keys": ["x"], "minStep": first, "maxStep": last, "samples": samples})
        rows = house.graphql(mira.secret, ask, spec=spec).json()["data"]["project"]["run"]["sampledHistory"][0]
        return [row["x"] for row in rows]

    old = page(0, 7, 7) + page(7, 14, 7) + page(14, 20, 7)
    new = page(0, 6, 7) + page(7, 13, 7) + page(14, 19, 6)
    assert old == new == list(range(20))


def test_a_page_of_steps_is_whole_or_refused(house: House, mira: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    stream(house, mira, history(*({"_step": i // 3, "x": i} for i in range(30))))
    ask = """query S($spec: JSONString!) { project(name: "p") { run(name: "r1") {
      sampledHistory(specs: [$spec]) history(minStep: 0, maxStep: 10, samples: 10)
    } } }"""
    spec = json.dumps({"keys": ["x"], "minStep": 0, "maxStep": 10, "samples": 10})
    found = house.graphql(mira.secret, ask, spec=spec).json()["data"]["project"]["run"]
    assert [row["x"] for row in found["sampledHistory"][0]] == [json.loads(row)["x"] for row in found["history"]] == list(range(30))
    monkeypatch.setattr("runkey_server.graphql.runs._MAX_SAMPLES", 29)
    answer = house.graphql(mira.secret, ask, spec=spec)
    assert answer.status_code == 200
    assert {each["message"] for each in answer.json()["errors"]} == {
        "More than 29 rows have these steps. Ask for fewer steps at once: page_size=1000."
    }

"""What the pages of a project ask for: runs, names of metrics, charts; for whom, and with bad questions."""

import json
import math

import pytest
from house import House, Person

RUNS = "/mira/p/runs"


def log(house: House, person: Person, run: str, rows: list[dict[str, object]], **more: object) -> None:
    query = (
        "mutation U($n: String, $c: JSONString, $t: [String!]) {"
        ' upsertBucket(input: {name: $n, modelName: "p", config: $c, tags: $t}) { inserted } }'
    )
    config = json.dumps({"lr": {"value": 0.1}, "model": {"value": {"layers": 3}}, "_wandb": {"value": {}}})
    assert house.graphql(person.secret, query, n=run, c=config, t=more.get("tags", [])).status_code == 200
    files = {
        "wandb-history.jsonl": {"offset": 0, "content": [json.dumps(row) for row in rows]},
        "wandb-summary.json": {"offset": 0, "content": [json.dumps(rows[-1])]},
    }
    answer = house.client.post(
        f"/files/mira/p/{run}/file_stream", json={"files": files}, headers={"Authorization": f"Bearer {person.secret}"}
    )
    assert answer.status_code == 200


@pytest.fixture
def mira(house: House) -> Person:
    person = house.person("mira")
    log(house, person, "one", [{"_step": i, "_runtime": i / 2, "loss": 1 / (i + 1), "val/acc": i} for i in range(100)], tags=["good"])
    house.clock.advance(seconds=10)
    log(house, person, "two", [{"_step": i, "loss": float(i), "note": "x" * 1_000, "": 7} for i in range(5)])
    return person


def headers(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.secret}"}


def ask(house: House, person: Person, **question: object) -> dict[tuple[str, str], dict[str, object]]:
    answer = house.client.post("/mira/p/charts", json=question, headers=headers(person))
    assert answer.status_code == 200, answer.text
    return {(series["run"], series["key"]): series for series in answer.json()["series"]}


def test_runs_come_newest_first_with_flat_config_and_summary(house: House, mira: Person) -> None:
    found = house.client.get(RUNS, headers=headers(mira)).json()
    assert found["more"] is False
    assert [run["name"] for run in found["runs"]] == ["two", "one"]
    two, one = found["runs"]
    assert one["config"] == {"lr": 0.1, "model.layers": 3}
    assert one["summary"] == {"_step": 99, "_runtime": 49.5, "loss": 0.01, "val/acc": 99}
    assert (one["tags"], one["state"], one["createdAt"]) == (["good"], "running", house.clock().timestamp() - 10)
    assert len(two["summary"]["note"]) == 300, "long values are cut: the table shows a line"
    assert house.client.get(f"{RUNS}?skip=1", headers=headers(mira)).json()["runs"][0]["name"] == "one"


def test_names_of_metrics_are_those_with_numbers_in_any_run(house: House, mira: Person) -> None:
    assert house.client.get("/mira/p/keys", headers=headers(mira)).json() == {
        "history": {"": 1, "loss": 2, "val/acc": 1},
        "events": {},
        "steps": {},
    }


def test_definitions_of_the_newest_run_hide_metrics_and_give_them_an_x(house: House, mira: Person) -> None:
    house.clock.advance(seconds=10)
    log(house, mira, "three", [{"_step": 0, "loss": 1, "val/acc": 2, "epoch": 3}])
    metrics = [{"1": "epoch"}, {"2": "val/*", "5": 1}, {"1": "loss", "6": [2, 3]}, {"1": "", "4": "epoch"}, 7]
    config = json.dumps({"_wandb": {"value": {"m": metrics}}})
    query = 'mutation U($c: JSONString) { upsertBucket(input: {name: "three", modelName: "p", config: $c}) { inserted } }'
    assert house.graphql(mira.secret, query, c=config).status_code == 200
    found = house.client.get("/mira/p/keys", headers=headers(mira)).json()
    assert found == {"history": {"": 1, "epoch": 1, "val/acc": 2}, "events": {}, "steps": {"": "epoch", "val/acc": "epoch"}}
    about = house.client.get("/mira/p/runs/three/about", headers=headers(mira)).json()
    assert about["keys"] == {"history": ["epoch", "val/acc"], "events": [], "media": {}, "steps": {"val/acc": "epoch"}}


def test_all_that_is_known_of_a_run(house: House, mira: Person) -> None:
    about = house.client.get("/mira/p/runs/one/about", headers=headers(mira)).json()
    assert (about["config"], about["summary"]) == ({"lr": 0.1, "model": {"layers": 3}}, {"loss": 0.01, "val/acc": 99})
    assert (about["lines"], about["console"], about["files"], about["metadata"]) == (100, 0, 0, {})
    assert about["run"]["name"] == "one"
    assert house.client.get("/mira/p/runs/two/media", params={"key": "note"}, headers=headers(mira)).json() == {"values": []}
    assert house.client.get("/mira/p/runs/one/files", headers=headers(mira)).json() == {
        "files": [],
        "more": False,
        "refused": [],
        "full": None,
    }
    for path in ("about", "files", "files/x", "media"):
        at = f"/mira/p/runs/one/{path}"
        assert house.client.get(at).status_code == 401
        assert house.client.get(at, headers=headers(house.person("bob"))).status_code == 404
    assert house.client.get("/mira/p/runs/one/files/absent.txt", headers=headers(mira)).status_code == 404


def test_charts_of_several_runs_come_at_once(house: House, mira: Person) -> None:
    found = ask(house, mira, runs=["one", "two", "absent"], keys=["loss", "val/acc", "absent"])
    assert set(found) == {("one", "loss"), ("one", "val/acc"), ("two", "loss")}
    assert found["two", "loss"] == {"run": "two", "key": "loss", "x": [0, 1, 2, 3, 4], "y": [0, 1, 2, 3, 4], "count": 5}
    bucketed = ask(house, mira, runs=["one"], keys=["val/acc"], buckets=10)["one", "val/acc"]
    assert (len(bucketed["x"]), bucketed["low"][0], bucketed["high"][-1], bucketed["count"]) == (10, 0, 99, 100)
    by_time = ask(house, mira, runs=["one", "two"], keys=["loss"], x="_runtime", low=10, high=20)
    assert list(by_time) == [("one", "loss")]
    assert (by_time["one", "loss"]["x"][0], by_time["one", "loss"]["x"][-1]) == (10, 20)


def test_after_gives_what_follows_for_that_run_alone(house: House, mira: Person) -> None:
    found = ask(house, mira, runs=["one", "two"], keys=["loss"], after={"one": 97})
    assert found["one", "loss"]["x"] == [97, 98, 99]
    assert found["two", "loss"]["x"] == [0, 1, 2, 3, 4]


def test_what_is_not_finite_is_null(house: House, mira: Person) -> None:
    log(house, mira, "odd", [{"_step": 0, "loss": 1.0}, {"_step": 1, "loss": math.nan}, {"_step": 2, "loss": math.inf}])
    assert ask(house, mira, runs=["odd"], keys=["loss"])["odd", "loss"]["y"] == [1, None, None]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (b"", "This is no question"),
        (b"[" * 100_000, "This is no question"),
        (b'{"runs": []}', "missing required field `keys`"),
        (b'{"runs": [1], "keys": []}', "Expected `str`"),
        (b'{"runs": [], "keys": [], "buckets": 0}', "Expected `int` >= 1"),
        (b'{"runs": [], "keys": [], "buckets": 1e9}', "Expected `int`"),
        (b'{"runs": [], "keys": [], "stream": "files"}', "Invalid enum value"),
        (b'{"runs": [], "keys": [], "other": 1}', "unknown field `other`"),
        (json.dumps({"runs": ["one"] * 100, "keys": ["loss"] * 100}).encode(), "At most 2,000 series"),
    ],
)
def test_a_bad_question_is_refused_in_words(house: House, mira: Person, question: bytes, words: str) -> None:
    answer = house.client.post("/mira/p/charts", content=question, headers={**headers(mira), "Content-Type": "application/json"})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("skip", ["-1", "x", "1.5", "9" * 30, "٣"])
def test_a_bad_skip_is_refused(house: House, mira: Person, skip: str) -> None:
    assert house.client.get(RUNS, params={"skip": skip}, headers=headers(mira)).status_code == 400


def test_only_who_may_read_the_project_is_answered(house: House, mira: Person) -> None:
    bob = house.person("bob")
    question = {"runs": ["one"], "keys": ["loss"]}
    for path in (RUNS, "/mira/p/keys", "/mira/p/live"):
        assert house.client.get(path).status_code == 401
        assert house.client.get(path, headers={"Authorization": "Bearer " + "x" * 40}).status_code == 401
        assert house.client.get(path, headers=headers(bob)).status_code == 404
    assert house.client.post("/mira/p/charts", json=question).status_code == 401
    assert house.client.post("/mira/p/charts", json=question, headers=headers(bob)).status_code == 404
    browser = house.visitor().signed_in("mira")
    assert browser.get(RUNS).json()["runs"]


def test_the_page_names_what_was_built_and_the_browser_may_keep_it(house: House, mira: Person) -> None:
    page = house.visitor().signed_in("mira").get("/mira/p").text
    assert 'data-page="project" data-entity="mira" data-project="p"' in page
    script = page.split('<script type="module" src="')[1].split('"')[0]
    plain = house.client.get(script, headers={"Accept-Encoding": "identity"})
    packed = house.client.get(script, headers={"Accept-Encoding": "gzip"})
    assert (plain.status_code, plain.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in plain.headers["cache-control"]
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert house.client.get("/static/workspace/assets/../../pages.py").status_code == 404
    assert house.client.get("/static/absent.js").status_code == 404

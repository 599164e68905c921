"""Runs that go on from a step: forks of others, and runs that are taken back; states that follow from silence."""

import json
from typing import Any

import pytest
from house import House, Person, StillClock

from runkey_server import accounts, history, projects, runs
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.history import Batch, Stream
from runkey_server.runs import Changes, Report, Run

UPSERT = """
mutation U($name: String, $config: JSONString, $id: String) {
  upsertBucket(input: {id: $id, name: $name, modelName: "p", config: $config}) {
    inserted bucket { id historyLineCount eventsLineCount logLineCount summaryMetrics }
  }
}
"""
REWIND = """
mutation RewindRun($name: String!, $step: Float!, $metric: String!) {
  rewindRun(input: {runName: $name, projectName: "p", metricName: $metric, metricValue: $step}) {
    rewoundRun { name historyLineCount summaryMetrics state exitCode }
  }
}
"""


def rows_of(count: int) -> list[dict[str, Any]]:
    return [
        {"_step": n, "x": n, "nested": {"y": -n}, "flag": n % 2 == 0, "none": None} | ({"late": n} if n > 5 else {}) for n in range(count)
    ]


def begin(database: Database, person: Person, clock: StillClock, name: str, config: dict[str, Any] | None = None) -> Run:
    with database.writing() as transaction:
        return runs.upsert(transaction, person.actor, None, "p", name, Changes(config=json.dumps(config or {})), clock())[0]


def log(database: Database, run: Run, first: int, rows: list[dict[str, Any]], clock: StillClock, stream: Stream = Stream.HISTORY) -> None:
    batch = Batch.read(first, tuple(json.dumps(row) for row in rows))
    with database.writing() as transaction:
        history.append(transaction, run.id, stream, batch, clock())


def read(database: Database, run: Run) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    with database.reading() as transaction:
        return history.read_all(transaction, run.id, Stream.HISTORY), json.loads(runs.get_run_by_id(transaction, run.id).summary)


def from_step(name: str, step: object) -> dict[str, Any]:
    return {"_wandb": {"value": {"branch_point": {"run_id": name, "step": step}}}}


@pytest.mark.parametrize("is_folded", [False, True])
def test_a_fork_has_the_history_up_to_the_step(database: Database, clock: StillClock, alice: Person, is_folded: bool) -> None:
    parent = begin(database, alice, clock, "parent")
    for rows in (rows_of(10)[:3], rows_of(10)[3:6], rows_of(10)[6:]):
        log(database, parent, rows[0]["_step"], rows, clock)
    if is_folded:
        history.fold(database, parent.id, Stream.HISTORY, clock())
    for step in (0, 4, 8, 99):
        forked = begin(database, alice, clock, f"forked{step}", from_step("parent", step))
        taken = rows_of(10)[: step + 1]
        found, summary = read(database, forked)
        assert found == taken
        assert summary == taken[-1]
        # It goes on by itself, and both are whole.
        own = [{"_step": step + 1 + n, "x": 100 + n} for n in range(3)]
        log(database, forked, len(taken), own, clock)
        history.fold(database, forked.id, Stream.HISTORY, clock())
        assert read(database, forked)[0] == taken + own
        with database.reading() as transaction:
            assert history.find_faults(transaction, forked.id, Stream.HISTORY) == []
    assert read(database, parent)[0] == rows_of(10), "the other run is as it was"
    with database.reading() as transaction:
        assert history.find_faults(transaction, parent.id, Stream.HISTORY) == []


def test_a_fork_of_nothing_is_refused_and_not_made(database: Database, clock: StillClock, alice: Person, charlie: Person) -> None:
    begin(database, charlie, clock, "theirs")
    for name in ("absent", "theirs"):
        with pytest.raises(Error, match=r"no run .* to fork from") as refusal:
            begin(database, alice, clock, "forked", from_step(name, 1))
        assert refusal.value.code == "not_found"
    with database.reading() as transaction:
        assert projects.find_project(transaction, alice.actor, None, "p") is None


@pytest.mark.parametrize(
    "config", [from_step("absent", "1"), from_step("absent", -1), from_step("absent", 2**80), {"_wandb": {"value": [1]}}]
)
def test_what_is_no_branch_point_forks_nothing(database: Database, clock: StillClock, alice: Person, config: dict[str, Any]) -> None:
    assert read(database, begin(database, alice, clock, "plain", config))[0] == []


@pytest.mark.parametrize("is_folded", [False, True])
def test_a_run_taken_back_is_what_it_was(database: Database, clock: StillClock, alice: Person, is_folded: bool) -> None:
    run = begin(database, alice, clock, "r")
    log(database, run, 0, rows_of(10), clock)
    log(database, run, 0, [{"cpu": n} for n in range(5)], clock, Stream.EVENTS)
    if is_folded:
        history.fold(database, run.id, Stream.HISTORY, clock())
        history.fold(database, run.id, Stream.EVENTS, clock())
    with database.writing() as transaction:
        runs.write_console(transaction, run.id, 0, ("a", "b"))
        runs.report(transaction, run, Report(summary='{"x": 9}', complete=True, exit_code=1), clock())
        runs.rewind(transaction, runs.get_run_by_id(transaction, run.id), 4, clock())
        back = runs.get_run_by_id(transaction, run.id)
        assert (back.reported_state, back.exit_code) == ("running", None)
        assert runs.count_console(transaction, run.id) == 0
        assert history.count_lines(transaction, run.id, Stream.EVENTS) == 0
        assert history.count_lines(transaction, run.id, Stream.HISTORY) == 5
        assert "late" not in history.describe_keys(transaction, run.id)["keys"]
        assert history.describe_keys(transaction, run.id)["lastStep"] == 4
    assert read(database, run) == (rows_of(5), rows_of(5)[-1])
    log(database, run, 5, [{"_step": 5, "x": 50}], clock)
    log(database, run, 0, [{"cpu": 7}], clock, Stream.EVENTS)
    assert read(database, run)[0] == [*rows_of(5), {"_step": 5, "x": 50}]
    with database.reading() as transaction:
        for stream in Stream:
            assert history.find_faults(transaction, run.id, stream) == []


def test_through_the_door(house: House) -> None:
    alice, charlie = house.person("alice"), house.person("charlie")

    def upsert(name: str, config: dict[str, Any]) -> Any:
        return house.graphql(alice.secret, UPSERT, name=name, config=json.dumps(config)).json()["data"]["upsertBucket"]

    def stream(name: str, first: int, rows: list[dict[str, Any]]) -> None:
        body = {"files": {"wandb-history.jsonl": {"offset": first, "content": [json.dumps(row) for row in rows]}}}
        headers = {"Authorization": f"Bearer {alice.secret}"}
        assert house.client.post(f"/files/alice/p/{name}/file_stream", json=body, headers=headers).status_code == 200

    upsert("base", {})
    stream("base", 0, rows_of(10))
    forked = upsert("forked", from_step("base", 4))
    # The official client sends its history from this line on.
    assert (forked["inserted"], forked["bucket"]["historyLineCount"]) == (True, 5)
    stream("forked", 5, [{"_step": 5, "x": 0}, {"_step": 6, "x": 0}])
    again = upsert("forked", from_step("base", 4))
    assert (again["inserted"], again["bucket"]["historyLineCount"]) == (False, 5), "the same script begun again begins after the step"

    def rewind(secret: str, name: str, step: float, metric: str = "_step") -> Any:
        return house.graphql(secret, REWIND, name=name, step=step, metric=metric).json()

    rewound = rewind(alice.secret, "base", 2.0)["data"]["rewindRun"]["rewoundRun"]
    assert (rewound["name"], rewound["historyLineCount"], rewound["state"], rewound["exitCode"]) == ("base", 3, "running", None)
    assert json.loads(rewound["summaryMetrics"]) == rows_of(3)[-1]
    # The client goes on by the run's id, and finds the lines that there are.
    found = house.graphql(alice.secret, '{ project(name: "p") { run(name: "base") { id } } }').json()["data"]["project"]["run"]
    begun = house.graphql(alice.secret, UPSERT, id=found["id"], name="base", config=json.dumps(from_step("base", 2))).json()
    assert begun["data"]["upsertBucket"]["bucket"]["historyLineCount"] == 3
    for answer in (rewind(charlie.secret, "base", 1), rewind(alice.secret, "absent", 1)):
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    for step, metric in ((-1, "_step"), (1e300, "_step"), (1, "loss")):
        assert rewind(alice.secret, "base", step, metric)["errors"][0]["extensions"]["code"] == "INVALID"


def test_an_account_without_a_name_pays_for_what_its_forks_take(house: House) -> None:
    make = "mutation { createAnonymousEntity(input: {}) { apiKey { name } entity { name } } }"
    told = house.graphql(None, make).json()["data"]["createAnonymousEntity"]
    secret, entity = told["apiKey"]["name"], told["entity"]["name"]
    house.graphql(secret, UPSERT, name="base", config="{}")
    rows = [json.dumps({"_step": n, "x": n * 0.1}) for n in range(1000)]
    body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": rows}}}
    answer = house.client.post(f"/files/{entity}/p/base/file_stream", json=body, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200

    def stored() -> int:
        with house.database.reading() as transaction:
            return int(accounts.find_account(transaction, entity).stored_bytes)

    before = stored()
    assert house.graphql(secret, UPSERT, name="forked", config=json.dumps(from_step("base", 900))).json()["data"]["upsertBucket"][
        "inserted"
    ]
    assert stored() - before > 1_000


STATES = 'query S($n: String!) { project(name: "p") { run(name: $n) { state } } }'
SET = "mutation UpdateRunState($input: UpdateRunStateInput!) { updateRunState(input: $input) { success } }"


def test_states_follow_from_words_and_silence(house: House) -> None:
    alice = house.person("alice")

    def say(name: str, **body: object) -> None:
        headers = {"Authorization": f"Bearer {alice.secret}"}
        assert house.client.post(f"/files/alice/p/{name}/file_stream", json=body, headers=headers).status_code == 200

    def state(name: str) -> str:
        return str(house.graphql(alice.secret, STATES, n=name).json()["data"]["project"]["run"]["state"])

    ids = {}
    for name in ("plain", "silent", "preempted", "ended"):
        ids[name] = house.graphql(alice.secret, UPSERT, name=name).json()["data"]["upsertBucket"]["bucket"]["id"]
    say("silent", preempting=True)
    say("silent")
    assert state("silent") == "preempting"
    say("preempted", preempting=True)
    say("preempted", complete=True, exitcode=1)
    assert state("preempted") == "preempted"
    say("ended", preempting=True)
    say("ended", complete=True, exitcode=0)
    assert state("ended") == "finished"
    house.clock.advance(minutes=6)
    assert (state("plain"), state("silent")) == ("crashed", "preempted")
    say("plain")
    assert state("plain") == "running"

    def set_(name: str, to: str) -> Any:
        return house.graphql(alice.secret, SET, input={"id": ids[name], "state": to}).json()

    assert set_("silent", "pending")["data"]["updateRunState"]["success"]
    assert state("silent") == "pending"
    assert set_("silent", "failed")["data"]["updateRunState"]["success"]
    assert set_("silent", "failed")["data"]["updateRunState"]["success"]
    for name, to in (("ended", "pending"), ("ended", "failed"), ("plain", "running"), ("plain", "x" * 1000)):
        assert set_(name, to)["errors"][0]["extensions"]["code"] == "INVALID"


LINES = """
query L($first: Int, $after: String, $last: Int) {
  project(name: "p") { run(name: "r") { logLineCount logLines(first: $first, after: $after, last: $last, useImprovedPagination: true) {
    edges { node { number timestamp level label line } } pageInfo { endCursor hasNextPage }
  } } }
}
"""


def test_what_was_printed_is_read_in_pages(house: House) -> None:
    alice = house.person("alice")
    house.graphql(alice.secret, UPSERT, name="r")
    lines = [f"2026-03-01T12:00:0{n}.5 line {n}" for n in range(7)] + ["ERROR 2026-03-01T12:00:07 " + "x" * 5_000, "bare"]
    body = {"files": {"output.log": {"offset": 0, "content": lines}}}
    house.client.post("/files/alice/p/r/file_stream", json=body, headers={"Authorization": f"Bearer {alice.secret}"})

    def page(**asked: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        found = house.graphql(alice.secret, LINES, **asked).json()["data"]["project"]["run"]["logLines"]
        return [edge["node"] for edge in found["edges"]], found["pageInfo"]

    first, info = page(first=4)
    assert [node["line"] for node in first] == ["line 0", "line 1", "line 2", "line 3"]
    assert (first[1]["number"], first[1]["timestamp"], first[1]["level"]) == (1, "2026-03-01T12:00:01.500000", "")
    assert info["hasNextPage"]
    rest, info = page(first=10, after=info["endCursor"])
    assert [len(node["line"]) for node in rest] == [6, 6, 6, 5_000, 4]
    assert (rest[3]["level"], rest[4]["timestamp"], info["hasNextPage"]) == ("error", None, False)
    last, info = page(last=2)
    assert ([node["number"] for node in last], info["hasNextPage"]) == ([7, 8], False)
    assert page(first=0)[0] == page(last=0)[0] == []
    assert house.graphql(alice.secret, LINES, first=1, after="junk").json()["errors"]

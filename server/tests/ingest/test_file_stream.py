"""file_stream, through the whole application."""

import gzip
import json

import pytest
from house import House, Person
from streaming import UPSERT, history, read, stream

from runkey_server import runs
from runkey_wire import limits


def test_a_whole_run(house: House, mira: Person) -> None:
    body = history({"_step": 0, "x": 1.5}, {"_step": 1, "x": float("nan")})
    body["files"] |= {
        "wandb-events.jsonl": {"offset": 0, "content": ['{"system.cpu": 5}']},
        "wandb-summary.json": {"offset": 0, "content": ['{"x": 1}', '{"x": 2}']},
        "output.log": {"offset": 0, "content": ["one", "two"]},
    }
    assert stream(house, mira, body).json() == {}
    assert stream(house, mira, {"complete": True, "exitcode": 3}).status_code == 200
    found = read(house, mira)
    assert (found["state"], found["exitCode"], found["summaryMetrics"]) == ("failed", 3, '{"x": 2}')
    assert (found["historyLineCount"], found["eventsLineCount"], found["logLineCount"]) == (2, 1, 2)
    assert found["history"] == ['{"_step":0,"x":1.5}', '{"_step":1,"x":NaN}']
    assert found["sampledHistory"] == [[{"_step": 0, "x": 1.5}, {"_step": 1, "x": "NaN"}]]
    assert json.loads(json.loads(found["historyTail"])[0])["_step"] == 1
    assert found["systemMetrics"] == '{"system.cpu":5}'
    assert found["historyKeys"]["lastStep"] == 1


def test_a_replay_changes_nothing_and_a_run_begun_again_overwrites(house: House, mira: Person) -> None:
    stream(house, mira, history(*({"_step": i, "x": i} for i in range(5))))
    stream(house, mira, history(*({"_step": i, "x": i} for i in range(5))))
    assert read(house, mira)["historyLineCount"] == 5
    stream(house, mira, {"complete": True, "exitcode": 0})
    assert read(house, mira)["state"] == "finished"
    house.graphql(mira.secret, UPSERT, name="r1")
    stream(house, mira, history({"_step": 0, "x": 100}))
    again = read(house, mira)
    assert (again["state"], again["historyLineCount"], again["exitCode"]) == ("running", 1, None)


def test_console_lines_are_rewritten_without_dropping_later_ones(house: House, mira: Person) -> None:
    for offset, content in ((0, ["a", "b", "c"]), (1, ["B\0\ud800"])):
        stream(house, mira, {"files": {"output.log": {"offset": offset, "content": content}}})
    with house.database.reading() as transaction:
        run = runs.find_run(transaction, mira.actor, "mira", "p", "r1")
        assert [(line.number, line.text) for line in runs.read_console(transaction, run.id)] == [(0, "a"), (1, "B?"), (2, "c")]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"1",
        b"\xff",
        b"[" * 50_000,
        {"files": []},
        {"files": {"wandb-history.jsonl": []}},
        {"files": {"wandb-history.jsonl": {"offset": -1, "content": ["{}"]}}},
        {"files": {"wandb-history.jsonl": {"offset": 1.5, "content": ["{}"]}}},
        {"files": {"wandb-history.jsonl": {"offset": True, "content": ["{}"]}}},
        {"files": {"wandb-history.jsonl": {"offset": 10**30, "content": ["{}"]}}},
        {"files": {"wandb-history.jsonl": {"offset": 0, "content": [{}]}}},
        {"files": {"wandb-history.jsonl": {"offset": 0, "content": ["{}", "not json"]}}},
        {"files": {"wandb-summary.json": {"offset": 0, "content": ["[1]"]}}},
        {"files": {"elsewhere.txt": {"offset": 0, "content": ["x"]}}},
        {"uploaded": "x"},
        {"complete": True, "exitcode": "0"},
        {"complete": True, "exitcode": 2**40},
    ],
)
def test_junk_is_400_with_a_sentence_and_nothing_is_kept(house: House, mira: Person, body: object) -> None:
    answer = stream(house, mira, body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    found = read(house, mira)
    assert (found["historyLineCount"], found["state"], found["summaryMetrics"]) == (0, "running", "{}")


def test_the_last_line_that_there_may_be_is_counted(house: House, mira: Person) -> None:
    assert stream(house, mira, history({"x": 1}, offset=2**31 - 2)).status_code == 200
    assert read(house, mira)["historyLineCount"] == 2**31 - 1
    assert stream(house, mira, history({"x": 1}, offset=2**31 - 1)).status_code == 400


def test_half_a_surrogate_pair_anywhere_leaves_the_page_of_the_run_readable(house: House, mira: Person) -> None:
    line = '{"half \\ud800": 1, "nested": {"\\udfff": "\\ud800"}}'
    files = ("wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json")
    assert stream(house, mira, {"files": {name: {"offset": 0, "content": [line]} for name in files}}).status_code == 200
    config = 'mutation C($c: JSONString) { upsertBucket(input: {name: "r1", modelName: "p", config: $c}) { bucket { id } } }'
    assert "errors" not in house.graphql(mira.secret, config, c=f'{{"a": {{"value": {line}}}}}').json()
    browser = house.visitor().signed_in("mira")
    page = browser.get("/mira/p/runs/r1?plain")
    assert page.status_code == 200
    assert "half ?" in page.text
    about = browser.get("/mira/p/runs/r1/about").json()
    assert about["keys"]["history"] == ["half \ud800"]
    assert browser.get("/mira/p/keys").json()["history"] == {"half \ud800": 1}
    assert browser.get("/mira/p/runs").json()["runs"][0]["summary"]["half \ud800"] == 1
    question = b'{"runs": ["r1", "\\udfff", "\\u0000"], "keys": ["half \\ud800"]}'
    charts = browser.client.post("/mira/p/charts", content=question, headers={"Content-Type": "application/json"}).json()
    assert [series["y"] for series in charts["series"]] == [[1]]


def test_who_may_write(house: House, mira: Person) -> None:
    charlie = house.person("charlie")
    assert stream(house, None, {}).status_code == 401
    foreign, absent = stream(house, charlie, {}), stream(house, mira, {}, run="absent")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.content == absent.content
    run_id = house.graphql(mira.secret, UPSERT, name="r1").json()["data"]["upsertBucket"]["bucket"]["id"]
    house.graphql(mira.secret, "mutation D($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=run_id)
    assert stream(house, mira, {}).status_code == 410
    assert stream(house, charlie, {}).content == foreign.content
    again = house.graphql(mira.secret, UPSERT, name="r1").json()
    assert again["errors"][0]["extensions"]["code"] == "GONE"


def test_a_body_that_is_too_large_is_413_before_it_is_read(house: House, mira: Person) -> None:
    assert stream(house, mira, b" " * (limits.MAX_FILE_STREAM_BYTES + 1)).status_code == 413


def test_a_thousand_requests_a_second_and_no_more(house: House, mira: Person) -> None:
    door = next(r.endpoint for r in house.client.app._app.routes if getattr(r, "path", "").endswith("file_stream"))
    door._rate._due[mira.key.id] = float("inf")
    answer = stream(house, mira, {})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert stream(house, house.person("mira"), {}).status_code == 200


def test_stop_is_told(house: House, mira: Person) -> None:
    with house.database.writing() as transaction:
        from runkey_server.runs.tables import runs as table

        transaction.execute(table.update().values(stop_requested=True))
    assert stream(house, mira, {}).json() == {"stopped": True}


def test_a_run_that_falls_silent_counts_as_crashed(house: House, mira: Person) -> None:
    stream(house, mira, {})
    house.clock.advance(minutes=5)
    assert read(house, mira)["state"] == "running"
    house.clock.advance(seconds=1)
    assert read(house, mira)["state"] == "crashed"
    stream(house, mira, {})
    assert read(house, mira)["state"] == "running"


def zipped(house: House, mira: Person, body: bytes, encoding: str = "gzip") -> int:
    headers = {"Authorization": f"Bearer {mira.secret}", "Content-Encoding": encoding, "Content-Type": "application/json"}
    return int(house.client.post("/files/mira/p/r1/file_stream", content=body, headers=headers).status_code)


def test_a_zipped_request_is_kept_like_any_other(house: House, mira: Person) -> None:
    plain = json.dumps(history({"_step": 0, "x": 1.5})).encode()
    assert zipped(house, mira, gzip.compress(plain)) == 200
    assert zipped(house, mira, plain, "identity") == 200
    assert read(house, mira)["historyLineCount"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not gzip",
        gzip.compress(b"{}")[:-3],
        gzip.compress(b"{}") + b"more",
        gzip.compress(b"{}") * 2,
        gzip.compress(b" " * (65 * 1024 * 1024)),
        gzip.compress(gzip.compress(b"{}")),
    ],
    ids=["nothing", "no gzip", "cut", "tail", "two members", "bomb", "zipped twice"],
)
def test_what_is_no_whole_zip_or_becomes_too_much_is_refused(house: House, mira: Person, body: bytes) -> None:
    assert zipped(house, mira, body) == 400


def test_an_encoding_that_is_not_known_is_named(house: House, mira: Person) -> None:
    assert zipped(house, mira, b"{}", "br") == 400


def test_several_writers_of_one_run_lose_nothing(house: House, mira: Person) -> None:
    """As the official client sends in its shared mode: every writer counts from 0, and a repeated request changes nothing."""

    def send(writer: str, body: dict[str, object]) -> object:
        headers = {"Authorization": f"Bearer {mira.secret}", "X-Wandb-Use-Async-Filestream": "true", "X-Wandb-Async-Client-Id": writer}
        return house.client.post("/files/mira/p/r1/file_stream", json=body, headers=headers)

    def told(rank: int, steps: range, printed: list[str]) -> dict[str, object]:
        body = history(*({"_step": step, f"x{rank}": step} for step in steps), offset=steps[0])
        body["files"] |= {
            "wandb-events.jsonl": {"offset": steps[0], "content": [f'{{"gpu/l:rank_{rank}": 5}}' for _ in steps]},
            "wandb-summary.json": {"offset": 0, "content": [f'{{"x{rank}": {steps[-1]}, "_step": {steps[-1]}}}']},
            "output.log": {"offset": steps[0], "content": printed},
        }
        return body

    for rank, steps, printed in (
        (0, range(2), ["a0", "a1 10%"]),
        (1, range(2), ["b0", "b1"]),
        (0, range(2), ["a0", "a1 10%"]),
        (0, range(1, 3), ["a1 99%", "a2"]),
        (1, range(2, 3), ["b2"]),
    ):
        assert send(f"writer-{rank}", told(rank, steps, printed)).status_code == 200
    found = read(house, mira)
    assert (found["historyLineCount"], found["eventsLineCount"], found["logLineCount"]) == (6, 6, 6)
    rows = sorted((row["_step"], *(name for name in row if name != "_step")) for row in map(json.loads, found["history"]))
    assert rows == [(step, f"x{rank}") for step in range(3) for rank in range(2)]
    assert json.loads(found["summaryMetrics"]) == {"x0": 2, "x1": 2, "_step": 2}
    with house.database.reading() as transaction:
        run = runs.find_run(transaction, mira.actor, "mira", "p", "r1")
        assert [line.text for line in runs.read_console(transaction, run.id)] == ["a0", "a1 99%", "b0", "b1", "a2", "b2"]
    # Whoever ends first may not end it for the others.
    assert send("writer-1", {"complete": True, "exitcode": 0}).status_code == 200
    assert send("writer-0", {"files": {}}).status_code == 200
    assert read(house, mira)["state"] == "running"
    for bad in ("", "x" * 129, "ä"):
        assert send(bad.encode("latin-1"), history({"x": 1})).status_code == 400
    assert read(house, mira)["historyLineCount"] == 6
    with house.database.writing() as transaction:
        runs.purge(transaction, [run.id])
    assert house.dump()["run_writers"] == []


def test_the_configs_of_several_writers_are_joined(house: House, mira: Person) -> None:
    upsert = """mutation U($config: JSONString) {
      upsertBucket(input: {name: "r1", modelName: "p", config: $config}) { bucket { config } } }"""

    def say(config: dict[str, object]) -> object:
        body = {"query": upsert, "variables": {"config": json.dumps(config)}}
        headers = {"Authorization": f"Bearer {mira.secret}", "X-Wandb-Use-Async-Filestream": "true", "X-Wandb-Client-Id": "w"}
        return json.loads(house.client.post("/graphql", json=body, headers=headers).json()["data"]["upsertBucket"]["bucket"]["config"])

    def own(writer: str, metrics: list[object]) -> dict[str, object]:
        return {"value": {"e": {writer: {"host": writer}}, "m": metrics, "t": {"3": [1]}}}

    say({"a": {"value": 1}, "lr": {"value": 0.1}, "_wandb": own("w0", [{"1": "x"}])})
    joined = say({"b": {"value": 2}, "lr": {"value": 0.2}, "_wandb": own("w1", [])})
    assert {name: each["value"] for name, each in joined.items() if name != "_wandb"} == {"a": 1, "b": 2, "lr": 0.2}
    assert joined["_wandb"]["value"] == {"e": {"w0": {"host": "w0"}, "w1": {"host": "w1"}}, "m": [{"1": "x"}], "t": {"3": [1]}}

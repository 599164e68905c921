"""file_stream and the bytes of files, through the whole application."""

import gzip
import json
import os

import pytest
from house import House, Person

from runkey_server import runs
from runkey_server.files import Directory, Sweeper
from runkey_wire import limits

UPSERT = 'mutation U($name: String) { upsertBucket(input: {name: $name, modelName: "p"}) { bucket { id } } }'
READ = """
query R($run: String!) { project(name: "p") { run(name: $run) {
  state exitCode summaryMetrics historyLineCount eventsLineCount logLineCount historyTail systemMetrics history(minStep: 0, samples: 10)
  historyKeys sampledHistory(specs: ["{\\"keys\\": [\\"_step\\", \\"x\\"], \\"minStep\\": 0, \\"maxStep\\": 1}"])
} } }
"""


@pytest.fixture
def mira(house: House) -> Person:
    person = house.person("mira")
    house.graphql(person.secret, UPSERT, name="r1")
    return person


def stream(house: House, person: Person | None, body: object, run: str = "r1", entity: str = "mira") -> "object":
    headers = {"Authorization": f"Bearer {person.secret}"} if person else {}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return house.client.post(f"/files/{entity}/p/{run}/file_stream", content=content, headers=headers)


def history(*rows: dict[str, object], offset: int = 0) -> dict[str, object]:
    return {"files": {"wandb-history.jsonl": {"offset": offset, "content": [json.dumps(row) for row in rows]}}}


def read(house: House, person: Person, run: str = "r1") -> dict[str, object]:
    return house.graphql(person.secret, READ, run=run).json()["data"]["project"]["run"]


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


# --- files ----------------------------------------------------------------------------------------------------------------

FILES = """
mutation F($files: [String!]!) {
  createRunFiles(input: {entityName: "mira", projectName: "p", runName: "r1", files: $files}) {
    runID uploadHeaders files { name uploadUrl }
  }
}
"""
LIST = """
query L($names: [String], $first: Int, $after: String, $pattern: String) { project(name: "p") { run(name: "r1") { fileCount
  files(names: $names, first: $first, after: $after, pattern: $pattern) {
    edges { node { name url directUrl sizeBytes mimetype md5 } cursor } pageInfo { endCursor hasNextPage }
  }
} } }
"""
ODD_NAMES = [
    "é",
    "e\u0301",
    "\U0001f9ed/\U0001f525.txt",
    "with space.txt",
    "média/ä.png",
    "a%2Fb",
    "x" * 200,
    "a/b/c.json",
    "q?.txt",
    "#1",
    "con",
    "‮evil.txt",
]


def put(house: House, url: str, content: bytes, **headers: str) -> "object":
    return house.client.put(url, content=content, headers=headers)


def test_files_arrive_and_come_back(house: House, mira: Person) -> None:
    slots = house.graphql(mira.secret, FILES, files=ODD_NAMES).json()["data"]["createRunFiles"]
    assert [slot["name"] for slot in slots["files"]] == ODD_NAMES
    assert slots["uploadHeaders"] == []
    for index, slot in enumerate(slots["files"]):
        assert slot["uploadUrl"].startswith("http://127.0.0.1:8080/storage/")
        assert put(house, slot["uploadUrl"], b"content %d" % index).status_code == 200
    found = house.graphql(mira.secret, LIST).json()["data"]["project"]["run"]
    assert found["fileCount"] == len(ODD_NAMES)
    for edge in found["files"]["edges"]:
        answer = house.client.get(edge["node"]["url"], headers={"Authorization": f"Bearer {mira.secret}"})
        assert answer.content == b"content %d" % ODD_NAMES.index(edge["node"]["name"])
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert int(edge["node"]["sizeBytes"]) == len(answer.content)
    stored = [path for path in (house.data / "files").rglob("*") if path.is_file()]
    assert {path.parent.parent for path in stored} == {house.data / "files"}
    assert all(len(path.name) == 64 and path.parent.name == path.name[:2] for path in stored)


def test_pages_names_and_patterns_of_files(house: House, mira: Person) -> None:
    names = [f"f{i:02}.json" for i in range(7)] + ["x.txt"]
    for slot in house.graphql(mira.secret, FILES, files=names).json()["data"]["createRunFiles"]["files"]:
        put(house, slot["uploadUrl"], b"same")

    def ask(**variables: object) -> tuple[list[str], bool]:
        found = house.graphql(mira.secret, LIST, **variables).json()["data"]["project"]["run"]["files"]
        return [edge["node"]["name"] for edge in found["edges"]], found["pageInfo"]["hasNextPage"]

    assert ask(first=3) == (names[:3], True)
    assert ask(first=5, after=names[2]) == (names[3:], False)
    assert ask(names=["./x.txt", "f01.json"]) == (["f01.json", "x.txt"], False)
    assert ask(names=[*names, "absent"], first=2, after="f00.json") == (["f01.json", "f02.json"], True)
    assert ask(pattern="%.txt") == ask(pattern="X.%") == (["x.txt"], False)
    assert ask(pattern="f\\_0%") == ask(pattern="x.txt\\") == ([], False)
    assert len(list((house.data / "files").rglob("*"))) == 3  # one folder, one file, and `incoming`


LEGACY = """
query RunUploadUrls($name: String!, $files: [String]!, $entity: String, $run: String!, $description: String) {
  model(name: $name, entityName: $entity) { bucket(name: $run, desc: $description) {
    id files(names: $files) { uploadHeaders edges { node { name url(upload: true) updatedAt md5 } } }
  } }
}
"""


def test_clients_before_createrunfiles_send_files_that_are_not_there_yet(house: House, mira: Person) -> None:
    names = [f"new {i}.txt" for i in range(60)]

    def ask() -> list[dict[str, object]]:
        bucket = house.graphql(mira.secret, LEGACY, name="p", run="r1", files=names).json()["data"]["model"]["bucket"]
        assert bucket["files"]["uploadHeaders"] == []
        return [edge["node"] for edge in bucket["files"]["edges"]]

    slots = ask()
    assert {slot["name"] for slot in slots} == set(names)
    assert {(slot["md5"], slot["updatedAt"]) for slot in slots} == {("0", None)}
    assert put(house, str(slots[0]["url"]), b"kept").status_code == 200
    assert [slot["name"] for slot in ask() if slot["updatedAt"]] == [slots[0]["name"]]
    # Reading what is not there is a 404, once: no client asks again.
    listed = house.graphql(mira.secret, LIST, names=["absent"]).json()["data"]["project"]["run"]["files"]["edges"][0]["node"]
    assert (listed["md5"], listed["sizeBytes"]) == ("0", 0)
    assert house.client.get(listed["url"]).status_code == 404


@pytest.mark.parametrize("name", ["", "../x", "a/../../b", "/etc/passwd", "a\0b", "a\nb", "x" * 2_000, "..\\x", "C:\\..\\x"])
def test_names_that_lead_elsewhere_are_refused_and_hold_up_no_others(house: House, mira: Person, name: str) -> None:
    slots = house.graphql(mira.secret, FILES, files=["fine", name, "./too"]).json()["data"]["createRunFiles"]["files"]
    assert [slot["name"] for slot in slots] == ["fine", name, "./too"]
    answers = [put(house, slot["uploadUrl"], b"x") for slot in slots]
    assert [answer.status_code for answer in answers] == [200, 400, 200]
    assert "is no file name" in answers[1].json()["error"]
    found = house.graphql(mira.secret, LIST).json()["data"]["project"]["run"]
    assert [edge["node"]["name"] for edge in found["files"]["edges"]] == ["fine", "too"]


def test_an_address_is_good_for_what_it_was_given_for(house: House, mira: Person) -> None:
    url = house.graphql(mira.secret, FILES, files=["a"]).json()["data"]["createRunFiles"]["files"][0]["uploadUrl"]
    token = url.rsplit("/", 1)[1]
    assert house.client.get(url).status_code == 403
    last, first = "B" if token[-1] == "A" else "A", "y" if token[0] == "x" else "x"
    for forged in (token[:-2], token[:-1] + last, first + token[1:], "AAAA", "%00"):
        assert put(house, f"/storage/{forged}", b"x").status_code in (403, 404)
    assert put(house, url, b"x", Authorization="Bearer junk").status_code == 401
    assert put(house, url, b"x", Authorization=f"Bearer {mira.secret}").status_code == 200
    house.clock.advance(minutes=61)
    assert put(house, url, b"y").status_code == 403
    options = house.client.options(url, headers={"Origin": "https://elsewhere.example"})
    assert (options.status_code, options.headers["access-control-allow-origin"]) == (204, "*")


def upload(house: House, mira: Person, name: str, content: bytes) -> str:
    """Save a file; give where it can be had."""
    slot = house.graphql(mira.secret, FILES, files=[name]).json()["data"]["createRunFiles"]["files"][0]
    assert slot["name"] == name
    assert put(house, slot["uploadUrl"], content).status_code == 200
    found = house.graphql(mira.secret, LIST, names=[name]).json()["data"]["project"]["run"]["files"]["edges"]
    return str(found[0]["node"]["url"])


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-99", 206, b"0123456789"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=10-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=3-1", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=0-" + "9" * 5_000, 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_a_part_of_a_file(house: House, mira: Person, asked: str, status: int, content: bytes) -> None:
    url = upload(house, mira, "film.mp4", b"0123456789")
    answer = house.client.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers["accept-ranges"] == "bytes"
    if status == 206:
        first = b"0123456789".index(content)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(content) - 1}/10"
    head = house.client.head(url, headers={"Range": asked})
    assert (head.status_code, head.content, head.headers["content-length"]) == (status, b"", str(len(content)))
    old = house.client.get(url, headers={"Range": asked, "If-Range": '"of other bytes"'})
    assert (old.status_code, old.content) == (200, b"0123456789")


DELETE = "mutation D($files: [ID!]!, $project: Int) { deleteFiles(input: {files: $files, projectId: $project}) { success } }"
IDS = 'query I { project(name: "p") { run(name: "r1") { projectId files { edges { node { id name } } } } } }'


def test_what_is_deleted_or_replaced_leaves_the_disk_when_nothing_else_has_its_bytes(house: House, mira: Person) -> None:
    for name, content in (("one", b"same"), ("two", b"same"), ("three", b"before"), ("three", b"after")):
        upload(house, mira, name, content)
    run = house.graphql(mira.secret, IDS).json()["data"]["project"]["run"]
    known = {edge["node"]["name"]: edge["node"]["id"] for edge in run["files"]["edges"]}

    def delete(secret: str, *names: str, project: int | None = run["projectId"]) -> object:
        answer = house.graphql(secret, DELETE, files=[known.get(name, name) for name in names], project=project).json()
        return answer["data"]["deleteFiles"] or answer["errors"][0]["message"]

    directory = Directory(house.data / "files")

    def there() -> set[bytes]:
        # Of a moment ago, as all bytes are that may be waiting for their row.
        for path in (house.data / "files").glob("??/*"):
            os.utime(path, (0, 0))
        Sweeper(house.database, directory).sweep_due()
        return {path.read_bytes() for path in (house.data / "files").glob("??/*")}

    assert there() == {b"same", b"after"}
    stranger = house.person("charlie")
    assert delete(stranger.secret, "one") == delete(mira.secret, "one", project=10**6) == "There is no such run."
    assert delete(mira.secret, "one", known["two"] + "x") == "There is no such file.", "all or none"
    assert [edge["node"]["name"] for edge in house.graphql(mira.secret, IDS).json()["data"]["project"]["run"]["files"]["edges"]] == [
        "one",
        "three",
        "two",
    ]
    assert delete(mira.secret, "one") == {"success": True}
    assert there() == {b"same", b"after"}
    assert delete(mira.secret, "two", "three", project=None) == {"success": True}
    Sweeper(house.database, directory).sweep_due()
    assert there() == set()


def test_a_failed_upload_leaves_nothing(house: House, mira: Person) -> None:
    url = house.graphql(mira.secret, FILES, files=["a"]).json()["data"]["createRunFiles"]["files"][0]["uploadUrl"]
    run_id = house.graphql(mira.secret, UPSERT, name="r1").json()["data"]["upsertBucket"]["bucket"]["id"]
    house.graphql(mira.secret, "mutation D($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=run_id)
    assert put(house, url, b"x" * 3_000_000).status_code == 404
    assert [path for path in (house.data / "files").rglob("*") if path.is_file()] == []


def test_telemetry_is_answered_and_forgotten(house: House) -> None:
    answer = house.client.post("/sdk/otel/v1/metrics", content=b"\x0a\x00")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "application/x-protobuf")


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

"""The bytes of files, through the whole application: sent, given out, in parts, replaced, deleted."""

import os

import pytest
from house import House, Person
from streaming import UPSERT

from runkey_server.files import Directory, Sweeper

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

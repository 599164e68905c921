"""How large a file may be, and how much a project and an account may keep: refused in words, finally, and for files alone."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from house import House, Person, StillClock, open_house

from runkey_server.errors import Error
from runkey_server.files import Directory, Sweeper
from runkey_server.retention.limiting import in_words
from runkey_server.settings import Settings, check, parse_size

UPSERT = "mutation U($name: String, $project: String) { upsertBucket(input: {name: $name, modelName: $project}) { bucket { id } } }"
SAVE = """mutation S($project: String!, $name: String!) {
  createRunFiles(input: {entityName: "mira", projectName: $project, runName: "r1", files: [$name]}) { files { uploadUrl } }
}"""
IDS = 'query I { project(name: "p") { run(name: "r1") { files { edges { node { id name } } } } } }'
DELETE = "mutation D($files: [ID!]!) { deleteFiles(input: {files: $files}) { success } }"


@dataclass
class Saver:
    """Somebody who saves files, a thousand bytes each where nothing else is said."""

    house: House
    person: Person

    def save(self, name: str, content: bytes | None = None, project: str = "p", *, whole: bool = True) -> int:
        """Save a file of a run; give the status. whole: its length is said."""
        self.house.graphql(self.person.secret, UPSERT, name="r1", project=project)
        slots = self.house.graphql(self.person.secret, SAVE, project=project, name=name).json()["data"]["createRunFiles"]["files"]
        content = name.encode().ljust(1_000, b".") if content is None else content
        pieces = content if whole else iter([content[:600], content[600:]])
        self.answer = self.house.client.put(slots[0]["uploadUrl"], content=pieces)
        return int(self.answer.status_code)

    @property
    def told(self) -> str:
        return str(self.answer.json()["error"])

    def listed(self, project: str = "p") -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.person.secret}"}
        return dict(self.house.client.get(f"/mira/{project}/runs/r1/files", headers=headers).json())


@pytest.fixture
def saver(tmp_path: Path, clock: StillClock) -> Iterator[Saver]:
    limits = {"max_file_bytes": 2_000, "max_project_bytes": 5_000, "max_account_bytes": 8_000}
    with open_house(tmp_path / "data", clock, **limits) as house:
        yield Saver(house, house.person("mira"))


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_is_too_large_is_refused_and_the_run_goes_on(saver: Saver, whole: bool) -> None:
    assert saver.save("large", b"x" * 2_001, whole=whole) == 413
    assert saver.told == "The file is larger than the 2 kB that a file may have on this server."
    assert saver.save("fits", b"x" * 2_000, whole=whole) == 200
    rows = {"files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"_step": 0}']}}}
    headers = {"Authorization": f"Bearer {saver.person.secret}"}
    assert saver.house.client.post("/files/mira/p/r1/file_stream", content=json.dumps(rows), headers=headers).status_code == 200
    listed = saver.listed()
    assert [file["name"] for file in listed["files"]] == ["fits"]
    assert (listed["refused"], listed["full"]) == (
        [{"name": "large", "reason": "The file is larger than the 2 kB that a file may have on this server."}],
        None,
    )
    assert saver.save("large", b"small by now") == 200
    assert saver.listed()["refused"] == [], "it was taken in the end"
    assert len(list((saver.house.data / "files").glob("??/*"))) == 2


def test_a_project_and_an_account_have_room_for_so_much(saver: Saver) -> None:
    assert [saver.save(f"f{i}") for i in range(6)] == [200] * 5 + [403]
    assert saver.told == (
        "There is no room for this file: the files of this project take 5 kB of the 5 kB that they may. "
        "Delete files or runs, or ask the server's operator for more."
    )
    assert saver.listed()["full"] == saver.told
    assert [refusal["name"] for refusal in saver.listed()["refused"]] == ["f5"]
    assert saver.save("unsaid", whole=False) == 403
    assert [saver.save(f"g{i}", project="q") for i in range(4)] == [200] * 3 + [403]
    assert "the files of this account take 8 kB of the 8 kB" in saver.told
    assert saver.listed("q")["full"] == saver.told
    # The usage that the page tells is what the limit counts.
    headers = {"Authorization": f"Bearer {saver.person.secret}"}
    assert saver.house.client.get("/mira/p/usage", headers=headers).json()["files"] == 5_000


def test_there_is_room_again_once_something_is_deleted(saver: Saver) -> None:
    assert [saver.save(f"f{i}") for i in range(6)] == [200] * 5 + [403]
    edges = saver.house.graphql(saver.person.secret, IDS).json()["data"]["project"]["run"]["files"]["edges"]
    assert saver.house.graphql(saver.person.secret, DELETE, files=[edges[0]["node"]["id"]]).json()["data"]["deleteFiles"]["success"]
    assert [saver.save("again"), saver.save("more")] == [200, 403]
    # What is there already takes nothing more, whatever a worker added up meanwhile.
    assert saver.save("f1", b"f2".ljust(1_000, b".")) == 403, "no room is known for it before it has come"
    for path in (saver.house.data / "files").glob("??/*"):
        os.utime(path, (0, 0))
    Sweeper(saver.house.database, Directory(saver.house.data / "files")).sweep_due()
    assert len(list((saver.house.data / "files").glob("??/*"))) == 5


def test_equal_bytes_count_once(saver: Saver) -> None:
    assert [saver.save(f"same{i}", b"x" * 1_500) for i in range(8)] == [200] * 8
    assert len(list((saver.house.data / "files").glob("??/*"))) == 1


@pytest.mark.parametrize(("text", "size"), [("1B", 1), ("500MB", 500_000_000), (" 20GB ", 20 * 10**9), ("1TB", 10**12), ("3kB", 3_000)])
def test_sizes_are_read_and_written(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(in_words(size).replace(" ", "")) == size


@pytest.mark.parametrize("text", ["", "0MB", "5", "5 MB", "-1MB", "1.5GB", "MB", "9" * 12 + "GB", "5mb", "٣MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(Error, match="is no size"):
        parse_size(text)


def test_a_file_cannot_be_allowed_to_be_larger_than_there_may_be() -> None:
    with pytest.raises(Error, match="--max-file"):
        check(Settings(max_file_bytes=6 * 10**9))

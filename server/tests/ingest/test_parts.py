"""Large files of artifacts that come in parts: in any order, twice, cut off in between; joined once, whole or not at all; swept."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from estates import COMMIT, COMPLETE, CREATE, FILES, announce, send_parts
from house import House, Person, StillClock, open_house
from manifests import lines_of, manifest_of, md5_of

from runkey_server import artifacts
from runkey_server.artifacts.purging import ABANDONED_AFTER
from runkey_server.graphql import joining

WHOLE = bytes(range(256)) * 30
PARTS = [WHOLE[:3_000], WHOLE[3_000:6_000], WHOLE[6_000:]]
URLS = "query($i: ID!) { artifact(id: $i) { files { edges { node { name directUrl } } } } }"


@dataclass
class Sender:
    """Somebody who sends large files."""

    house: House
    person: Person

    def ask(self, query: str, **variables: Any) -> Any:
        answer = self.house.graphql(self.person.secret, query, **variables).json()  # type: ignore[attr-defined]
        assert "errors" not in answer, answer
        return answer["data"]

    def fault(self, query: str, **variables: Any) -> str:
        (error,) = self.house.graphql(self.person.secret, query, **variables).json()["errors"]  # type: ignore[attr-defined]
        return str(error["message"])

    def begin(self, project: str = "p") -> str:
        """Begin a version; give its id."""
        where = {"entityName": "mira", "projectName": project, "artifactTypeName": "model", "artifactCollectionName": "large"}
        what = {"digest": "0" * 32, "digestAlgorithm": "MANIFEST_MD5", "enableDigestDeduplication": False}
        return str(self.ask(CREATE, input={**where, **what})["createArtifact"]["artifact"]["id"])

    def send(self, artifact_id: str, parts: list[bytes] = PARTS, **more: Any) -> dict[str, Any]:
        return send_parts(self.house, self.ask, artifact_id, parts, **more)

    def complete(self, told: dict[str, Any]) -> str:
        return str(self.ask(COMPLETE, input=told)["completeMultipartUploadArtifact"]["digest"])

    def commit(self, artifact_id: str, **files: bytes) -> None:
        body = manifest_of(lines_of(files))
        self.put(announce(self.ask, "mira", "p", artifact_id, body)["file"]["uploadUrl"], body)
        assert self.ask(COMMIT, id=artifact_id)["commitArtifact"]["artifact"]["state"] == "COMMITTED"

    def put(self, url: str, body: bytes) -> None:
        assert self.house.client.put(url.removeprefix(self.house.base_url), content=body).status_code == 200

    def blobs(self) -> set[str]:
        """Give the digests of all blobs that are kept, once what was let go of is swept."""
        artifacts.sweep_due(self.house.database)
        with self.house.database.reading() as transaction:
            return {str(md5) for md5 in transaction.exec_driver_sql("SELECT md5 FROM blobs").scalars()}


def digests(*bodies: bytes) -> set[str]:
    return {md5_of(body) for body in bodies}


@contextmanager
def sender_in(data: Path, clock: StillClock, **settings: Any) -> Iterator[Sender]:
    with open_house(data, clock, is_quiet=True, **settings) as house:
        yield Sender(house, house.person("mira"))


@pytest.fixture
def sender(tmp_path: Path, clock: StillClock, request: pytest.FixtureRequest) -> Iterator[Sender]:
    is_sqlite = getattr(request, "param", "sqlite") == "sqlite"
    settings = {} if is_sqlite else {"database_url": request.getfixturevalue("postgres").new_database()}
    with sender_in(tmp_path / "data", clock, **settings) as opened:
        yield opened


@pytest.mark.parametrize("sender", ["sqlite", "postgres"], indirect=True)
def test_parts_become_one_file(sender: Sender) -> None:
    version = sender.begin()
    told = sender.send(version)
    assert [part["hexMD5"] for part in told["completedParts"]] == [f'"{hashlib.md5(part).hexdigest()}"' for part in reversed(PARTS)]
    assert sender.blobs() == digests(*PARTS)
    for _ in range(2):
        assert sender.complete(told) == md5_of(WHOLE)
    assert sender.blobs() == digests(WHOLE), "the parts went when they were joined"
    sender.commit(version, large=WHOLE)
    (edge,) = sender.ask(URLS, i=version)["artifact"]["files"]["edges"]
    assert sender.house.client.get(edge["node"]["directUrl"].removeprefix(sender.house.base_url)).content == WHOLE
    assert list((sender.house.data / "files" / "incoming").glob("*")) == []
    # Whoever announces the same again sends nothing.
    again = {"artifactID": sender.begin(), "name": "again", "md5": md5_of(WHOLE), "uploadPartsInput": told["completedParts"]}
    (slot,) = sender.ask(FILES, input={"artifactFiles": [again]})["createArtifactFiles"]["files"]["edges"]
    assert (slot["node"]["uploadUrl"], slot["node"]["uploadMultipartUrls"]) == (None, None)


def test_what_is_missing_wrong_or_foreign_is_not_joined(sender: Sender) -> None:
    version = sender.begin()
    half = sender.send(version, but=[2])
    told = half | {"completedParts": [{"partNumber": n, "hexMD5": hashlib.md5(part).hexdigest()} for n, part in enumerate(PARTS, 1)]}
    assert sender.fault(COMPLETE, input=told).startswith("1 of 3 parts are not here, part 2 among them.")
    for wrong in (half, told | {"uploadID": md5_of(b"other")}, told | {"artifactID": sender.begin()}):
        assert "were not announced" in sender.fault(COMPLETE, input=wrong)
    # What was sent before is not lost: the rest is sent, and what is there twice.
    assert sender.complete(sender.send(version, but=[1, 3]) | {"completedParts": told["completedParts"]}) == md5_of(WHOLE)


def test_parts_of_a_file_that_changed_meanwhile_are_refused(sender: Sender) -> None:
    version = sender.begin()
    parts = [{"partNumber": n, "hexMD5": hashlib.md5(part).hexdigest()} for n, part in enumerate(PARTS, 1)]
    file = {"artifactID": version, "name": "x", "md5": md5_of(b"as it was before"), "uploadPartsInput": parts}
    (slot,) = sender.ask(FILES, input={"artifactFiles": [file]})["createArtifactFiles"]["files"]["edges"]
    urls = [each["uploadUrl"] for each in slot["node"]["uploadMultipartUrls"]["uploadUrlParts"]]
    assert sender.house.client.put(urls[0].removeprefix(sender.house.base_url), content=PARTS[1]).status_code == 400
    for url, part in zip(urls, PARTS, strict=True):
        sender.put(url, part)
    told = {
        "artifactID": version,
        "storagePath": "",
        "uploadID": file["md5"],
        "completedParts": parts,
        "completeMultipartAction": "Complete",
    }
    for _ in range(2):
        assert "do not have the MD5 digest" in sender.fault(COMPLETE, input=told)
    assert sender.blobs() == digests(*PARTS)
    assert list((sender.house.data / "files" / "incoming").glob("*")) == []


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ([{"partNumber": 1, "hexMD5": "0" * 32}, {"partNumber": 3, "hexMD5": "0" * 32}], "numbered from 1"),
        ([{"partNumber": 1, "hexMD5": "0" * 32}, {"partNumber": 1, "hexMD5": "1" * 32}], "numbered from 1"),
        ([{"partNumber": n, "hexMD5": "0" * 32} for n in range(1, 10_002)], "numbered from 1"),
        ([{"partNumber": 1, "hexMD5": "zz"}, {"partNumber": 2, "hexMD5": "0" * 32}], "hexadecimal"),
        ([{"partNumber": 1, "hexMD5": "00"}, {"partNumber": 2, "hexMD5": "0" * 32}], "no MD5 digest"),
    ],
)
def test_odd_parts(sender: Sender, parts: list[dict[str, Any]], fault: str) -> None:
    file = {"artifactID": sender.begin(), "name": "x", "md5": md5_of(WHOLE), "uploadPartsInput": parts}
    assert fault in sender.fault(FILES, input={"artifactFiles": [file]})


def test_addresses_of_parts_live_a_day(sender: Sender, clock: StillClock) -> None:
    file = {"artifactID": sender.begin(), "name": "x", "md5": md5_of(WHOLE), "uploadPartsInput": []}
    file["uploadPartsInput"] = [{"partNumber": n, "hexMD5": hashlib.md5(part).hexdigest()} for n, part in enumerate(PARTS, 1)]
    (slot,) = sender.ask(FILES, input={"artifactFiles": [file]})["createArtifactFiles"]["files"]["edges"]
    url = slot["node"]["uploadMultipartUrls"]["uploadUrlParts"][0]["uploadUrl"]
    clock.advance(hours=23)
    sender.put(url, PARTS[0])
    clock.advance(hours=2)
    assert sender.house.client.put(url.removeprefix(sender.house.base_url), content=PARTS[0]).status_code == 403


def abandon(sender: Sender, version: str, clock: StillClock) -> None:
    clock.advance(days=ABANDONED_AFTER.days, minutes=1)
    artifacts.expire(sender.house.database, clock())


def commit_without(sender: Sender, version: str, clock: StillClock) -> None:
    """It is sent whole after all, as a client without parts would."""
    file = {"artifactID": version, "name": "large", "md5": md5_of(WHOLE)}
    (slot,) = sender.ask(FILES, input={"artifactFiles": [file]})["createArtifactFiles"]["files"]["edges"]
    sender.put(slot["node"]["uploadUrl"], WHOLE)
    sender.commit(version, large=WHOLE)


def announce_others(sender: Sender, version: str, clock: StillClock) -> None:
    """Another client's parts of the same file are larger."""
    sender.complete(sender.send(version, [WHOLE[:5_000], WHOLE[5_000:]]))


@pytest.mark.parametrize("leave", [abandon, commit_without, announce_others])
def test_parts_that_were_left_are_swept_but_what_others_need(
    sender: Sender, clock: StillClock, leave: Callable[[Sender, str, StillClock], None]
) -> None:
    needed = sender.begin()
    slot = sender.ask(FILES, input={"artifactFiles": [{"artifactID": needed, "name": "same", "md5": md5_of(PARTS[0])}]})
    sender.put(slot["createArtifactFiles"]["files"]["edges"][0]["node"]["uploadUrl"], PARTS[0])
    sender.commit(needed, same=PARTS[0])
    version = sender.begin()
    sender.send(version, but=[3])
    before = sender.blobs()
    leave(sender, version, clock)
    artifacts.purge_due(sender.house.database, clock() + timedelta(days=2))
    assert before - sender.blobs() == digests(PARTS[1])
    assert md5_of(PARTS[0]) in sender.blobs()


def test_a_whole_is_held_to_the_limits_as_what_comes_in_one_piece(tmp_path: Path, clock: StillClock) -> None:
    with sender_in(tmp_path / "data", clock, max_file_bytes=7_000, max_project_bytes=13_000) as sender:
        told = sender.send(sender.begin())
        assert "larger than the 7 kB" in sender.fault(COMPLETE, input=told)
        # Equal parts are kept once: what is joined of them takes more than they do.
        same = [b"a" * 2_300] * 3
        assert "There is no room" in sender.fault(COMPLETE, input=sender.send(sender.begin(), same))
        assert md5_of(b"".join(same)) not in sender.blobs()
        artifacts.expire(sender.house.database, clock() + ABANDONED_AFTER)
        artifacts.purge_due(sender.house.database, clock() + 2 * ABANDONED_AFTER)
        artifacts.sweep_due(sender.house.database)
        clock.advance(minutes=2)
        same = [b"b" * 2_300] * 3
        assert sender.complete(sender.send(sender.begin(), same)) == md5_of(b"".join(same))


def test_a_long_join_is_asked_for_again(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "HELD_FOR_SECONDS", 0.0)
    told = sender.send(sender.begin())
    answer = sender.house.graphql(sender.person.secret, COMPLETE, input=told)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")  # type: ignore[attr-defined]
    monkeypatch.undo()
    assert sender.complete(told) == md5_of(WHOLE)


def test_a_join_that_was_cut_off_is_begun_again(tmp_path: Path, clock: StillClock) -> None:
    with sender_in(tmp_path / "data", clock) as sender:
        told = sender.send(sender.begin())
        # Bytes of a part are lost on the disk: it is told, and what is sent again is joined.
        database, directory = sender.house.database, sender.house.data / "files"
        with database.reading() as transaction:
            lost = transaction.exec_driver_sql("SELECT sha256 FROM blobs WHERE size_bytes = 1680").scalar_one()
        os.unlink(directory / lost[:2] / lost)
        assert "not here any more" in sender.fault(COMPLETE, input=told)
        assert list((directory / "incoming").glob("*")) == []
        assert sender.complete(sender.send(told["artifactID"])) == md5_of(WHOLE)

"""Runs that are moved to another project: all that is theirs comes along, and is counted and freed where it is."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from estates import FILE, PARTS, Estate, settle
from house import House, StillClock, open_house

from runkey_server import artifacts
from runkey_server.files import Directory, Sweeper
from runkey_server.retention import Purger

RUN = """query R($p: String, $r: String!) { project(name: $p, entityName: "mira") { run(name: $r) {
  id config historyLineCount logLineCount fileCount createdAt files { edges { node { name md5 directUrl } } }
  outputArtifacts { edges { node { id } } } inputArtifacts { edges { node { id } } } } } }"""
VERSION = """query V($p: String, $n: String!) { project(name: $p, entityName: "mira") { artifact(name: $n) {
  id state aliases { alias } usedBy { edges { node { name } } } currentManifest { file { directUrl } }
  files { edges { node { name directUrl } } } } } }"""


@pytest.fixture
def estate(tmp_path: Path, clock: StillClock, request: pytest.FixtureRequest) -> Iterator[Estate]:
    """A run with everything that a run may have: its table in a sequence of its own."""
    settings = getattr(request, "param", {})
    if settings == "postgres":
        settings = {"database_url": request.getfixturevalue("postgres").new_database()}
    with open_house(tmp_path / "data", clock, is_quiet=True, **settings) as house:
        yield settle(house, "mira", "p", "r1", "run-r1-answers")


def move(estate: Estate, *names: str, to: str = "q", source: str = "p") -> Any:
    body = {"act": "move", "runs": list(names), "to": to}
    return estate.house.client.post(f"/mira/{source}/runs/acts", json=body, headers={"Authorization": f"Bearer {estate.secret}"})


def end(estate: Estate, name: str = "r1", project: str = "p") -> None:
    body = {"complete": True, "exitcode": 0}
    headers = {"Authorization": f"Bearer {estate.secret}"}
    assert estate.house.client.post(f"/files/mira/{project}/{name}/file_stream", json=body, headers=headers).status_code == 200


def get(estate: Estate, url: str) -> bytes:
    answer = estate.house.client.get(url.removeprefix(estate.house.base_url), headers={"Authorization": f"Bearer {estate.secret}"})
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def files_of(estate: Estate, project: str) -> int:
    artifacts.sweep_due(estate.house.database)
    # Remembered for a minute.
    estate.house.clock.advance(minutes=2)
    headers = {"Authorization": f"Bearer {estate.secret}"}
    return int(estate.house.client.get(f"/mira/{project}/usage", headers=headers).json()["files"])


def purge(house: House) -> set[str]:
    """Let everything come to pass that is due; give the bytes that are kept."""
    directory = Directory(house.data / "files")
    for path in (house.data / "files").glob("??/*"):
        os.utime(path, (0, 0))
    house.clock.advance(days=1, hours=1)
    for _ in range(2):
        Purger(house.database, directory, house.clock).purge_due()
    Sweeper(house.database, directory).sweep_due()
    return set(directory.list_all())


@pytest.mark.parametrize("estate", [{}, "postgres"], indirect=True, ids=["sqlite", "postgres"])
def test_all_that_a_run_has_comes_along(estate: Estate) -> None:
    end(estate)
    before = estate.graphql(RUN, p="p", r="r1")["project"]["run"]
    kept = files_of(estate, "p")
    assert move(estate, "r1", "absent").json() == {"changed": ["r1"], "runs": []}
    after = estate.graphql(RUN, p="q", r="r1")["project"]["run"]
    for one in (before, after):
        one["files"] = [(each["node"]["name"], get(estate, each["node"].pop("directUrl"))) for each in one["files"]["edges"]]
    assert after == before
    assert after["files"] == [(FILE, b"words of a file")]
    assert after["outputArtifacts"]["edges"] and after["inputArtifacts"]["edges"]
    assert estate.graphql(RUN, p="p", r="r1")["project"]["run"] is None
    version = estate.graphql(VERSION, p="q", n="run-r1-answers:run-r1-answers-best")["project"]["artifact"]
    assert (version["id"], version["usedBy"]["edges"]) == (estate.logged.artifact_id, [{"node": {"name": "r1"}}])
    assert get(estate, version["files"]["edges"][0]["node"]["directUrl"]) == estate.logged.words
    assert b"words.txt" in get(estate, version["currentManifest"]["file"]["directUrl"])
    assert estate.graphql(VERSION, p="p", n="run-r1-answers")["project"]["artifact"] is None
    # The portfolio is the other project's, and shows the same version.
    assert estate.graphql(VERSION, p="p", n="run-r1-answers-shown")["project"]["artifact"]["id"] == estate.logged.artifact_id
    assert (files_of(estate, "p"), files_of(estate, "q")) == (0, kept)


def test_a_version_that_others_log_to_stays_where_it_is_asked_for(estate: Estate) -> None:
    estate.graphql('mutation { upsertBucket(input: {name: "r2", modelName: "p", state: "finished"}) { inserted } }')
    made = estate.graphql(
        'mutation { createArtifact(input: {entityName: "mira", projectName: "p", runName: "r2", artifactTypeName: "run-r1-answers-type",'
        ' artifactCollectionName: "run-r1-answers", digest: "3", digestAlgorithm: MANIFEST_MD5}) { artifact { id } } }'
    )["createArtifact"]["artifact"]["id"]
    end(estate)
    assert move(estate, "r1").json()["changed"] == ["r1"]
    assert estate.graphql(VERSION, p="p", n="run-r1-answers:v0")["project"]["artifact"]["id"] == estate.logged.artifact_id
    logged = estate.graphql(RUN, p="q", r="r1")["project"]["run"]["outputArtifacts"]["edges"]
    assert estate.logged.artifact_id in [each["node"]["id"] for each in logged] and made not in logged


@pytest.mark.parametrize("deleted_first", ["p", "q"])
def test_what_is_deleted_later_frees_what_is_its_own(estate: Estate, deleted_first: str) -> None:
    end(estate)
    # Another run of the first project saves the same bytes as the one that is moved.
    slots = estate.graphql('mutation { upsertBucket(input: {name: "r2", modelName: "p", state: "finished"}) { inserted } }')
    slots = estate.graphql(
        'mutation { createRunFiles(input: {entityName: "mira", projectName: "p", runName: "r2", files: ["same"]}) { files { uploadUrl } } }'
    )["createRunFiles"]["files"]
    url = slots[0]["uploadUrl"].removeprefix(estate.house.base_url)
    assert estate.house.client.put(url, content=b"words of a file").status_code == 200
    everything = purge(estate.house)
    move(estate, "r1")
    assert purge(estate.house) == everything
    headers = {"Authorization": f"Bearer {estate.secret}"}

    def delete(project: str) -> None:
        assert estate.house.client.post(f"/mira/{project}/acts", json={"act": "delete"}, headers=headers).json() == {"changed": True}

    delete(deleted_first)
    left = purge(estate.house)
    if deleted_first == "p":
        assert left == everything, "the only bytes of the first project are the other's as well"
        assert estate.graphql(RUN, p="q", r="r1")["project"]["run"]["fileCount"] == 1
    else:
        assert len(left) == 1, "what the other run saved"
    delete("q" if deleted_first == "p" else "p")
    assert purge(estate.house) == set()


def test_what_cannot_be_moved_is_told_and_nothing_is(estate: Estate) -> None:
    for to, status, words in (("q", 409, "'r1' still goes on"), ("p", 400, "already"), ("a/b", 400, "'a/b'")):
        answer = move(estate, "r1", to=to)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
    end(estate)
    estate.graphql('mutation { upsertBucket(input: {name: "r2", modelName: "p", state: "finished"}) { inserted } }')
    taken = estate.graphql('mutation { upsertBucket(input: {name: "r2", modelName: "q"}) { bucket { id } } }')["upsertBucket"]["bucket"]
    for is_deleted in (False, True):
        if is_deleted:
            # It may be restored.
            estate.graphql("mutation D($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=taken["id"])
        answer = move(estate, "r1", "r2")
        assert (answer.status_code, "'r2'" in answer.text) == (409, True), answer.text
    assert estate.graphql(RUN, p="p", r="r1")["project"]["run"]["fileCount"] == 1
    assert move(estate, "absent", to="never").json()["changed"] == []
    assert estate.graphql('{ project(name: "never") { id } }')["project"] is None
    # One that fell silent is over.
    estate.graphql('mutation { upsertBucket(input: {name: "r3", modelName: "p"}) { inserted } }')
    estate.house.clock.now += timedelta(minutes=6)
    assert move(estate, "r3").json()["changed"] == ["r3"]


@pytest.mark.parametrize("estate", [{"max_project_bytes": len(b"".join(PARTS)) + 400}], indirect=True)
def test_a_full_project_takes_no_run(estate: Estate) -> None:
    end(estate)
    estate.graphql('mutation { upsertBucket(input: {name: "r9", modelName: "q"}) { inserted } }')
    slots = estate.graphql(
        'mutation { createRunFiles(input: {entityName: "mira", projectName: "q", runName: "r9", files: ["x"]}) { files { uploadUrl } } }'
    )["createRunFiles"]["files"]
    url = slots[0]["uploadUrl"].removeprefix(estate.house.base_url)
    assert estate.house.client.put(url, content=b"x" * 400).status_code == 200
    answer = move(estate, "r1")
    assert (answer.status_code, "There is no room" in answer.text) == (403, True), answer.text
    assert estate.graphql(RUN, p="p", r="r1")["project"]["run"]["fileCount"] == 1
    assert move(estate, "r1", to="roomy").json()["changed"] == ["r1"]

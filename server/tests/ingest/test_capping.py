"""What an account without a name may keep: counted by what is there, whatever way it came and however often."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from estates import COMMIT
from house import House, StillClock, open_house
from manifests import manifest_of, md5_of

from runkey_server import accounts, claiming
from runkey_server.claiming import Purger
from runkey_server.errors import Error
from runkey_server.files import Directory
from runkey_server.ingest.reserving import OfAnonymous, Room
from runkey_server.settings import AnonymousLimits

UPSERT = "mutation U($p: String, $n: String) { upsertBucket(input: {modelName: $p, name: $n}) { inserted } }"
BEGIN = "mutation B($input: CreateArtifactInput!) { createArtifact(input: $input) { artifact { id artifactSequence { id } } } }"
ANNOUNCE = (
    "mutation A($files: [CreateArtifactFileSpecInput!]!) { createArtifactFiles(input: {artifactFiles: $files}) { files { totalCount } } }"
)
DESCRIBE = """
mutation D($id: ID!, $to: ID!, $more: JSONString, $words: String) {
  updateArtifact(input: {artifactID: $id, metadata: $more}) { artifact { id } }
  updateArtifactSequence(input: {artifactSequenceID: $to, description: $words}) { artifactCollection { id } }
}
"""
ANNOUNCE_MANIFEST = """
mutation M($id: ID!, $digest: String!) {
  createArtifactManifest(input: {artifactID: $id, digest: $digest, name: "wandb_manifest.json", entityName: "", projectName: "p"}) {
    artifactManifest { file { uploadUrl } }
  }
}
"""
FILES = """
mutation F($e: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: $e, projectName: "p", runName: "r", files: $files}) { files { uploadUrl } }
}
"""


class Nameless:
    """Somebody without an account, and one run of theirs."""

    def __init__(self, house: House) -> None:
        self.house = house
        with house.database.writing() as transaction:
            started = claiming.start(transaction, house.pepper, claiming.Caps(5, 1_000_000, 14), "here", house.clock())
        self.account, self.secret, self.code = started.account, started.secret, started.claim_code
        assert self.ask(UPSERT, p="p", n="r") == {"upsertBucket": {"inserted": True}}

    def ask(self, query: str, **variables: object) -> Any:
        answer = self.house.graphql(self.secret, query, **variables).json()
        return answer["errors"][0]["message"] if "errors" in answer else answer["data"]

    @property
    def stored(self) -> int:
        with self.house.database.reading() as transaction:
            return accounts.find_account_by_id(transaction, self.account.id).stored_bytes

    def stream(self, body: dict[str, Any], writer: str | None = None) -> int:
        path = f"/files/{self.account.name}/p/r/file_stream"
        shared = {"X-Wandb-Use-Async-Filestream": "true", "X-Wandb-Async-Client-Id": writer} if writer else {}
        headers = {"Authorization": f"Bearer {self.secret}"} | shared
        return int(self.house.client.post(path, json=body, headers=headers).status_code)

    def addresses(self, *names: str) -> list[str]:
        return [file["uploadUrl"] for file in self.ask(FILES, e=self.account.name, files=names)["createRunFiles"]["files"]]

    def put(self, url: str, content: Any) -> int:
        return int(self.house.client.put(url, content=content).status_code)


@pytest.fixture
def small_house(tmp_path: Path, clock: StillClock) -> Iterator[House]:
    with open_house(tmp_path / "small", clock, anonymous_limits=AnonymousLimits(5, 1, 14)) as opened:
        yield opened


@pytest.fixture
def somebody(small_house: House) -> Nameless:
    return Nameless(small_house)


def rows(*texts: str, offset: int = 0, name: str = "wandb-history.jsonl") -> dict[str, Any]:
    return {"files": {name: {"offset": offset, "content": [json.dumps({"x": text}) for text in texts]}}}


@pytest.mark.parametrize("field", ["config", "summaryMetrics", "notes", "description", "displayName", "groupName", "jobType", "host"])
def test_what_describes_a_run_is_counted(somebody: Nameless, field: str) -> None:
    kind = "JSONString" if field in ("config", "summaryMetrics") else "String"
    change = f'mutation C($v: {kind}) {{ upsertBucket(input: {{modelName: "p", name: "r", {field}: $v}}) {{ inserted }} }}'

    def text(size: int) -> str:
        return json.dumps({"c": {"value": "x" * size}}) if kind == "JSONString" else "n" * size

    before = somebody.stored
    assert somebody.ask(change, v=text(600_000)) == {"upsertBucket": {"inserted": False}}
    assert 599_900 < somebody.stored - before < 601_000
    assert somebody.ask(change, v=text(600_000)) == {"upsertBucket": {"inserted": False}}
    assert somebody.stored - before < 601_000, "the same again is nothing new"
    assert "at most 1 MB" in somebody.ask(change, v=text(1_100_000))
    assert somebody.ask(change, v=text(10)) == {"upsertBucket": {"inserted": False}}
    assert somebody.stored - before < 1_000, "what is gone is not counted"


def test_projects_are_as_many_as_runs(somebody: Nameless) -> None:
    make = "mutation M($n: String!) { upsertModel(input: {name: $n}) { inserted } }"
    answers = [somebody.ask(make, n=f"p{number}") for number in range(5)]
    assert ["at most 5 projects" in answer for answer in answers] == [False] * 4 + [True], "one is there already"
    assert "at most 5 projects" in somebody.ask(UPSERT, p="sixth", n="r")
    assert somebody.ask(UPSERT, p="p0", n="r") == {"upsertBucket": {"inserted": True}}
    with somebody.house.database.reading() as transaction:
        assert transaction.execute(sa.text("SELECT count(*) FROM projects")).scalar() == 5


def test_what_is_said_of_artifacts_is_counted(somebody: Nameless) -> None:
    def begin(name: str = "data", **more: Any) -> Any:
        somebody.house.clock.advance(seconds=1)
        where = {"entityName": somebody.account.name, "projectName": "p", "artifactTypeName": "t", "artifactCollectionName": name}
        return somebody.ask(BEGIN, input={**where, "digest": "", "digestAlgorithm": "MANIFEST_MD5", **more})

    before = somebody.stored
    made = begin(metadata=json.dumps({"k": "x" * 400_000}), clientID="c")["createArtifact"]["artifact"]
    assert 400_000 < somebody.stored - before < 402_000
    assert begin(metadata=json.dumps({"k": "x" * 400_000}), clientID="c")["createArtifact"]["artifact"] == made, "a retry"
    assert somebody.stored - before < 402_000, "counts for nothing"
    named = [{"artifactID": made["id"], "name": f"{number}/{'n' * 200}", "md5": "1B2M2Y8AsgTpgAmY7PhCfg=="} for number in range(1_000)]
    for _ in range(2):
        assert somebody.ask(ANNOUNCE, files=named) == {"createArtifactFiles": {"files": {"totalCount": 1_000}}}
        assert 700_000 < somebody.stored - before < 740_000
    more = [{**each, "name": f"more/{each['name']}"} for each in named]
    assert "at most 1 MB" in somebody.ask(ANNOUNCE, files=more)
    told = {"id": made["id"], "to": made["artifactSequence"]["id"]}
    assert "errors" not in somebody.ask(DESCRIBE, **told, more="{}", words="w" * 60_000)
    assert 360_000 < somebody.stored - before < 400_000, "what is gone is not counted"
    assert "at most 1 MB" in somebody.ask(DESCRIBE, **told, more=json.dumps({"k": "x" * 900_000}), words="")
    # What weighs nothing by itself has an end too.
    begin("large", metadata=json.dumps({"k": "x" * 650_000}))
    answers = [str(begin(f"c{number}")) for number in range(60)]
    assert "createArtifact" in answers[0]
    assert "at most 1 MB" in answers[-1]


def test_the_parts_of_a_large_file_are_counted_whether_or_not_any_comes(somebody: Nameless) -> None:
    where = {"entityName": somebody.account.name, "projectName": "p", "artifactTypeName": "t", "artifactCollectionName": "parts"}
    made = somebody.ask(BEGIN, input={**where, "digest": "", "digestAlgorithm": "MANIFEST_MD5"})["createArtifact"]["artifact"]
    before = somebody.stored
    parts = [{"partNumber": number, "hexMD5": f"{number:032x}"} for number in range(1, 1_001)]
    large = {"artifactID": made["id"], "name": "large", "md5": "1B2M2Y8AsgTpgAmY7PhCfg==", "uploadPartsInput": parts}
    for _ in range(2):
        assert "errors" not in somebody.ask(ANNOUNCE, files=[large])
        assert 100_000 < somebody.stored - before < 110_000


def test_a_manifest_of_references_is_counted_by_its_lines(somebody: Nameless) -> None:
    """Sent once, it could be committed again and again."""
    lines = {f"{number}": {"digest": "etag", "size": 1, "ref": f"s3://bucket/{number}"} for number in range(2_000)}
    body = manifest_of(lines)
    answers = []
    for number in range(4):
        where = {"entityName": somebody.account.name, "projectName": "p", "artifactTypeName": "t", "artifactCollectionName": "refs"}
        what = {"digest": str(number), "digestAlgorithm": "MANIFEST_MD5"}
        made = somebody.ask(BEGIN, input={**where, **what})["createArtifact"]["artifact"]
        announced = somebody.ask(ANNOUNCE_MANIFEST, id=made["id"], digest=md5_of(body))
        if not number:
            assert somebody.put(announced["createArtifactManifest"]["artifactManifest"]["file"]["uploadUrl"], body) == 200
        answers.append(str(somebody.ask(COMMIT, id=made["id"])))
    assert "COMMITTED" in answers[0]
    assert "at most 1 MB" in answers[-1]


@pytest.mark.parametrize("name", ["wandb-history.jsonl", "wandb-events.jsonl", "output.log"])
def test_a_retry_is_counted_once_and_what_is_larger_for_the_rest(somebody: Nameless, name: str) -> None:
    body = rows("y" * 200_000, name=name)
    assert [somebody.stream(body) for _ in range(8)] == [200] * 8
    assert 200_000 < somebody.stored < 201_000
    assert somebody.stream(rows("z" * 500_000, name=name)) == 200
    assert 500_000 < somebody.stored < 501_000
    assert somebody.stream(rows("z" * 500_000, "a" * 300_000, name=name)) == 200
    assert 800_000 < somebody.stored < 801_000
    assert somebody.stream(rows("b" * 300_000, offset=2, name=name)) == 403
    assert 800_000 < somebody.stored < 801_000


def test_rows_that_take_the_place_of_others_cannot_grow_unseen(somebody: Nameless) -> None:
    """A short row that is replaced by a long one, and then the next: each would be a line that was there already."""
    answers = []
    for number in range(8):
        somebody.stream(rows("", offset=number))
        answers.append(somebody.stream(rows("x" * 200_000, offset=number)))
    assert answers == [200] * 4 + [403] * 4


@pytest.mark.parametrize("name", ["wandb-history.jsonl", "wandb-events.jsonl", "output.log"])
def test_what_several_writers_send_is_added_up(somebody: Nameless, name: str) -> None:
    answers = [somebody.stream(rows("y" * 300_000, name=name), f"writer-{number}") for number in (0, 0, 1, 1, 2, 3)]
    assert answers == [200] * 5 + [403]
    assert 900_000 < somebody.stored < 901_000


def test_empty_lines_are_not_free(somebody: Nameless) -> None:
    assert somebody.stream({"files": {"output.log": {"offset": 0, "content": [""] * 40_000}}}) == 403


def test_a_run_that_is_full_can_still_end(somebody: Nameless) -> None:
    assert somebody.stream(rows("y" * 990_000)) == 200
    assert somebody.stream(rows("y" * 50_000, offset=1)) == 403
    assert somebody.stream({"complete": True, "exitcode": 0}) == 200


def test_a_summary_counts_as_it_is_now(somebody: Nameless) -> None:
    for size in (300_000, 10, 700_000, 10, 700_000):
        content = [json.dumps({"x": "s" * size})]
        assert somebody.stream({"files": {"wandb-summary.json": {"offset": 0, "content": content}}}) == 200
    assert 700_000 < somebody.stored < 701_000


def test_files_that_arrive_together_pass_no_cap(somebody: Nameless) -> None:
    urls = somebody.addresses(*(f"f{number}" for number in range(6)))
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda pair: somebody.put(pair[1], os.urandom(400_000)), enumerate(urls)))
    assert sorted(codes) == [200] * 2 + [403] * 4
    assert 800_000 < somebody.stored < 802_000
    # What was refused holds no room: one more small one fits.
    assert somebody.put(somebody.addresses("small")[0], b"x" * 150_000) == 200


def test_room_is_held_while_bytes_arrive(somebody: Nameless) -> None:
    """A body says nothing of its length and waits in the middle: meanwhile another one finds only what is left."""
    caps = claiming.Caps(5, 1_000_000, 14)
    before = somebody.stored

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"a" * 200_000

    async def arrive() -> None:
        first, second = (Room(OfAnonymous(somebody.house.database, somebody.account.id, caps, "a")) for _ in range(2))
        arriving = first.fill(pieces(), None)
        assert len(await anext(arriving)) == 200_000
        with pytest.raises(Error) as refusal:
            await anext(second.fill(pieces(), None))
        assert refusal.value.code == "forbidden"
        assert [len(piece) async for piece in arriving] == [200_000] * 2
        second.settle(0)
        first.settle(600_000)
        assert somebody.stored - before == 600_000
        with pytest.raises(Error):
            await anext(second.fill(pieces(), "600000"))
        assert somebody.stored - before == 600_000, "what was refused holds nothing"

    asyncio.run(arrive())


def test_the_same_file_again_counts_for_nothing_and_empty_ones_for_something(somebody: Nameless) -> None:
    (url,) = somebody.addresses("a")
    assert [somebody.put(url, b"x" * 300_000) for _ in range(3)] == [200] * 3
    assert 300_000 < somebody.stored < 301_000
    before = somebody.stored
    assert somebody.put(somebody.addresses("n" * 200)[0], b"") == 200
    assert somebody.stored - before > 200
    assert somebody.put(url, b"y" * 800_000) == 403
    assert somebody.stored - before < 1_000, "a refused one is counted for nothing"


def test_signed_addresses_end_with_the_account(small_house: House) -> None:
    mira = small_house.person("mira")
    small_house.graphql(mira.secret, UPSERT, p="p", n="r")
    made = small_house.graphql(mira.secret, FILES, e="mira", files=["a"]).json()["data"]["createRunFiles"]["files"][0]["uploadUrl"]
    assert small_house.client.put(made, content=b"x").status_code == 200
    found = small_house.graphql(mira.secret, '{ project(name: "p") { run(name: "r") { files { edges { node { url } } } } } }').json()
    shown = found["data"]["project"]["run"]["files"]["edges"][0]["node"]["url"]
    assert small_house.client.get(shown).status_code == 200
    with small_house.database.writing() as transaction:
        accounts.disable_account(transaction, mira.account, small_house.clock())
    assert small_house.client.put(made, content=b"y").status_code == 403
    assert small_house.client.get(shown).status_code == 403
    with small_house.database.writing() as transaction:
        accounts.disable_account(transaction, mira.account, None)
    assert small_house.client.get(shown).content == b"x"


def test_purging_goes_on_after_a_restart(somebody: Nameless) -> None:
    """Young bytes stay for a while. Whoever knew of them may be gone by then; what is still to be done stands in the database."""
    house = somebody.house
    for url in somebody.addresses("a", "b"):
        assert somebody.put(url, b"the same bytes") == 200
    (path,) = [path for path in (house.data / "files").rglob("*") if path.is_file()]
    house.clock.advance(days=15)

    def purge() -> None:
        Purger(house.database, Directory(house.data / "files"), house.clock).purge_due()

    purge()
    assert path.exists()
    os.utime(path, (0, 0))
    purge()
    assert not path.exists()
    with house.database.reading() as transaction:
        counts = [transaction.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() for table in ("files", "runs", "projects")]
        assert counts == [0, 0, 0]
        assert accounts.find_account(transaction, somebody.account.name) is None

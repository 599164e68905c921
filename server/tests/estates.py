"""Accounts with everything that an account may have, made through the doors that clients and people use."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from house import House, Person, Visitor
from joining import join
from manifests import lines_of, manifest_of, md5_of

UPSERT = """
mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) { bucket { id name project { id internalId } } } }
"""
SLOTS = """
mutation F($e: String!, $p: String!, $r: String!, $f: [String!]!) {
  createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: $f}) { files { uploadUrl } }
}
"""
FILE = "media/words.txt"
Ask = Callable[..., Any]


@dataclass(frozen=True)
class Logged:
    """What is there of artifacts: a committed version with a file, in a sequence and in a portfolio; and one that is not committed yet."""

    type: str
    sequence: str
    portfolio: str
    alias: str
    artifact_id: str
    sequence_id: str
    portfolio_id: str
    client_id: str
    manifest_id: str
    pending_id: str
    pending_manifest_id: str
    md5: str
    words: bytes
    parted_md5: str


@dataclass
class Estate:
    """An account, its keys, and what it has: a project, a run in it that goes on, and another one that was deleted."""

    house: House
    person: Person
    visitor: Visitor
    project: str
    run: str
    deleted_run: str
    run_id: str
    deleted_run_id: str
    project_id: str
    machine_key: str
    machine_id: str
    upload_url: str
    logged: Logged

    @property
    def name(self) -> str:
        """The account's name."""
        return self.person.account.name

    @property
    def secret(self) -> str:
        """A key of the account's own."""
        return self.person.secret

    @property
    def run_path(self) -> str:
        """Where the run is found."""
        return f"/{self.name}/{self.project}/runs/{self.run}"

    def graphql(self, query: str, **variables: Any) -> Any:
        """Ask with the account's key; give the data."""
        answer = self.house.graphql(self.secret, query, **variables).json()  # type: ignore[attr-defined]
        assert "errors" not in answer, answer
        return answer["data"]


CREATE = """
mutation C($input: CreateArtifactInput!) {
  createArtifact(input: $input) { artifact { id state artifactSequence { id } currentManifest { id } } }
}
"""
MANIFEST = """
mutation M($input: CreateArtifactManifestInput!) {
  createArtifactManifest(input: $input) { artifactManifest { id file { uploadUrl } } }
}
"""
FILES = """
mutation F($input: CreateArtifactFilesInput!) {
  createArtifactFiles(input: $input) {
    files { edges { node { uploadUrl storagePath uploadMultipartUrls { uploadID uploadUrlParts { partNumber uploadUrl } } } } }
  }
}
"""
PARTS = (b"words of a large file, ", b"and the rest of them")
COMPLETE = """
mutation C($input: CompleteMultipartUploadArtifactInput!) { completeMultipartUploadArtifact(input: $input) { digest } }
"""
COMMIT = "mutation C($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { state } } }"
LINK = """
mutation L($input: LinkArtifactInput!) { linkArtifact(input: $input) { artifactMembership { artifactCollection { id } } } }
"""
USE = "mutation U($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { id } } }"


def send_parts(house: House, ask: Ask, artifact_id: str, parts: Sequence[bytes], *, but: Sequence[int] = ()) -> dict[str, Any]:
    """Announce a file and send it in parts, the last first; give what completes it. but: numbers of parts that are not sent."""
    md5s = [{"partNumber": number, "hexMD5": hashlib.md5(part).hexdigest()} for number, part in enumerate(parts, 1)]
    whole = md5_of(b"".join(parts))
    file = {"artifactID": artifact_id, "name": "large.bin", "md5": whole, "uploadPartsInput": md5s}
    (slot,) = ask(FILES, input={"artifactFiles": [file]})["createArtifactFiles"]["files"]["edges"]
    node, completed = slot["node"], []
    for part in reversed(node["uploadMultipartUrls"]["uploadUrlParts"]):
        if part["partNumber"] not in but:
            answer = house.client.put(part["uploadUrl"].removeprefix(house.base_url), content=parts[part["partNumber"] - 1])
            assert answer.status_code == 200, answer.text
            completed.append({"partNumber": part["partNumber"], "hexMD5": answer.headers["etag"]})
    told = {"artifactID": artifact_id, "storagePath": node["storagePath"], "uploadID": node["uploadMultipartUrls"]["uploadID"]}
    return told | {"completedParts": completed, "completeMultipartAction": "Complete"}


def announce(ask: Ask, name: str, project: str, artifact_id: str, body: bytes) -> dict[str, Any]:
    """Say what a version's manifest will be."""
    given = {"artifactID": artifact_id, "name": "wandb_manifest.json", "digest": md5_of(body), "entityName": name, "projectName": project}
    return ask(MANIFEST, input=given)["createArtifactManifest"]["artifactManifest"]


def log_artifact(house: House, ask: Ask, name: str, project: str, run: str, called: str) -> Logged:
    """Log a version as the official client does, link it, use it; begin another."""
    words = f"words of {called}".encode()
    body = manifest_of(lines_of({"words.txt": words}))

    def create(digest: str, client_id: str) -> dict[str, Any]:
        where = {"entityName": name, "projectName": project, "runName": run, "artifactTypeName": f"{called}-type"}
        what = {"artifactCollectionName": called, "digest": digest, "digestAlgorithm": "MANIFEST_MD5", "clientID": client_id}
        return ask(CREATE, input={**where, **what, "aliases": [{"artifactCollectionName": called, "alias": f"{called}-best"}]})[
            "createArtifact"
        ]["artifact"]

    client_id, pending_client_id = (hashlib.sha256(f"{called}{number}".encode()).hexdigest() for number in range(2))
    made = create("0" * 32, client_id)
    manifest = announce(ask, name, project, made["id"], body)
    file = {"artifactID": made["id"], "name": "words.txt", "md5": md5_of(words)}
    (slot,) = ask(FILES, input={"artifactFiles": [file]})["createArtifactFiles"]["files"]["edges"]
    for url, sent in ((slot["node"]["uploadUrl"], words), (manifest["file"]["uploadUrl"], body)):
        assert house.client.put(url.removeprefix(house.base_url), content=sent).status_code == 200
    assert ask(COMMIT, id=made["id"])["commitArtifact"]["artifact"]["state"] == "COMMITTED"
    target = {"artifactID": made["id"], "entityName": name, "projectName": project, "artifactPortfolioName": f"{called}-shown"}
    linked = ask(LINK, input={**target, "aliases": []})["linkArtifact"]["artifactMembership"]
    ask(USE, input={"artifactID": made["id"], "entityName": name, "projectName": project, "runName": run})
    pending = create("1" * 32, pending_client_id)
    return Logged(
        type=f"{called}-type",
        sequence=called,
        portfolio=f"{called}-shown",
        alias=f"{called}-best",
        artifact_id=made["id"],
        sequence_id=made["artifactSequence"]["id"],
        portfolio_id=linked["artifactCollection"]["id"],
        client_id=client_id,
        manifest_id=manifest["id"],
        pending_id=pending["id"],
        pending_manifest_id=announce(ask, name, project, pending["id"], body)["id"],
        md5=md5_of(words),
        words=words,
        parted_md5=send_parts(house, ask, pending["id"], PARTS)["uploadID"],
    )


def settle(house: House, name: str, project: str = "p", run: str = "r1", artifact: str = "data") -> Estate:
    """Make an account, and let it log."""
    visitor = house.visitor().sign_up(name)
    person = house.person(name)

    def ask(query: str, **variables: Any) -> Any:
        answer = house.graphql(person.secret, query, **variables).json()  # type: ignore[attr-defined]
        assert "errors" not in answer, answer
        return answer["data"]

    def upsert(called: str) -> dict[str, Any]:
        given = {
            "name": called,
            "modelName": project,
            "config": '{"lr": {"value": 0.1}}',
            "tags": ["kept"],
            "displayName": f"{called} shown",
        }
        return ask(UPSERT, input=given)["upsertBucket"]["bucket"]

    gone, bucket = upsert(f"{run}-deleted"), upsert(run)
    ask("mutation D($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=gone["id"])
    rows = [json.dumps({"_step": step, "loss": 1 / (step + 1)}) for step in range(20)]
    told = {
        "files": {
            "wandb-history.jsonl": {"offset": 0, "content": rows},
            "wandb-events.jsonl": {"offset": 0, "content": ['{"system.cpu": 3, "_runtime": 1}']},
            "output.log": {"offset": 0, "content": ["first words\n", "2026-03-01T12:00:00.000000 last words\n"]},
            "wandb-summary.json": {"offset": 0, "content": ['{"loss": 0.05}']},
        }
    }
    headers = {"Authorization": f"Bearer {person.secret}"}
    assert house.client.post(f"/files/{name}/{project}/{run}/file_stream", json=told, headers=headers).status_code == 200
    slots = ask(SLOTS, e=name, p=project, r=run, f=[FILE, "later.bin"])["createRunFiles"]["files"]
    url = slots[0]["uploadUrl"].removeprefix(house.base_url)
    assert house.client.put(url, content=b"words of a file").status_code == 200
    joined = join(house, visitor, machine_name=f"{name}-gpu")
    answered = house.graphql(joined["access_token"], "{ viewer { machines { id } } }").json()  # type: ignore[attr-defined]
    (machine,) = answered["data"]["viewer"]["machines"]
    return Estate(
        house,
        person,
        visitor,
        project,
        run,
        gone["name"],
        bucket["id"],
        gone["id"],
        bucket["project"]["id"],
        joined["access_token"],
        machine["id"],
        slots[1]["uploadUrl"].removeprefix(house.base_url),
        log_artifact(house, ask, name, project, run, artifact),
    )

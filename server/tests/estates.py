"""Accounts with everything that an account may have, made through the doors that clients and people use."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from house import House, Person, Visitor
from joining import join
from versions import Shipper, md5_of

UPSERT = """
mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) { bucket { id name project { id internalId } } } }
"""
SLOTS = """
mutation F($e: String!, $p: String!, $r: String!, $f: [String!]!) {
  createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: $f}) { files { uploadUrl } }
}
"""
FILE = "media/words.txt"


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


LINK = """
mutation L($input: LinkArtifactInput!) { linkArtifact(input: $input) { artifactMembership { artifactCollection { id } } } }
"""
USE = "mutation U($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { artifactSequence { id } } } }"


def log_artifact(shipper: Shipper, name: str, project: str, run: str, called: str) -> Logged:
    """Log a version, link it, use it; begin another."""
    files = {"words.txt": f"words of {called}".encode()}
    alias = {"artifactCollectionName": called, "alias": f"{called}-best"}

    def begin(number: int, files: dict[str, bytes]) -> tuple[str, str, str]:
        client_id = hashlib.sha256(f"{called}{number}".encode()).hexdigest()
        more = {"runName": run, "artifactTypeName": f"{called}-type", "clientID": client_id, "aliases": [alias]}
        artifact_id = shipper.begin(called, files, **more)["id"]
        return artifact_id, client_id, shipper.send(artifact_id, files)

    artifact_id, client_id, manifest_id = begin(0, files)
    shipper.commit(artifact_id)
    where = {"artifactID": artifact_id, "entityName": name, "projectName": project}
    linked = shipper.ask(LINK, input={**where, "artifactPortfolioName": f"{called}-shown"})["linkArtifact"]["artifactMembership"]
    used = shipper.ask(USE, input={**where, "runName": run})["useArtifact"]["artifact"]
    pending_id, _, pending_manifest_id = begin(1, {"later.txt": b"later"})
    return Logged(
        type=f"{called}-type",
        sequence=called,
        portfolio=f"{called}-shown",
        alias=f"{called}-best",
        artifact_id=artifact_id,
        sequence_id=used["artifactSequence"]["id"],
        portfolio_id=linked["artifactCollection"]["id"],
        client_id=client_id,
        manifest_id=manifest_id,
        pending_id=pending_id,
        pending_manifest_id=pending_manifest_id,
        md5=md5_of(files["words.txt"]),
        words=files["words.txt"],
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
        log_artifact(Shipper(house, person.secret, name, project), name, project, run, artifact),
    )

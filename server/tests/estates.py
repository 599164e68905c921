"""Accounts with everything that an account may have, made through the doors that clients and people use."""

import json
from dataclasses import dataclass
from typing import Any

from house import House, Person, Visitor
from joining import join

UPSERT = """
mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) { bucket { id name project { id internalId } } } }
"""
SLOTS = """
mutation F($e: String!, $p: String!, $r: String!, $f: [String!]!) {
  createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: $f}) { files { uploadUrl } }
}
"""
FILE = "media/words.txt"


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


def settle(house: House, name: str, project: str = "p", run: str = "r1") -> Estate:
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
    )

"""A run that is told by the official client's file_stream, and what the server has of it."""

import json

from house import House, Person

UPSERT = 'mutation U($name: String) { upsertBucket(input: {name: $name, modelName: "p"}) { bucket { id } } }'
READ = """
query R($run: String!) { project(name: "p") { run(name: $run) {
  state exitCode summaryMetrics historyLineCount eventsLineCount logLineCount historyTail systemMetrics history(minStep: 0, samples: 10)
  historyKeys sampledHistory(specs: ["{\\"keys\\": [\\"_step\\", \\"x\\"], \\"minStep\\": 0, \\"maxStep\\": 1}"])
} } }
"""


def stream(house: House, person: Person | None, body: object, run: str = "r1", entity: str = "mira") -> "object":
    headers = {"Authorization": f"Bearer {person.secret}"} if person else {}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return house.client.post(f"/files/{entity}/p/{run}/file_stream", content=content, headers=headers)


def history(*rows: dict[str, object], offset: int = 0) -> dict[str, object]:
    return {"files": {"wandb-history.jsonl": {"offset": offset, "content": [json.dumps(row) for row in rows]}}}


def read(house: House, person: Person, run: str = "r1") -> dict[str, object]:
    return house.graphql(person.secret, READ, run=run).json()["data"]["project"]["run"]


def begin_run(house: House) -> Person:
    """Begin the run `r1` of somebody's project `p`."""
    person = house.person("mira")
    house.graphql(person.secret, UPSERT, name="r1")
    return person

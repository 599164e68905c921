"""What clients of former versions ask of artifacts, in their own words."""

from house import House

CREATE = """
mutation C {
  createArtifact(input: {entityName: "mira", projectName: "p", artifactTypeName: "dataset", artifactCollectionName: "data",
                         digest: "d41d8cd98f00b204e9800998ecf8427e", digestAlgorithm: MANIFEST_MD5}) { artifact { id } }
}
"""
UPSERT = """mutation { upsertBucket(input: {name: "r", modelName: "p", entityName: "mira"}) { bucket { id } } }"""
ASK = """
query A($id: ID!) {
  artifact(id: $id) { usedBy(before: null, after: null, first: 5, last: null) { edges { node { name } } } tags { name tagCategoryName } }
  project(name: "p", entityName: "mira") {
    artifact(name: "data:v9", enableTracking: true) { id }
    artifactType(name: "dataset") { artifactSequence(name: "data") { __typename name } none: artifactSequence(name: "shelf") { name } }
    run(name: "r") { inputArtifacts { ...Used } }
  }
}
fragment Used on InputArtifactConnection { totalCount edges { node { id } cursor } pageInfo { endCursor hasNextPage } }
"""


def test_the_old_names_are_known(house: House) -> None:
    mira = house.person("mira")
    house.graphql(mira.secret, UPSERT)
    made = house.graphql(mira.secret, CREATE).json()
    artifact_id = made["data"]["createArtifact"]["artifact"]["id"]
    answer = house.graphql(mira.secret, ASK, id=artifact_id)
    assert answer.json() == {
        "data": {
            "artifact": {"usedBy": {"edges": []}, "tags": []},
            "project": {
                "artifact": None,
                "artifactType": {"artifactSequence": {"__typename": "ArtifactSequence", "name": "data"}, "none": None},
                "run": {"inputArtifacts": {"totalCount": 0, "edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}},
            },
        }
    }

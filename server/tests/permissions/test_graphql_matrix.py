"""Every field of the query language that takes a name or an id, asked by everybody.

`ROWS` says what each may do. A field that is not in it fails: whoever adds one says here who may, before anybody finds out.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type
from matrix import ACTORS, GHOST, STRANGERS, Outcome, Thing, World, anonymised, open_world

from runkey_server.asgi.failures import UNAUTHENTICATED_BODY
from runkey_server.graphql import executing

OWNERS = ("owner", "owner's service key", "owner's machine key")
REFUSED = (
    "owner's replaced key",
    "owner's revoked key",
    "nobody",
    "owner's browser",
    "stranger's browser",
    "administrator's browser",
    "guest's browser",
)


@dataclass(frozen=True)
class Row:
    """One way to ask a field. but: what others may than the defaults say; `strangers` stands for all of them."""

    asks: str
    document: str
    variables: Callable[[Thing], dict[str, Any]]
    but: dict[str, Outcome] = field(default_factory=dict)

    def outcome(self, actor: str) -> Outcome:
        """Say what an actor may do by this row."""
        if actor in self.but:
            return self.but[actor]
        if actor in REFUSED:
            return "refused"
        if actor in STRANGERS:
            return self.but.get("strangers", "nothing")
        return "does"


NO_DELETING: dict[str, Outcome] = {"owner's machine key": "forbidden"}
NO_KEYS: dict[str, Outcome] = {"owner's machine key": "forbidden", "owner's service key": "forbidden"}
WRITES_ON: dict[str, Outcome] = {"owner's replaced key": "does"}

DELETE_RUN = "mutation($i: ID!) { deleteRun(input: {id: $i}) { clientMutationId } }"
REWIND = (
    "mutation($r: String!, $p: String, $e: String) { rewindRun(input: {"
    'runName: $r, projectName: $p, entityName: $e, metricName: "_step", metricValue: 3}) { rewoundRun { id name } } }'
)

ROWS = [
    Row(
        "Query.project",
        "query($p: String, $e: String) { project(name: $p, entityName: $e) { id name } }",
        lambda t: {"p": t.project, "e": t.entity},
    ),
    Row(
        "Query.model",
        "query($p: String, $e: String) { model(name: $p, entityName: $e) { id name } }",
        lambda t: {"p": t.project, "e": t.entity},
    ),
    Row("Query.models", "query($e: String) { models(entityName: $e) { edges { node { id name } } } }", lambda t: {"e": t.entity}),
    Row("Query.entity", "query($e: String!) { entity(name: $e) { id name } }", lambda t: {"e": t.entity}),
    Row(
        "Project.run",
        "query($p: String, $e: String, $r: String!) { project(name: $p, entityName: $e) { run(name: $r) { id displayName config } } }",
        lambda t: {"p": t.project, "e": t.entity, "r": t.run},
    ),
    Row(
        "Project.bucket",
        "query($p: String, $e: String, $r: String!) { model(name: $p, entityName: $e) { bucket(name: $r, missingOk: true) { id notes } } }",
        lambda t: {"p": t.project, "e": t.entity, "r": t.run},
    ),
    Row(
        "Run.files",
        "query($p: String, $e: String, $r: String!, $f: [String]) {"
        " project(name: $p, entityName: $e) { run(name: $r) { files(names: $f) { edges { node { id url sizeBytes } } } } } }",
        lambda t: {"p": t.project, "e": t.entity, "r": t.run, "f": [t.file]},
    ),
    Row(
        "Mutation.upsertModel",
        "mutation($p: String, $e: String) { upsertModel(input: {name: $p, entityName: $e}) { inserted project { id } } }",
        lambda t: {"p": t.project, "e": t.entity},
    ),
    Row(
        "Mutation.upsertModel",
        "mutation($i: String, $p: String) { upsertModel(input: {id: $i, name: $p}) { inserted project { entityName } } }",
        lambda t: {"i": t.project_id, "p": "another"},
        {"strangers": "own"},
    ),
    Row(
        "Mutation.upsertBucket",
        "mutation($r: String, $p: String, $e: String) {"
        ' upsertBucket(input: {name: $r, modelName: $p, entityName: $e, config: "{}", tags: ["x"]}) { inserted bucket { id name } } }',
        lambda t: {"r": t.run, "p": t.project, "e": t.entity},
        WRITES_ON,
    ),
    Row(
        "Mutation.upsertBucket",
        "mutation($r: String, $p: String, $e: String) { upsertBucket(input: {name: $r, modelName: $p, entityName: $e}) { inserted } }",
        lambda t: {"r": t.deleted_run, "p": t.project, "e": t.entity},
        dict.fromkeys(OWNERS, "gone"),
    ),
    Row(
        "Mutation.upsertBucket",
        'mutation($i: String) { upsertBucket(input: {id: $i, displayName: "taken"}) { inserted bucket { name displayName } } }',
        lambda t: {"i": t.run_id},
        WRITES_ON,
    ),
    Row(
        "Mutation.upsertBucket",
        'mutation($i: String) { upsertBucket(input: {id: $i, summaryMetrics: "{}"}) { inserted bucket { name } } }',
        lambda t: {"i": t.deleted_run_id},
        dict.fromkeys((*OWNERS, "owner's replaced key"), "nothing"),
    ),
    # Somebody else's id beside a name of one's own: the id is passed over.
    Row(
        "Mutation.upsertBucket",
        'mutation($i: String) { upsertBucket(input: {id: $i, name: "mine", modelName: "own"}) { inserted bucket { name } } }',
        lambda t: {"i": t.run_id},
        {"strangers": "own"},
    ),
    # A name that somebody else has is free in a project of one's own.
    Row(
        "Mutation.upsertBucket",
        "mutation($r: String, $p: String) { upsertBucket(input: {name: $r, modelName: $p}) { inserted } }",
        lambda t: {"r": t.run, "p": t.project},
        {**WRITES_ON, "strangers": "own"},
    ),
    Row(
        "Mutation.createRunFiles",
        "mutation($e: String!, $p: String!, $r: String!, $f: [String!]!) {"
        " createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: $f}) { runID files { uploadUrl } } }",
        lambda t: {"e": t.entity, "p": t.project, "r": t.run, "f": [t.file]},
        WRITES_ON,
    ),
    Row(
        "Mutation.createRunFiles",
        "mutation($e: String!, $p: String!, $r: String!) {"
        ' createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: ["x"]}) { runID } }',
        lambda t: {"e": t.entity, "p": t.project, "r": t.deleted_run},
        dict.fromkeys(OWNERS, "gone"),
    ),
    Row("Query.users", "query($q: String) { users(query: $q) { edges { node { username email } } } }", lambda t: {"q": t.entity}),
    # A run that goes on from another's is of one project with it.
    Row(
        "Mutation.upsertBucket",
        'mutation($c: JSONString, $p: String) { upsertBucket(input: {name: "fork", modelName: $p, config: $c}) { bucket { name } } }',
        lambda t: {"c": json.dumps({"_wandb": {"value": {"branch_point": {"run_id": t.run, "step": 5}}}}), "p": t.project},
    ),
    Row(
        "Mutation.rewindRun",
        REWIND,
        lambda t: {"r": t.run, "p": t.project, "e": t.entity},
    ),
    Row(
        "Mutation.rewindRun",
        REWIND,
        lambda t: {"r": t.deleted_run, "p": t.project, "e": t.entity},
        dict.fromkeys(OWNERS, "gone"),
    ),
    *[
        Row(f"Mutation.{name}", f"mutation($i: ID!) {{ {name}(input: {{id: $i{more}}}) {{ success }} }}", lambda t: {"i": t.run_id})
        for name, more in (("stopRun", ""), ("updateRunState", ', state: "failed"'))
    ],
    *[
        Row(
            f"Mutation.{name}",
            f"mutation($i: ID!) {{ {name}(input: {{id: $i{more}}}) {{ success }} }}",
            lambda t: {"i": t.deleted_run_id},
            dict.fromkeys(OWNERS, "nothing"),
        )
        for name, more in (("stopRun", ""), ("updateRunState", ', state: "failed"'))
    ],
    Row(
        "Mutation.deleteRun",
        DELETE_RUN,
        lambda t: {"i": t.run_id},
        NO_DELETING,
    ),
    Row(
        "Mutation.deleteRun",
        DELETE_RUN,
        lambda t: {"i": t.deleted_run_id},
        dict.fromkeys(OWNERS, "nothing"),
    ),
    *[
        Row(
            "Mutation.deleteRun",
            DELETE_RUN,
            lambda t, of=of: {"i": getattr(t, of)},
            dict.fromkeys(OWNERS, "nothing"),
        )
        for of in ("project_id", "internal_id", "file_id", "machine_id", "key_id")
    ],
    Row(
        "Mutation.rotateApiKey",
        "mutation($i: ID) { rotateApiKey(input: {id: $i}) { secret } }",
        lambda t: {"i": t.key_id},
        NO_KEYS | {"stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    Row(
        "Mutation.revokeApiKey",
        "mutation($i: ID) { revokeApiKey(input: {id: $i}) { apiKey { id state } } }",
        lambda t: {"i": t.key_id},
        NO_KEYS | {"stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    Row(
        "Mutation.renameMachine",
        'mutation($i: ID!) { renameMachine(input: {id: $i, name: "x"}) { machine { name } } }',
        lambda t: {"i": t.machine_id},
        NO_KEYS | {"stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    Row(
        "Mutation.revokeMachine",
        "mutation($i: ID!) { revokeMachine(input: {id: $i}) { machine { state } } }",
        lambda t: {"i": t.machine_id},
        {"owner's service key": "forbidden", "stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
]

# --- artifacts --------------------------------------------------------------------------------------------------------

IN_PROJECT = "query($p: String, $e: String, $n: String!) { project(name: $p, entityName: $e) { %s } }"
IN_COLLECTION = "query($i: ID!) { artifactCollection(id: $i) { ... on %s { name %s } } }"


def _in_project(asks: str, selection: str, of: str) -> Row:
    return Row(asks, IN_PROJECT % selection, lambda t: {"p": t.project, "e": t.entity, "n": getattr(t, of)})


def _by_id(asks: str, selection: str) -> Row:
    return Row(asks, f"query($i: ID!) {{ artifact(id: $i) {{ {selection} }} }}", lambda t: {"i": t.artifact_id})


def _changes(name: str, input: str, variables: Callable[[Thing], dict[str, Any]], but: dict[str, Outcome], answers: str = "success") -> Row:
    given = ", ".join(f"${each}: {'ID!' if len(each) == 1 else 'String!'}" for each in variables(GHOST))
    return Row(f"Mutation.{name}", f"mutation({given}) {{ {name}(input: {{{input}}}) {{ {answers} }} }}", variables, but)


PLACE = "entityName: $en, projectName: $pr"
PLACED: Callable[[Thing], dict[str, Any]] = lambda t: {"en": t.entity, "pr": t.project}  # noqa: E731
NOTHING: dict[str, Outcome] = dict.fromkeys(OWNERS, "nothing")
ALIASES = f'aliases: [{{{PLACE}, artifactCollectionName: $co, alias: "kept"}}]'

ROWS += [
    Row("Query.artifact", "query($i: ID!) { artifact(id: $i) { id size metadata } }", lambda t: {"i": t.artifact_id}),
    Row("Query.artifact", "query($i: ID!) { artifact(id: $i) { id size } }", lambda t: {"i": t.deleted_artifact_id}, NOTHING),
    Row("Query.artifactCollection", "query($i: ID!) { artifactCollection(id: $i) { id name } }", lambda t: {"i": t.collection_id}),
    Row("Query.clientIDMapping", "query($i: ID!) { clientIDMapping(clientID: $i) { serverID } }", lambda t: {"i": t.client_id}),
    _in_project("Project.artifactType", "artifactType(name: $n) { id name }", "artifact_type"),
    _in_project("Project.artifact", "artifact(name: $n) { id digest }", "collection"),
    _in_project("Project.artifactCollection", "artifactCollection(name: $n) { id description }", "collection"),
    _in_project("Project.artifactCollection", "artifactCollection(name: $n) { id artifacts { totalCount } }", "portfolio"),
    _in_project("Project.artifactCollectionMembership", "artifactCollectionMembership(name: $n) { id artifact { id } }", "collection"),
    _in_project("ArtifactType.artifact", 'artifactType(name: "jewels") { artifact(name: $n) { id } }', "collection"),
    _in_project("ArtifactType.artifactCollection", 'artifactType(name: "jewels") { artifactCollection(name: $n) { id } }', "collection"),
    _in_project("Run.outputArtifacts", "run(name: $n) { outputArtifacts { totalCount edges { node { id } } } }", "run"),
    _in_project("Run.inputArtifacts", "run(name: $n) { inputArtifacts { totalCount } }", "run"),
    _by_id("Artifact.files", 'files(names: ["gem.txt"]) { edges { node { directUrl } } }'),
    _by_id(
        "Artifact.filesByManifestEntries",
        'filesByManifestEntries(entries: [{name: "gem.txt", digest: "x"}]) { edges { node { directUrl } } }',
    ),
    _by_id("ArtifactCollectionMembership.files", 'artifactMemberships { edges { node { files(names: ["gem.txt"]) { totalCount } } } }'),
    *[
        Row(f"{kind}.{asks}", IN_COLLECTION % (kind, selection), lambda t, of=of: {"i": getattr(t, of)})
        for kind, of in (("ArtifactSequence", "collection_id"), ("ArtifactPortfolio", "portfolio_id"))
        for asks, selection in (
            ("aliases", "aliases { edges { node { alias } } }"),
            ("artifacts", "artifacts { totalCount }"),
            ("artifactMembership", 'artifactMembership(aliasName: "latest") { id }'),
        )
    ],
    _changes(
        "createArtifact",
        f'{PLACE}, runName: $ru, artifactTypeName: $ty, artifactCollectionName: $co, digest: "x", digestAlgorithm: MANIFEST_MD5',
        lambda t: PLACED(t) | {"ru": t.run, "ty": t.artifact_type, "co": t.collection},
        {},
        "artifact { id }",
    ),
    _changes(
        "createArtifactManifest",
        f'{PLACE}, artifactID: $i, name: "m", digest: ""',
        lambda t: PLACED(t) | {"i": t.pending_artifact_id},
        {},
        "artifactManifest { id file { uploadUrl } }",
    ),
    _changes(
        "createArtifactManifest",
        f'{PLACE}, artifactID: $i, baseArtifactID: $b, name: "m", digest: ""',
        lambda t: PLACED(t) | {"i": t.pending_artifact_id, "b": t.artifact_id},
        {},
        "artifactManifest { id }",
    ),
    _changes(
        "updateArtifactManifest", 'artifactManifestID: $i, digest: "x"', lambda t: {"i": t.manifest_id}, {}, "artifactManifest { id }"
    ),
    _changes(
        "createArtifactFiles",
        'artifactFiles: [{artifactID: $i, name: "x", md5: "XUFAKrxLKna5cZ2REBfFkg=="}]',
        lambda t: {"i": t.pending_artifact_id},
        {},
        "files { edges { node { uploadUrl } } }",
    ),
    _changes("commitArtifact", "artifactID: $i", lambda t: {"i": t.pending_artifact_id}, {}, "artifact { id }"),
    _changes("commitArtifact", "artifactID: $i", lambda t: {"i": t.deleted_artifact_id}, NOTHING, "artifact { id }"),
    _changes(
        "useArtifact",
        f"artifactID: $i, {PLACE}, runName: $ru",
        lambda t: PLACED(t) | {"i": t.artifact_id, "ru": t.run},
        {},
        "artifact { id }",
    ),
    _changes("updateArtifact", 'artifactID: $i, description: "x"', lambda t: {"i": t.artifact_id}, {}, "artifact { description }"),
    _changes("deleteArtifact", "artifactID: $i, deleteAliases: true", lambda t: {"i": t.artifact_id}, NO_DELETING, "artifact { id }"),
    _changes("addAliases", f"artifactID: $i, {ALIASES}", lambda t: PLACED(t) | {"i": t.artifact_id, "co": t.collection}, {}),
    _changes("deleteAliases", f"artifactID: $i, {ALIASES}", lambda t: PLACED(t) | {"i": t.artifact_id, "co": t.collection}, {}),
    _changes(
        "linkArtifact",
        f"artifactID: $i, {PLACE}, artifactPortfolioName: $co",
        lambda t: PLACED(t) | {"i": t.artifact_id, "co": t.portfolio},
        {},
        "versionIndex",
    ),
    # Somebody else's version, to a project of one's own: by its id, and by what its client called it.
    *[
        _changes(
            "linkArtifact",
            f'{by}: $i, projectName: "own", artifactPortfolioName: "mine"',
            lambda t, of=of: {"i": getattr(t, of)},
            {},
            "versionIndex",
        )
        for by, of in (("artifactID", "artifact_id"), ("clientID", "client_id"))
    ],
    _changes(
        "linkArtifact", "artifactID: $i, artifactPortfolioID: $p", lambda t: {"i": t.artifact_id, "p": t.portfolio_id}, {}, "versionIndex"
    ),
    _changes("unlinkArtifact", "artifactID: $i, artifactPortfolioID: $p", lambda t: {"i": t.artifact_id, "p": t.portfolio_id}, {}),
    _changes(
        "updateArtifactSequence", 'artifactSequenceID: $i, name: "x"', lambda t: {"i": t.collection_id}, {}, "artifactCollection { name }"
    ),
    _changes(
        "updateArtifactPortfolio", 'artifactPortfolioID: $i, name: "x"', lambda t: {"i": t.portfolio_id}, {}, "artifactCollection { name }"
    ),
    _changes(
        "moveArtifactSequence",
        'artifactSequenceID: $i, destinationArtifactTypeName: "x"',
        lambda t: {"i": t.collection_id},
        {},
        "artifactCollection { name }",
    ),
    _changes(
        "deleteArtifactSequence", "artifactSequenceID: $i", lambda t: {"i": t.collection_id}, NO_DELETING, "artifactCollection { state }"
    ),
    _changes(
        "deleteArtifactPortfolio", "artifactPortfolioID: $i", lambda t: {"i": t.portfolio_id}, NO_DELETING, "artifactCollection { state }"
    ),
    *[
        _changes(
            name,
            f'{PLACE}, artifactCollectionName: $co, tags: [{{tagName: "x"}}]',
            lambda t: PLACED(t) | {"co": t.collection},
            {},
            answers,
        )
        for name, answers in (
            ("createArtifactCollectionTagAssignments", "tags { name }"),
            ("deleteArtifactCollectionTagAssignments", "success"),
        )
    ],
    Row("Mutation.deleteFiles", "mutation($f: [ID!]!) { deleteFiles(input: {files: $f}) { success } }", lambda t: {"f": [t.file_id]}),
]

NAMES_NOTHING = {
    "Project.artifactTypes": "a cursor among the types of the project that was found",
    "Project.artifactCollections": "a cursor, a filter and an order of the project that was found",
    "ArtifactType.artifactCollections": "a cursor, a filter and an order of the type that was found",
    "ArtifactType.artifactSequences": "a cursor among the collections of the type that was found",
    "Mutation.createApiKey": "a description, of the caller's own new key",
    "Mutation.createAnonymousEntity": "no more than a client's own mark",
    "Mutation.createClaimLink": "no more than a client's own mark",
    "Mutation.claimRuns": "the code is the right itself: tests of claiming",
    "User.apiKeys": "a cursor among the caller's own",
    "Project.runCount": "a filter of the project that was found",
    "Project.runs": "a filter, a cursor and an order of the project that was found",
    "Run.logLines": "a cursor among the lines of the run that was found",
    "Run.wandbConfig": "keys of the run that was found",
    "Run.sampledHistory": "keys of the run that was found",
    "Run.parquetHistory": "keys of the run that was found",
}
"""Fields that take text by which nothing of somebody else's can be named, and why."""


def fields_that_name() -> Iterator[str]:
    """Read out of the schema which fields take text or an id, themselves or inside of an input."""
    for kind in executing.build().type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, each in kind.fields.items():
                if any(_names(argument.type) for argument in each.args.values()):
                    yield f"{kind.name}.{name}"


def _names(kind: Any, inside: tuple[str, ...] = ()) -> bool:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        return named.name not in inside and any(_names(each.type, (*inside, named.name)) for each in named.fields.values())
    return named.name in ("String", "ID", "JSONString", "JSON")


def test_every_field_that_takes_a_name_has_a_row() -> None:
    known = {row.asks for row in ROWS} | set(NAMES_NOTHING)
    missing = sorted(set(fields_that_name()) - known)
    assert not missing, f"Say in ROWS of {__name__} who may ask {missing}, or in NAMES_NOTHING why nothing can be named by it."
    assert sorted(known - set(fields_that_name())) == [], "rows of fields that there are no more"
    assert sorted({row.asks for row in ROWS} & set(NAMES_NOTHING)) == []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("matrix") / "data") as opened:
        yield opened


def ask(world: World, actor: str, row: Row, thing: Thing) -> tuple[int, str]:
    """Ask; give the status and the body."""
    who = world.actors[actor]
    headers = {"Authorization": f"Bearer {who.secret}"} if who.secret else {}
    # A browser's session is no key: by it nobody asks here.
    client = who.visitor.client if who.visitor else world.house.client
    answer = client.post("/graphql", json={"query": row.document, "variables": row.variables(thing)}, headers=headers)
    return answer.status_code, answer.text


@pytest.mark.holds("ASVS 8.2.2")
@pytest.mark.parametrize("row", ROWS, ids=[f"{row.asks}-{number}" for number, row in enumerate(ROWS)])
def test_who_may(row: Row, world: World) -> None:
    for actor in ACTORS:
        world.restore()
        status, text = ask(world, actor, row, world.thing)
        gone, new = world.changed()
        told = (row.asks, row.variables(world.thing), actor, row.outcome(actor), status, text[:500])
        found = json.loads(text)
        match row.outcome(actor):
            case "does":
                assert status == 200, told
                assert "errors" not in found, told
                assert None not in found["data"].values(), told
            case "refused":
                assert (status, text.encode()) == (401, UNAUTHENTICATED_BODY), told
            case "forbidden":
                assert [each["extensions"]["code"] for each in found["errors"]] == ["FORBIDDEN"], told
            case "gone":
                assert [each["extensions"]["code"] for each in found["errors"]] == ["GONE"], told
            case "nothing" | "own":
                world.restore()
                other_status, other_text = ask(world, actor, row, GHOST)
                assert (status, anonymised(text, world.thing)) == (other_status, anonymised(other_text, GHOST)), told
        if row.outcome(actor) not in ("does", "own"):
            assert (gone, new) == ({}, {}), told
        if row.outcome(actor) == "own":
            assert not world.of_others(actor, gone), told

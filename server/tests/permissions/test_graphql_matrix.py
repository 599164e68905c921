"""Every field of the query language that takes a name or an id, asked by everybody.

`ROWS` says what each may do. A field that is not in it fails: whoever adds one says here who may, before anybody finds out.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from estates import COMMIT, COMPLETE, FILES, PARTS, announce
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type
from manifests import manifest_of
from matrix import ACTORS, GHOST, STRANGERS, Outcome, Own, Thing, World, anonymised, open_world

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
    variables: Callable[[Thing, Own], dict[str, Any]]
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
NEW_ARTIFACT = (
    "mutation($e: String!, $p: String!, $r: String, $t: String!, $n: String, $c: ID) { createArtifact(input: {"
    "entityName: $e, projectName: $p, runName: $r, artifactTypeName: $t, artifactCollectionName: $n, clientID: $c,"
    ' digest: "2", digestAlgorithm: MANIFEST_MD5}) { artifact { state } } }'
)
NEW_MANIFEST = (
    "mutation($i: ID!, $b: ID, $e: String!, $p: String!) { createArtifactManifest(input: {artifactID: $i, baseArtifactID: $b,"
    ' entityName: $e, projectName: $p, name: "m", digest: "AAAAAAAAAAAAAAAAAAAAAA=="}) { artifactManifest { type } } }'
)
NEW_FILES = (
    "mutation($f: [CreateArtifactFileSpecInput!]!) { createArtifactFiles(input: {artifactFiles: $f}) { files { edges { cursor } } } }"
)
REWIND = (
    "mutation($r: String!, $p: String, $e: String) { rewindRun(input: {"
    'runName: $r, projectName: $p, entityName: $e, metricName: "_step", metricValue: 3}) { rewoundRun { id name } } }'
)


def completing(artifact_id: str, md5: str) -> dict[str, Any]:
    """Say that all parts of a large file were sent."""
    parts = [{"partNumber": number, "hexMD5": hashlib.md5(part).hexdigest()} for number, part in enumerate(PARTS, 1)]
    told = {"artifactID": artifact_id, "storagePath": md5, "uploadID": md5, "completedParts": parts}
    return told | {"completeMultipartAction": "Complete"}


ROWS = [
    Row(
        "Query.project",
        "query($p: String, $e: String) { project(name: $p, entityName: $e) { id name } }",
        lambda t, me: {"p": t.project, "e": t.entity},
    ),
    Row(
        "Query.model",
        "query($p: String, $e: String) { model(name: $p, entityName: $e) { id name } }",
        lambda t, me: {"p": t.project, "e": t.entity},
    ),
    Row("Query.models", "query($e: String) { models(entityName: $e) { edges { node { id name } } } }", lambda t, me: {"e": t.entity}),
    Row("Query.entity", "query($e: String!) { entity(name: $e) { id name } }", lambda t, me: {"e": t.entity}),
    Row(
        "Project.run",
        "query($p: String, $e: String, $r: String!) { project(name: $p, entityName: $e) { run(name: $r) { id displayName config } } }",
        lambda t, me: {"p": t.project, "e": t.entity, "r": t.run},
    ),
    Row(
        "Project.bucket",
        "query($p: String, $e: String, $r: String!) { model(name: $p, entityName: $e) { bucket(name: $r, missingOk: true) { id notes } } }",
        lambda t, me: {"p": t.project, "e": t.entity, "r": t.run},
    ),
    Row(
        "Run.files",
        "query($p: String, $e: String, $r: String!, $f: [String]) {"
        " project(name: $p, entityName: $e) { run(name: $r) { files(names: $f) { edges { node { id url sizeBytes } } } } } }",
        lambda t, me: {"p": t.project, "e": t.entity, "r": t.run, "f": [t.file]},
    ),
    Row(
        "Mutation.upsertModel",
        "mutation($p: String, $e: String) { upsertModel(input: {name: $p, entityName: $e}) { inserted project { id } } }",
        lambda t, me: {"p": t.project, "e": t.entity},
    ),
    Row(
        "Mutation.upsertModel",
        "mutation($i: String, $p: String) { upsertModel(input: {id: $i, name: $p}) { inserted project { entityName } } }",
        lambda t, me: {"i": t.project_id, "p": "another"},
        {"strangers": "own"},
    ),
    Row(
        "Mutation.upsertBucket",
        "mutation($r: String, $p: String, $e: String) {"
        ' upsertBucket(input: {name: $r, modelName: $p, entityName: $e, config: "{}", tags: ["x"]}) { inserted bucket { id name } } }',
        lambda t, me: {"r": t.run, "p": t.project, "e": t.entity},
        WRITES_ON,
    ),
    Row(
        "Mutation.upsertBucket",
        "mutation($r: String, $p: String, $e: String) { upsertBucket(input: {name: $r, modelName: $p, entityName: $e}) { inserted } }",
        lambda t, me: {"r": t.deleted_run, "p": t.project, "e": t.entity},
        dict.fromkeys(OWNERS, "gone"),
    ),
    Row(
        "Mutation.upsertBucket",
        'mutation($i: String) { upsertBucket(input: {id: $i, displayName: "taken"}) { inserted bucket { name displayName } } }',
        lambda t, me: {"i": t.run_id},
        WRITES_ON,
    ),
    Row(
        "Mutation.upsertBucket",
        'mutation($i: String) { upsertBucket(input: {id: $i, summaryMetrics: "{}"}) { inserted bucket { name } } }',
        lambda t, me: {"i": t.deleted_run_id},
        dict.fromkeys((*OWNERS, "owner's replaced key"), "nothing"),
    ),
    # Somebody else's id beside a name of one's own: the id is passed over.
    Row(
        "Mutation.upsertBucket",
        'mutation($i: String) { upsertBucket(input: {id: $i, name: "mine", modelName: "own"}) { inserted bucket { name } } }',
        lambda t, me: {"i": t.run_id},
        {"strangers": "own"},
    ),
    # A name that somebody else has is free in a project of one's own.
    Row(
        "Mutation.upsertBucket",
        "mutation($r: String, $p: String) { upsertBucket(input: {name: $r, modelName: $p}) { inserted } }",
        lambda t, me: {"r": t.run, "p": t.project},
        {**WRITES_ON, "strangers": "own"},
    ),
    Row(
        "Mutation.createRunFiles",
        "mutation($e: String!, $p: String!, $r: String!, $f: [String!]!) {"
        " createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: $f}) { runID files { uploadUrl } } }",
        lambda t, me: {"e": t.entity, "p": t.project, "r": t.run, "f": [t.file]},
        WRITES_ON,
    ),
    Row(
        "Mutation.createRunFiles",
        "mutation($e: String!, $p: String!, $r: String!) {"
        ' createRunFiles(input: {entityName: $e, projectName: $p, runName: $r, files: ["x"]}) { runID } }',
        lambda t, me: {"e": t.entity, "p": t.project, "r": t.deleted_run},
        dict.fromkeys(OWNERS, "gone"),
    ),
    Row("Query.users", "query($q: String) { users(query: $q) { edges { node { username email } } } }", lambda t, me: {"q": t.entity}),
    # A run that goes on from another's is of one project with it.
    Row(
        "Mutation.upsertBucket",
        'mutation($c: JSONString, $p: String) { upsertBucket(input: {name: "fork", modelName: $p, config: $c}) { bucket { name } } }',
        lambda t, me: {"c": json.dumps({"_wandb": {"value": {"branch_point": {"run_id": t.run, "step": 5}}}}), "p": t.project},
    ),
    Row(
        "Mutation.rewindRun",
        REWIND,
        lambda t, me: {"r": t.run, "p": t.project, "e": t.entity},
    ),
    Row(
        "Mutation.rewindRun",
        REWIND,
        lambda t, me: {"r": t.deleted_run, "p": t.project, "e": t.entity},
        dict.fromkeys(OWNERS, "gone"),
    ),
    *[
        Row(f"Mutation.{name}", f"mutation($i: ID!) {{ {name}(input: {{id: $i{more}}}) {{ success }} }}", lambda t, me: {"i": t.run_id})
        for name, more in (("stopRun", ""), ("updateRunState", ', state: "failed"'))
    ],
    *[
        Row(
            f"Mutation.{name}",
            f"mutation($i: ID!) {{ {name}(input: {{id: $i{more}}}) {{ success }} }}",
            lambda t, me: {"i": t.deleted_run_id},
            dict.fromkeys(OWNERS, "nothing"),
        )
        for name, more in (("stopRun", ""), ("updateRunState", ', state: "failed"'))
    ],
    Row(
        "Mutation.deleteRun",
        DELETE_RUN,
        lambda t, me: {"i": t.run_id},
        NO_DELETING,
    ),
    Row(
        "Mutation.deleteRun",
        DELETE_RUN,
        lambda t, me: {"i": t.deleted_run_id},
        dict.fromkeys(OWNERS, "nothing"),
    ),
    *[
        Row(
            "Mutation.deleteRun",
            DELETE_RUN,
            lambda t, me, of=of: {"i": getattr(t, of)},
            dict.fromkeys(OWNERS, "nothing"),
        )
        for of in ("project_id", "internal_id", "file_id", "machine_id", "key_id")
    ],
    Row(
        "Mutation.rotateApiKey",
        "mutation($i: ID) { rotateApiKey(input: {id: $i}) { secret } }",
        lambda t, me: {"i": t.key_id},
        NO_KEYS | {"stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    Row(
        "Mutation.revokeApiKey",
        "mutation($i: ID) { revokeApiKey(input: {id: $i}) { apiKey { id state } } }",
        lambda t, me: {"i": t.key_id},
        NO_KEYS | {"stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    Row(
        "Mutation.deleteApiKey",
        "mutation($i: String!) { deleteApiKey(input: {id: $i}) { success } }",
        lambda t, me: {"i": t.key_id},
        NO_KEYS | {"stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    Row(
        "Mutation.renameMachine",
        'mutation($i: ID!) { renameMachine(input: {id: $i, name: "x"}) { machine { name } } }',
        lambda t, me: {"i": t.machine_id},
        NO_KEYS | {"stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    Row(
        "Mutation.revokeMachine",
        "mutation($i: ID!) { revokeMachine(input: {id: $i}) { machine { state } } }",
        lambda t, me: {"i": t.machine_id},
        {"owner's service key": "forbidden", "stranger's machine key": "forbidden", "guest": "forbidden"},
    ),
    # Files of a run: who may replace one may empty it as well.
    Row("Mutation.deleteFiles", "mutation($f: [ID!]!) { deleteFiles(input: {files: $f}) { success } }", lambda t, me: {"f": [t.file_id]}),
    *[
        Row(
            "Mutation.deleteFiles",
            "mutation($f: [ID!]!) { deleteFiles(input: {files: $f}) { success } }",
            lambda t, me, of=of: {"f": [getattr(t, of)]},
            dict.fromkeys(OWNERS, "nothing"),
        )
        for of in ("artifact_id", "deleted_run_id")
    ],
    # --- artifacts, as they are found
    Row(
        "Query.artifact",
        "query($i: ID!) { artifact(id: $i) { id digest files { edges { node { url } } } } }",
        lambda t, me: {"i": t.artifact_id},
    ),
    Row("Query.artifact", "query($i: ID!) { artifact(id: $i) { id digest } }", lambda t, me: {"i": t.pending_id}),
    Row("Query.artifactCollection", "query($i: ID!) { artifactCollection(id: $i) { id name } }", lambda t, me: {"i": t.sequence_id}),
    Row("Query.artifactCollection", "query($i: ID!) { artifactCollection(id: $i) { id name } }", lambda t, me: {"i": t.portfolio_id}),
    Row("Query.clientIDMapping", "query($i: ID!) { clientIDMapping(clientID: $i) { serverID } }", lambda t, me: {"i": t.client_id}),
    *[
        Row(
            f"Project.{name}",
            f"query($p: String, $e: String, $n: String!) {{ project(name: $p, entityName: $e) {{ {name}(name: $n) {{ id }} }} }}",
            lambda t, me, called=called: {"p": t.project, "e": t.entity, "n": called(t)},
        )
        for name, called in (
            ("artifact", lambda t: f"{t.sequence}:{t.alias}"),
            ("artifactType", lambda t: t.type),
            ("artifactCollection", lambda t: t.sequence),
            ("artifactCollection", lambda t: t.portfolio),
            ("artifactCollectionMembership", lambda t: f"{t.portfolio}:latest"),
        )
    ],
    *[
        Row(
            f"ArtifactType.{name}",
            "query($p: String, $e: String, $t: String!, $n: String!)"
            f" {{ project(name: $p, entityName: $e) {{ artifactType(name: $t) {{ {name}(name: $n) {{ id }} }} }} }}",
            lambda t, me: {"p": t.project, "e": t.entity, "t": t.type, "n": t.sequence},
        )
        for name in ("artifact", "artifactCollection", "artifactSequence")
    ],
    # What is said of a file beside its name finds nothing.
    Row(
        "Artifact.filesByManifestEntries",
        "query($i: ID!, $f: [ArtifactManifestEntryInput!]) {"
        " artifact(id: $i) { filesByManifestEntries(entries: $f) { edges { node { md5 } } } } }",
        lambda t, me: {
            "i": me.artifact_id or t.artifact_id,
            "f": [{"name": "words.txt", "digest": t.md5, "birthArtifactID": t.artifact_id}],
        },
        {"strangers": "own"},
    ),
    # --- artifacts, as they are changed
    Row(
        "Mutation.createArtifact",
        NEW_ARTIFACT,
        lambda t, me: {"e": t.entity, "p": t.project, "r": t.run, "t": t.type, "n": t.sequence, "c": "another"},
    ),
    # One's own project beside a run, a name or a mark of somebody else's.
    Row(
        "Mutation.createArtifact",
        NEW_ARTIFACT,
        lambda t, me: {"e": me.entity, "p": me.project, "r": t.run, "t": t.type, "n": t.sequence, "c": "another"},
    ),
    Row(
        "Mutation.createArtifact",
        NEW_ARTIFACT,
        lambda t, me: {"e": me.entity, "p": me.project, "r": None, "t": t.type, "n": t.sequence, "c": t.client_id},
        {"strangers": "own"},
    ),
    Row(
        "Mutation.createArtifactManifest",
        NEW_MANIFEST,
        lambda t, me: {"i": t.pending_id, "b": None, "e": t.entity, "p": t.project},
    ),
    # What one begins oneself goes on from what is somebody else's, or from nothing.
    Row(
        "Mutation.createArtifactManifest",
        NEW_MANIFEST,
        lambda t, me: {"i": me.pending_id or t.pending_id, "b": t.artifact_id, "e": me.entity, "p": me.project},
    ),
    Row(
        "Mutation.updateArtifactManifest",
        "mutation($i: ID!, $d: String) { updateArtifactManifest(input: {artifactManifestID: $i, digest: $d}) { artifactManifest { id } } }",
        lambda t, me: {"i": t.pending_manifest_id, "d": "AAAAAAAAAAAAAAAAAAAAAA=="},
    ),
    Row(
        "Mutation.createArtifactFiles",
        NEW_FILES,
        lambda t, me: {"f": [{"artifactID": t.pending_id, "name": "x", "md5": t.md5}]},
    ),
    Row(
        "Mutation.createArtifactFiles",
        NEW_FILES,
        lambda t, me: {"f": [{"artifactID": each or t.pending_id, "name": "x", "md5": t.md5} for each in (me.pending_id, t.pending_id)]},
    ),
    *[
        Row("Mutation.completeMultipartUploadArtifact", COMPLETE, named, but)
        for named, but in (
            (lambda t, me: {"input": completing(t.pending_id, t.parted_md5)}, {}),
            # Parts of somebody else's for a version of one's own; and of one's own, where nothing of that kind was announced.
            (
                lambda t, me: {"input": completing(me.artifact_id or t.artifact_id, t.parted_md5)},
                dict.fromkeys(OWNERS, "nothing") | {"strangers": "own"},
            ),
        )
    ],
    Row(
        "Mutation.commitArtifact",
        "mutation($i: ID!) { commitArtifact(input: {artifactID: $i}) { artifact { state } } }",
        lambda t, me: {"i": t.pending_id},
    ),
    *[
        Row(
            "Mutation.useArtifact",
            "mutation($i: ID!, $e: String!, $p: String!, $r: String!) {"
            " useArtifact(input: {artifactID: $i, entityName: $e, projectName: $p, runName: $r}) { artifact { id } } }",
            named,
        )
        for named in (
            lambda t, me: {"i": t.artifact_id, "e": t.entity, "p": t.project, "r": t.run},
            lambda t, me: {"i": t.artifact_id, "e": me.entity, "p": me.project, "r": me.run},
            lambda t, me: {"i": me.artifact_id or t.artifact_id, "e": t.entity, "p": t.project, "r": t.run},
        )
    ],
    Row(
        "Mutation.updateArtifact",
        'mutation($i: ID!) { updateArtifact(input: {artifactID: $i, description: "taken", metadata: "{}"}) { artifact { description } } }',
        lambda t, me: {"i": t.artifact_id},
    ),
    Row(
        "Mutation.deleteArtifact",
        "mutation($i: ID!) { deleteArtifact(input: {artifactID: $i, deleteAliases: true}) { artifact { state } } }",
        lambda t, me: {"i": t.artifact_id},
        NO_DELETING,
    ),
    *[
        Row(
            f"Mutation.{name}",
            f"mutation($i: ID!, $a: [ArtifactCollectionAliasInput!]!) {{ {name}(input: {{artifactID: $i, aliases: $a}}) {{ success }} }}",
            lambda t, me, of=of: {
                "i": (me.artifact_id if of == "mine" else "") or t.artifact_id,
                "a": [{"entityName": t.entity, "projectName": t.project, "artifactCollectionName": t.sequence, "alias": t.alias}],
            },
        )
        for name in ("addAliases", "deleteAliases")
        for of in ("theirs", "mine")
    ],
    *[
        Row("Mutation.linkArtifact", "mutation($l: LinkArtifactInput!) { linkArtifact(input: $l) { versionIndex } }", named)
        for named in (
            lambda t, me: {
                "l": {"artifactID": t.artifact_id, "entityName": t.entity, "projectName": t.project, "artifactPortfolioName": t.portfolio}
            },
            lambda t, me: {
                "l": {"artifactID": t.artifact_id, "entityName": me.entity, "projectName": "taken", "artifactPortfolioName": "taken"}
            },
            lambda t, me: {
                "l": {"clientID": t.client_id, "entityName": me.entity, "projectName": "taken", "artifactPortfolioName": "taken"}
            },
            lambda t, me: {"l": {"artifactID": me.artifact_id or t.artifact_id, "artifactPortfolioID": t.portfolio_id}},
            lambda t, me: {
                "l": {
                    "artifactID": me.artifact_id or t.artifact_id,
                    "entityName": t.entity,
                    "projectName": t.project,
                    "artifactPortfolioName": t.portfolio,
                }
            },
        )
    ],
    *[
        Row(
            "Mutation.unlinkArtifact",
            "mutation($i: ID!, $c: ID!) { unlinkArtifact(input: {artifactID: $i, artifactPortfolioID: $c}) { success } }",
            named,
        )
        for named in (
            lambda t, me: {"i": t.artifact_id, "c": t.portfolio_id},
            lambda t, me: {"i": me.artifact_id or t.artifact_id, "c": t.portfolio_id},
        )
    ],
    Row(
        "Mutation.updateArtifactSequence",
        'mutation($i: ID!) { updateArtifactSequence(input: {artifactSequenceID: $i, name: "taken"}) { artifactCollection { name } } }',
        lambda t, me: {"i": t.sequence_id},
    ),
    Row(
        "Mutation.updateArtifactPortfolio",
        'mutation($i: ID!) { updateArtifactPortfolio(input: {artifactPortfolioID: $i, description: "x"}) { artifactCollection { name } } }',
        lambda t, me: {"i": t.portfolio_id},
    ),
    Row(
        "Mutation.moveArtifactSequence",
        "mutation($i: ID!) { moveArtifactSequence(input:"
        ' {artifactSequenceID: $i, destinationArtifactTypeName: "taken"}) { artifactCollection { name } } }',
        lambda t, me: {"i": t.sequence_id},
    ),
    Row(
        "Mutation.deleteArtifactSequence",
        "mutation($i: ID!) { deleteArtifactSequence(input: {artifactSequenceID: $i}) { artifactCollection { state } } }",
        lambda t, me: {"i": t.sequence_id},
        NO_DELETING,
    ),
    Row(
        "Mutation.deleteArtifactPortfolio",
        "mutation($i: ID!) { deleteArtifactPortfolio(input: {artifactPortfolioID: $i}) { artifactCollection { state } } }",
        lambda t, me: {"i": t.portfolio_id},
        NO_DELETING,
    ),
    *[
        Row(
            f"Mutation.{name}ArtifactCollectionTagAssignments",
            "mutation($e: String!, $p: String!, $c: String!) {"
            f" {name}ArtifactCollectionTagAssignments(input:"
            f' {{entityName: $e, projectName: $p, artifactCollectionName: $c, tags: [{{tagName: "x"}}]}}) {{ {told} }} }}',
            lambda t, me: {"e": t.entity, "p": t.project, "c": t.sequence},
        )
        for name, told in (("create", "tags { name }"), ("delete", "success"))
    ],
]

NAMES_NOTHING = {
    "Mutation.createApiKey": "a description, of the caller's own new key",
    "Mutation.generateApiKey": "a description, of the caller's own new key",
    "Project.sweeps": "there are none",
    "Project.allViews": "there are none",
    "Entity.integrations": "there are none",
    "Mutation.createAnonymousEntity": "no more than a client's own mark",
    "Mutation.createClaimLink": "no more than a client's own mark",
    "Mutation.claimRuns": "the code is the right itself: tests of claiming",
    "User.apiKeys": "a cursor among the caller's own",
    "Project.runCount": "a filter of the project that was found",
    "Project.runs": "a filter, a cursor and an order of the project that was found",
    "Run.logLines": "a cursor among the lines of the run that was found",
    "Run.inputArtifacts": "a cursor among what the run used that was found",
    "Run.outputArtifacts": "a cursor among what the run logged that was found",
    "Project.artifactTypes": "a cursor in the project that was found",
    "Project.artifactCollections": "a cursor, a filter and an order in the project that was found",
    "Artifact.usedBy": "a cursor among the runs that used the version that was found",
    "ArtifactType.artifactCollections": "a cursor, a filter and an order in the project that was found",
    "ArtifactType.artifactSequences": "a cursor in the project that was found",
    "ArtifactSequence.aliases": "a cursor in the collection that was found",
    "ArtifactSequence.artifacts": "a cursor, a filter and an order in the collection that was found",
    "ArtifactSequence.artifactMembership": "an alias in the collection that was found",
    "ArtifactPortfolio.aliases": "a cursor in the collection that was found",
    "ArtifactPortfolio.artifacts": "a cursor, a filter and an order in the collection that was found",
    "ArtifactPortfolio.artifactMembership": "an alias in the collection that was found",
    "Artifact.files": "paths in the version that was found",
    "ArtifactCollectionMembership.files": "paths in the version that was found",
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
    answer = client.post("/graphql", json={"query": row.document, "variables": row.variables(thing, world.own_of(actor))}, headers=headers)
    return answer.status_code, answer.text


@pytest.mark.holds("ASVS 8.2.2")
@pytest.mark.parametrize("row", ROWS, ids=[f"{row.asks}-{number}" for number, row in enumerate(ROWS)])
def test_who_may(row: Row, world: World) -> None:
    for actor in ACTORS:
        world.restore()
        status, text = ask(world, actor, row, world.thing)
        gone, new = world.changed()
        told = (row.asks, row.variables(world.thing, world.own_of(actor)), actor, row.outcome(actor), status, text[:500])
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


def test_bytes_of_another_account_are_had_neither_by_their_digest_nor_by_their_birth(world: World) -> None:
    """Whoever knows a digest and an id of somebody else's version hears what is heard of ones that there are not."""
    world.restore()
    owner, stranger = world.owner, world.stranger
    told = []
    for md5, birth in ((owner.logged.md5, owner.logged.artifact_id), (GHOST.md5, GHOST.artifact_id)):
        body = manifest_of({"stolen.txt": {"digest": md5, "size": len(owner.logged.words), "birthArtifactID": birth}})
        pending = stranger.logged.pending_id
        slot = stranger.graphql(FILES, input={"artifactFiles": [{"artifactID": pending, "name": "stolen.txt", "md5": md5}]})
        url = announce(stranger.graphql, stranger.name, stranger.project, pending, body)["file"]["uploadUrl"]
        assert world.house.client.put(url.removeprefix(world.house.base_url), content=body).status_code == 200
        answer = world.house.graphql(stranger.secret, COMMIT, id=pending)
        offered = stranger.graphql("query($i: ID!) { artifact(id: $i) { files { edges { node { url } } } } }", i=pending)
        statuses = [
            world.house.client.get(edge["node"]["url"].removeprefix(world.house.base_url)).status_code
            for edge in offered["artifact"]["files"]["edges"]
        ]
        is_asked_for = slot["createArtifactFiles"]["files"]["edges"][0]["node"]["uploadUrl"] is not None
        told.append((is_asked_for, anonymised(answer.text, world.thing, GHOST), statuses))
        world.restore()
    assert told[0] == told[1]
    assert told[0][0]
    assert "not here" in told[0][1]
    assert set(told[0][2]) == {404}
    # Of her own the owner need not send them again: the way that was tried is one.
    again = {"artifactID": owner.logged.pending_id, "name": "again.txt", "md5": owner.logged.md5}
    (edge,) = owner.graphql(FILES, input={"artifactFiles": [again]})["createArtifactFiles"]["files"]["edges"]
    assert edge["node"]["uploadUrl"] is None


def test_a_mark_that_somebody_else_used_first_is_ones_own_all_the_same(world: World) -> None:
    world.restore()
    owner, stranger = world.owner, world.stranger
    named = {"e": stranger.name, "p": stranger.project, "r": None, "t": "any", "n": "any", "c": owner.logged.client_id}
    assert stranger.graphql(NEW_ARTIFACT, **named)
    found = [
        estate.graphql("query($c: ID!) { clientIDMapping(clientID: $c) { serverID } }", c=owner.logged.client_id)["clientIDMapping"][
            "serverID"
        ]
        for estate in (owner, stranger)
    ]
    assert found[0] == owner.logged.artifact_id
    assert found[1] not in (owner.logged.artifact_id, None)

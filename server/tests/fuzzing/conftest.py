"""Two accounts to send junk to."""

import base64
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from estates import Estate, settle
from house import PASSWORD, House, StillClock, open_house, token_in
from junk_values import Land

from runkey_server.artifacts.tables import artifact_collections, artifacts
from runkey_server.projects.tables import projects
from runkey_server.runs.tables import runs


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Over both databases: what one lets pass breaks the other."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    url = {} if server is None else {"database_url": server.new_database()}
    with open_house(tmp_path_factory.mktemp("junk") / "data", StillClock(), **url) as opened:
        yield opened
    if server is not None:
        server.drop(url["database_url"])


@pytest.fixture(scope="module")
def mira(house: House) -> Estate:
    """Hers is what the requests are made with."""
    return settle(house, "mira")


@pytest.fixture(scope="module")
def land(house: House, mira: Estate) -> Land:
    """What of hers and of a stranger's may be named."""
    return land_of(mira, settle(house, "zoe", "q", "z1", "other"))


@pytest.fixture(autouse=True)
def _mended(house: House, mira: Estate) -> None:
    """Put back what junk took away: a deleted project, the run in it, a session that was ended."""
    with house.database.writing() as transaction:
        transaction.execute(sa.update(projects).values(deleted_at=None))
        transaction.execute(sa.update(runs).where(runs.c.name == mira.run).values(deleted_at=None))
        names = {artifacts.c.deleted_at: None, artifacts.c.state: "COMMITTED"}
        transaction.execute(sa.update(artifacts).where(artifacts.c.state == "DELETED").values(names))
        sequence = int(base64.b64decode(mira.logged.sequence_id).decode().partition(":")[2])
        of_her = artifact_collections.c.id == sequence
        transaction.execute(sa.update(artifact_collections).where(of_her).values(name=mira.logged.sequence, deleted_at=None))
    mira.visitor.signed_in(mira.name)


def land_of(mira: Estate, zoe: Estate) -> Land:
    """Name what is there, by the names under which it may be asked for."""
    ids = [each for estate in (mira, zoe) for each in (estate.run_id, estate.project_id, estate.machine_id, estate.person.key.id)]
    of_logged = [mira.logged, zoe.logged]
    of_projects, of_runs, entities = [mira.project, zoe.project], [mira.run, mira.deleted_run, zoe.run], [mira.name, zoe.name]
    return Land(
        good={
            "project": of_projects,
            "projectName": of_projects,
            "modelName": of_projects,
            "Query.project.name": of_projects,
            "Query.model.name": of_projects,
            "upsertModel.input.name": of_projects,
            "run": of_runs,
            "runName": of_runs,
            "Project.run.name": of_runs,
            "Project.bucket.name": of_runs,
            "upsertBucket.input.name": of_runs,
            "entity": entities,
            "entityName": entities,
            "Query.entity.name": entities,
            "names": ["media/words.txt"],
            "files": ["media/words.txt"],
            "specs": ['{"keys": ["loss"], "samples": 5}'],
            "liveKeys": ["loss"],
            "artifactID": [each for logged in of_logged for each in (logged.artifact_id, logged.pending_id)],
            "Query.artifact.id": [logged.artifact_id for logged in of_logged],
            "baseArtifactID": [logged.artifact_id for logged in of_logged],
            "birthArtifactID": [logged.artifact_id for logged in of_logged],
            "artifactManifestID": [logged.pending_manifest_id for logged in of_logged],
            "artifactSequenceID": [logged.sequence_id for logged in of_logged],
            "artifactPortfolioID": [logged.portfolio_id for logged in of_logged],
            "Query.artifactCollection.id": [logged.sequence_id for logged in of_logged],
            "clientID": [logged.client_id for logged in of_logged],
            "digest": [logged.md5 for logged in of_logged],
            "md5": [logged.md5 for logged in of_logged],
            "digestAlgorithm": ["MANIFEST_MD5"],
            "artifactTypeName": [logged.type for logged in of_logged],
            "destinationArtifactTypeName": [logged.type for logged in of_logged],
            "Project.artifactType.name": [logged.type for logged in of_logged],
            "artifactCollectionName": [name for logged in of_logged for name in (logged.sequence, logged.portfolio)],
            "artifactPortfolioName": [logged.portfolio for logged in of_logged],
            "Project.artifact.name": [f"{logged.sequence}:{logged.alias}" for logged in of_logged],
            "Project.artifactCollection.name": [logged.sequence for logged in of_logged],
            "Project.artifactCollectionMembership.name": [f"{logged.sequence}:v0" for logged in of_logged],
            "ArtifactType.artifact.name": [logged.sequence for logged in of_logged],
            "ArtifactType.artifactCollection.name": [logged.sequence for logged in of_logged],
            "alias": [logged.alias for logged in of_logged],
            "aliasName": ["v0", *(logged.alias for logged in of_logged)],
            "tagName": ["kept"],
            "id": [*ids, *(each for logged in of_logged for each in (logged.artifact_id, logged.sequence_id))],
            "keys": ["loss", "lr"],
            "key": ["loss"],
            "runs": of_runs,
            "tags": ["kept"],
            "keepTags": ["kept"],
            "x": ["_step", "_runtime", "loss"],
            "kind": ["history", "events", "runs"],
            "format": ["csv", "parquet"],
            "client_id": ["runkey"],
            "name": [*entities, "newcomer"],
            "password": [PASSWORD],
            "new_password": [PASSWORD + "x"],
            "act": ["revoke", "rename", "end others", "delete", "restore"],
            "decision": ["approve", "deny"],
            "days": ["30"],
            "grant_type": ["urn:ietf:params:oauth:grant-type:device_code", "authorization_code"],
            "route.entity": [*entities, "MIRA"],
            "route.project": of_projects,
            "route.run": of_runs,
            "route.name": ["media/words.txt", "style.css"],
            "route.token": [mira.upload_url.rpartition("/")[2]],
            "route.signal": ["traces"],
        },
        ids=ids,
        form_token=token_in(mira.visitor.get("/settings/account").text),
    )

"""Two accounts to send junk to."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from estates import Estate, settle
from house import PASSWORD, House, StillClock, open_house, token_in
from junk import Land

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
    return land_of(mira, settle(house, "zoe", "q", "z1"))


@pytest.fixture(autouse=True)
def _mended(house: House, mira: Estate) -> None:
    """Put back what junk took away: a deleted project, the run in it, a session that was ended."""
    with house.database.writing() as transaction:
        transaction.execute(sa.update(projects).values(deleted_at=None))
        transaction.execute(sa.update(runs).where(runs.c.name == mira.run).values(deleted_at=None))
    mira.visitor.signed_in(mira.name)


def land_of(mira: Estate, zoe: Estate) -> Land:
    """Name what is there, by the names under which it may be asked for."""
    ids = [each for estate in (mira, zoe) for each in (estate.run_id, estate.project_id, estate.machine_id, estate.person.key.id)]
    logged = [estate.logged for estate in (mira, zoe)]
    of_artifacts = [each for one in logged for each in (one.pending_id, one.artifact_id)]
    of_collections = [each for one in logged for each in (one.sequence_id, one.portfolio_id)]
    of_manifests, of_types = [one.pending_manifest_id for one in logged], [one.type for one in logged]
    sequences, portfolios = [one.sequence for one in logged], [one.portfolio for one in logged]
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
            "id": [*ids, *of_artifacts, *of_collections],
            "artifactID": of_artifacts,
            "baseArtifactID": of_artifacts,
            "artifactManifestID": of_manifests,
            "artifactPortfolioID": of_collections,
            "artifactSequenceID": of_collections,
            "artifactTypeName": of_types,
            "destinationArtifactTypeName": of_types,
            "artifactCollectionName": [*sequences, *portfolios],
            "artifactPortfolioName": portfolios,
            "alias": ["latest"],
            "md5": ["XUFAKrxLKna5cZ2REBfFkg=="],
            "Project.artifact.name": [*sequences, f"{sequences[0]}:v0"],
            "Project.artifactType.name": of_types,
            "Project.artifactCollection.name": [*sequences, *portfolios],
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

"""Two accounts to send junk to, and what is spent on it."""

from collections.abc import Iterator

import pytest
from budget import Budget
from estates import Estate, settle
from house import House, StillClock, open_house
from junk import Land

_EXAMPLES = 12


@pytest.fixture(scope="session")
def budget(request: pytest.FixtureRequest) -> Budget:
    """For one field or route: its share of the minutes, or a few examples."""
    minutes, seed = request.config.getoption("--minutes"), request.config.getoption("--seed")
    if minutes is None:
        return Budget(_EXAMPLES)
    return Budget(0, minutes * 60 / max(1, len(request.session.items)), seed)


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


def land_of(mira: Estate, zoe: Estate) -> Land:
    """Name what is there, by the names under which it may be asked for."""
    ids = [each for estate in (mira, zoe) for each in (estate.run_id, estate.project_id, estate.machine_id, estate.person.key.id)]
    projects, runs, entities = [mira.project, zoe.project], [mira.run, mira.deleted_run, zoe.run], [mira.name, zoe.name]
    return Land(
        good={
            "project": projects,
            "projectName": projects,
            "modelName": projects,
            "Query.project.name": projects,
            "Query.model.name": projects,
            "upsertModel.input.name": projects,
            "run": runs,
            "runName": runs,
            "Project.run.name": runs,
            "Project.bucket.name": runs,
            "upsertBucket.input.name": runs,
            "entity": entities,
            "entityName": entities,
            "Query.entity.name": entities,
            "names": ["media/words.txt"],
            "files": ["media/words.txt"],
            "specs": ['{"keys": ["loss"], "samples": 5}'],
            "liveKeys": ["loss"],
            "id": ids,
            "keys": ["loss", "lr"],
            "key": ["loss"],
            "runs": runs,
            "tags": ["kept"],
            "keepTags": ["kept"],
            "x": ["_step", "_runtime", "loss"],
            "kind": ["history", "events", "runs"],
            "format": ["csv", "parquet"],
            "client_id": ["runkey"],
            "route.entity": [*entities, "MIRA"],
            "route.project": projects,
            "route.run": [*runs, f"{mira.run}"],
            "route.name": ["media/words.txt", "style.css"],
            "route.token": [mira.upload_url.rpartition("/")[2]],
            "route.signal": ["traces"],
        },
        ids=ids,
    )

"""Official clients, old and new, against our server: they do what docs/compatibility.md says, no less and no more.

The oldest, a middle and the newest version, and what most scripts need; `./dev matrix` tries all versions and everything.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from clients import card, environments, features
from clients.trying import Faults, Trial
from outside import Server

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]

VERSIONS = (environments.VERSIONS[0], "0.19.11", environments.VERSIONS[-1])


Judged = tuple[dict[str, features.Outcome], list[str]]


@pytest.fixture(scope="module")
def judged(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Future[Judged]"]]:
    """How it went with each version; all are begun at once, because old clients spend much of their time waiting."""
    key = server.key("mira")
    folder = tmp_path_factory.mktemp("clients")
    pythons = {version: environments.need(version) for version in VERSIONS}
    with ThreadPoolExecutor(len(VERSIONS)) as pool:
        yield {
            version: pool.submit(
                Trial(python, server, "mira", key, folder).judge, version, features.tried_with(version, features.IN_EVERY_SUITE)
            )
            for version, python in pythons.items()
        }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_does_what_the_page_says(judged: dict[str, "Future[Judged]"], version: str) -> None:
    outcomes, surprises = judged[version].result()
    assert surprises == []
    written = card.read()[version]
    assert {name: card.as_kept(outcome) for name, outcome in outcomes.items()} == {name: written[name] for name in outcomes}, (
        "What the page says is not so any more: run ./dev matrix."
    )


def test_every_version_and_feature_is_in_the_results_with_a_reason_for_what_is_missing() -> None:
    results = card.read()
    assert list(results) == environments.VERSIONS
    for version, outcomes in results.items():
        assert set(outcomes) == {feature.name for feature in features.tried_with(version)}
        assert all(found.get("why") for found in outcomes.values() if found["outcome"] != "works")


def test_what_fails_without_a_reason_or_works_in_spite_of_one_is_told() -> None:
    feature = next(each for each in features.FEATURES if each.name == "login, bad key")
    well: Faults = {("logins", feature.name, part): None for part in feature.parts["logins"]}
    assert features.judge("0.31.0", feature, well) == (features.Outcome("works"), [])
    assert "it works, and features.py says" in features.judge("0.12.21", feature, well)[1][0]
    as_known = well | {("logins", feature.name, "by wandb.login"): "AssertionError"}
    outcome, surprises = features.judge("0.12.21", feature, as_known)
    assert (outcome.outcome, outcome.missing, surprises) == ("partly", ("by wandb.login",), [])
    assert "AssertionError" in features.judge("0.31.0", feature, as_known)[1][0]
    assert "did not get so far" in features.judge("0.31.0", feature, {})[1][0]

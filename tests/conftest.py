"""What the stories share: a real server on a free port, and programs run from outside as a user would."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import chromium
from desk import Desk
from outside import Machine, Server, start_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all stories of a file."""
    started = start_server(tmp_path_factory.mktemp("server") / "data")
    yield started
    started.stop()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A computer with an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return Machine(home)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A real browser."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def desk(server: Server, browser: object) -> Desk:
    """Somebody who logs by hand, and looks."""
    return Desk(server, browser, "mira")


@pytest.fixture(scope="module")
def sweep(desk: Desk) -> str:
    """The page of a project with a sweep."""
    return desk.log_a_sweep()

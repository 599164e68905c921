"""Somebody with a run."""

import pytest
from house import House, Person
from streaming import begin_run


@pytest.fixture
def mira(house: House) -> Person:
    return begin_run(house)

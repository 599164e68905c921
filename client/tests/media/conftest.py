"""What the tests of media share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from carrying import Carried


@pytest.fixture
def carried() -> Carried:
    """Nothing yet."""
    return Carried()

"""What the tests of sending and uploading share."""

from collections.abc import Iterator

import pytest
from scripted import Scripted

from runkey import session


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    # Whoever began the run had it prove who it is.
    session.process.proved[scripted.url] = "proved"
    yield scripted
    del session.process.proved[scripted.url]
    scripted.server.shutdown()
    scripted.server.server_close()

"""How many bytes of the database artifacts take, files apart: about as many as their texts, and something for each row."""

import sqlalchemy as sa

from runkey_server.artifacts import store
from runkey_server.artifacts.model import Artifact, Collection

_VERSION_BYTES = 1_000
"""Of a version's own rows; its collection and its type, which it may have made, are in it."""

_ROW_BYTES = 100
"""Of an entry, a part, a manifest, a place or an alias, its keys in the indexes included."""


def weigh(transaction: sa.Connection, artifact: Artifact) -> int:
    """Weigh a version with all that it has by now. Cost: its entries are looked at."""
    texts = (artifact.metadata, artifact.description, *artifact.tags, *artifact.wanted_aliases)
    rows, characters = store.contents.measure_rows(transaction, artifact.id)
    return _VERSION_BYTES + sum(len(text.encode()) for text in texts if text) + rows * _ROW_BYTES + characters


def weigh_collection(collection: Collection) -> int:
    """Weigh what is said of a collection."""
    return sum(len(text.encode()) for text in (collection.description, *collection.tags) if text)

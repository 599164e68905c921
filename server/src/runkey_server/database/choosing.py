"""Chooses rows by a long list of texts, which goes to the database as one parameter: thousands would be slow, and too many."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa


def among(transaction: sa.Connection, column: "sa.ColumnElement[Any]", texts: Collection[str]) -> "sa.ColumnElement[bool]":
    """Say that a column is one of some texts."""
    if transaction.dialect.name == "sqlite":
        return column.in_(sa.select(sa.func.json_each(json.dumps(list(texts))).table_valued("value").c.value))
    return column == sa.any_(sa.literal(list(texts), sa.ARRAY(sa.Text)))

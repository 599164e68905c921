"""Adds tags to runs and takes them away."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from runkey_server.errors import Error
from runkey_server.runs import store
from runkey_server.runs.upserting import check_text

MAX_TAGS = 100
"""Tags that a run may have when more are added."""

MAX_TAG_CHARACTERS = 64


def add_tags(transaction: sa.Connection, project_id: int, names: Sequence[str], tags: Sequence[str]) -> dict[str, int]:
    """Add tags to runs of a project; gives the names of those that had not all of them, and by how many bytes their tags grew.

    Raises Error `invalid` for a bad tag, or too many.
    """
    for tag in tags:
        check_text("tags", tag)
        if not tag.strip() or len(tag) > MAX_TAG_CHARACTERS:
            raise Error("invalid", f"A tag has 1 to {MAX_TAG_CHARACTERS} characters.")
    return _change(transaction, project_id, names, lambda before: [*before, *(tag for tag in dict.fromkeys(tags) if tag not in before)])


def remove_tags(transaction: sa.Connection, project_id: int, names: Sequence[str], tags: Sequence[str]) -> dict[str, int]:
    """Take tags away from runs of a project; as `add_tags` gives."""
    return _change(transaction, project_id, names, lambda before: [tag for tag in before if tag not in tags])


def _change(transaction: sa.Connection, project_id: int, names: Sequence[str], change: Callable[[list[str]], list[str]]) -> dict[str, int]:
    changed: dict[str, int] = {}
    for run_id, name, before in store.list_tags(transaction, project_id, names):
        after = change(before)
        if after == before:
            continue
        if len(after) > max(MAX_TAGS, len(before)):
            raise Error("invalid", f"A run has at most {MAX_TAGS} tags.")
        store.update_run(transaction, run_id, {"tags": after})
        changed[name] = sum(len(tag.encode()) for tag in after) - sum(len(tag.encode()) for tag in before)
    return changed

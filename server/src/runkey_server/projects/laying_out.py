"""Keeps how a project's page is laid out, for everybody who opens it. What a layout says is the page's affair."""

import json
from datetime import datetime

import sqlalchemy as sa

from runkey_server.asgi.actor import Actor
from runkey_server.errors import Error
from runkey_server.projects import store
from runkey_server.projects.access import may
from runkey_server.projects.model import Project

MAX_LAYOUT_BYTES = 64 * 1024


def read_layout(transaction: sa.Connection, project: Project) -> str | None:
    """Give a project's layout, as JSON text; None when none was saved."""
    return store.find_layout(transaction, project.id)


def save_layout(transaction: sa.Connection, actor: Actor, project: Project, layout: str, at: datetime) -> None:
    """Save a project's layout; an empty object takes it away.

    Raises Error `forbidden` for whom may not write, `invalid` for what is no JSON object, `too_large`.
    """
    if not may(actor, "write", project.account_id):
        raise Error("forbidden", "Only who may log to a project lays out its page.")
    if len(layout.encode()) > MAX_LAYOUT_BYTES:
        raise Error("too_large", f"A layout has at most {MAX_LAYOUT_BYTES:,} bytes.")
    try:
        told = json.loads(layout)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Error("invalid", "A layout is a JSON object.")
    if told:
        store.put_layout(transaction, project.id, layout, at)
    else:
        store.delete_layout(transaction, project.id)

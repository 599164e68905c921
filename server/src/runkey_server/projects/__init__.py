"""Projects, and the one place that says who may do what.

Tables: `projects`, `project_aliases`, `project_layouts`. A project belongs to an account (W&B: its entity) and is made on the fly
by the first run that names it.
"""

from runkey_server.projects.access import Act, may
from runkey_server.projects.deleting import UNDO_FOR, delete_project, find_deleted, list_deleted, list_deleted_before, restore_project
from runkey_server.projects.laying_out import MAX_LAYOUT_BYTES, read_layout, save_layout
from runkey_server.projects.model import Project
from runkey_server.projects.opening import (
    count_projects,
    find_owner,
    find_project,
    find_project_by_id,
    list_ids_of,
    list_projects,
    open_project,
    purge,
    transfer,
)

__all__ = [
    "MAX_LAYOUT_BYTES",
    "UNDO_FOR",
    "Act",
    "Project",
    "count_projects",
    "delete_project",
    "find_deleted",
    "find_owner",
    "find_project",
    "find_project_by_id",
    "list_deleted",
    "list_deleted_before",
    "list_ids_of",
    "list_projects",
    "may",
    "open_project",
    "purge",
    "read_layout",
    "restore_project",
    "save_layout",
    "transfer",
]

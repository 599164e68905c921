"""Runs: config, summary, state, tags, console lines.

Tables: `runs`, `run_values`, `run_writers`, `console_lines`. Upserting makes a run or changes it; branching lets one go on from a step of
another, or back to one of its own; reporting takes what a running run tells, and sharing lets several processes tell it. Finding gives one
or a page of them, which filtering chooses and ordering puts in order, by the fields that `asking` knows. Tagging, stopping, moving and
deleting act on many at once. Its rows of history live in `history`, its files in `files`.
"""

from runkey_server.database.filtering import Condition
from runkey_server.runs.asking import read_filter
from runkey_server.runs.branching import BranchPoint, branch_point_of, rewind
from runkey_server.runs.console import (
    MAX_FOUND,
    ConsoleLine,
    Found,
    count_console,
    find_console,
    measure_console,
    read_console,
    read_printed,
    write_console,
)
from runkey_server.runs.deleting import delete_runs, list_deleted, list_deleted_before, list_older, restore_runs
from runkey_server.runs.describing import Definition, config_of, definitions, flat, summary_of
from runkey_server.runs.finding import (
    Page,
    count_runs,
    find_run,
    get_run_by_id,
    list_changed,
    list_named,
    list_page,
    list_runs,
    number_runs,
)
from runkey_server.runs.model import Changes, Run
from runkey_server.runs.moving import move_runs
from runkey_server.runs.picturing import CustomChart, charts_of, classes_of
from runkey_server.runs.reporting import Report, get_writable, report
from runkey_server.runs.sharing import MAX_WRITER_CHARACTERS, join_summary, place_lines
from runkey_server.runs.stopping import set_state, stop_runs
from runkey_server.runs.store import count_runs_of, list_run_ids_in, list_run_ids_of, lock_run, name_runs, purge
from runkey_server.runs.tagging import MAX_TAG_CHARACTERS, MAX_TAGS, add_tags, remove_tags
from runkey_server.runs.upserting import DEFAULT_PROJECT, check_text, find_meant, update_by_id, upsert

__all__ = [
    "DEFAULT_PROJECT",
    "MAX_FOUND",
    "MAX_TAGS",
    "MAX_TAG_CHARACTERS",
    "MAX_WRITER_CHARACTERS",
    "BranchPoint",
    "Changes",
    "Condition",
    "ConsoleLine",
    "CustomChart",
    "Definition",
    "Found",
    "Page",
    "Report",
    "Run",
    "add_tags",
    "branch_point_of",
    "charts_of",
    "check_text",
    "classes_of",
    "config_of",
    "count_console",
    "count_runs",
    "count_runs_of",
    "definitions",
    "delete_runs",
    "find_console",
    "find_meant",
    "find_run",
    "flat",
    "get_run_by_id",
    "get_writable",
    "join_summary",
    "list_changed",
    "list_deleted",
    "list_deleted_before",
    "list_named",
    "list_older",
    "list_page",
    "list_run_ids_in",
    "list_run_ids_of",
    "list_runs",
    "lock_run",
    "measure_console",
    "move_runs",
    "name_runs",
    "number_runs",
    "place_lines",
    "purge",
    "read_console",
    "read_filter",
    "read_printed",
    "remove_tags",
    "report",
    "restore_runs",
    "rewind",
    "set_state",
    "stop_runs",
    "summary_of",
    "update_by_id",
    "upsert",
    "write_console",
]

"""Runs: config, summary, state, tags, console lines.

Tables: `runs`, `console_lines`. Upserting makes a run or changes it; reporting takes what a running run tells; finding gives one or a page
of them; tagging and deleting act on many at once. Its rows of history live in `history`, its files in `files`.
"""

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
from runkey_server.runs.finding import count_runs, find_run, get_run_by_id, list_changed, list_named, list_runs, number_runs
from runkey_server.runs.model import Changes, Run
from runkey_server.runs.picturing import CustomChart, charts_of, classes_of
from runkey_server.runs.reporting import Report, get_writable, report
from runkey_server.runs.store import count_runs_of, list_run_ids_in, list_run_ids_of, name_runs, purge
from runkey_server.runs.tagging import MAX_TAG_CHARACTERS, MAX_TAGS, add_tags, remove_tags
from runkey_server.runs.upserting import find_meant, update_by_id, upsert

__all__ = [
    "MAX_FOUND",
    "MAX_TAGS",
    "MAX_TAG_CHARACTERS",
    "Changes",
    "ConsoleLine",
    "CustomChart",
    "Definition",
    "Found",
    "Report",
    "Run",
    "add_tags",
    "charts_of",
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
    "list_changed",
    "list_deleted",
    "list_deleted_before",
    "list_named",
    "list_older",
    "list_run_ids_in",
    "list_run_ids_of",
    "list_runs",
    "measure_console",
    "name_runs",
    "number_runs",
    "purge",
    "read_console",
    "read_printed",
    "remove_tags",
    "report",
    "restore_runs",
    "summary_of",
    "update_by_id",
    "upsert",
    "write_console",
]

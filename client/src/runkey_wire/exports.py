"""Exports: what can be had, in which formats, at which address, under which file name. Both sides keep to it."""

HISTORY, EVENTS, RUNS = "history", "events", "runs"
KINDS = (HISTORY, EVENTS, RUNS)
"""Rows of history, rows of system figures, and the runs themselves, one a row."""

CSV, PARQUET = "csv", "parquet"
FORMATS = (CSV, PARQUET)


def path(entity: str, project: str, run: str | None) -> str:
    """Give the address of an export: of one run, or of a project with all its runs."""
    # slow import: ipaddress comes with it
    import urllib.parse

    place = [entity, project, *(["runs", run] if run is not None else []), "export"]
    return "/" + "/".join(urllib.parse.quote(part, safe="") for part in place)


def file_name(project: str, run: str | None, kind: str, file_format: str) -> str:
    """Name the file of an export so that every system takes it: letters, digits, dashes and underscores of the names, no leading dot."""
    parts = [project, *([run] if run is not None else []), *([] if run is not None and kind == HISTORY else [kind])]
    safe = "-".join("".join(character if character.isalnum() or character in "-_" else "_" for character in part[:60]) for part in parts)
    return f"{safe}.{file_format}"

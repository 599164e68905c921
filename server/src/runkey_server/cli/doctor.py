"""`runkey-server doctor`: describes the command and prints what `runkey_server.health` finds and mends."""

import argparse
import json
from contextlib import nullcontext
from pathlib import Path

from runkey_server import clock, health
from runkey_server.cli.opening import add_data_argument, open_as_it_is
from runkey_server.cli.serving import folder_to_ourselves
from runkey_server.database import Database
from runkey_server.database.migrating import current_version, latest_version
from runkey_server.errors import Error
from runkey_server.files import Directory
from runkey_server.health import Examination, Mending


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey-server doctor --data ./runkey-data"
    add_data_argument(parser)
    parser.add_argument("--mend", action="store_true", help="mend what can be mended; only while no server runs")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look, and mend where that was asked for; 0 when all is well and nothing was lost, else 1."""
    data = arguments.data.absolute()
    database, directory = open_as_it_is(data), Directory(data / "files")
    try:
        with folder_to_ourselves(data) if arguments.mend else nullcontext():
            _check_schema(data, database)
            found, mending = health.examine(data, database, directory), Mending()
            first = found
            if arguments.mend and (found.faults or found.remarks):
                mending = health.mend(data, database, directory, clock.now)
                found = health.examine(data, database, directory)
    finally:
        database.close()
    if arguments.json:
        told = {"faults": first.faults, "remarks": first.remarks, "mended": mending.done, "lost": mending.lost, "left": found.faults}
        print(json.dumps(told | {"set_aside": str(mending.folder) if mending.folder else None}))
    else:
        _tell(first, mending, found, data, mends=arguments.mend)
    return 1 if found.faults or mending.lost else 0


def _check_schema(data: Path, database: Database) -> None:
    schema = current_version(database)
    if schema != latest_version():
        raise Error(
            "invalid", f"{data} has another schema ({schema}) than this runkey-server ({latest_version()}). Serve it once, then look."
        )


def _tell(first: Examination, mending: Mending, found: Examination, data: Path, *, mends: bool) -> None:
    for sentence in (*first.faults, *first.remarks):
        print(sentence)
    for sentence in mending.done:
        print(f"Mended: {sentence}")
    for sentence in mending.lost:
        print(f"Lost: {sentence}")
    if mending.folder:
        print(f"What nobody can read was moved to {mending.folder}.")
    if mends:
        for sentence in found.faults:
            print(f"Still wrong: {sentence}")
    if not found.faults:
        print(f"All is well: the database, {found.streams} streams of history and {found.files} files are whole.")
    elif not mends:
        print(f"{len(found.faults)} things are wrong. Stop the server and run: runkey-server doctor --mend --data {data}")

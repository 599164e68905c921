"""Looks at everything in a data folder. Changes nothing, and may be done beside a running server."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from runkey_server import files, history, runs, secret_keys
from runkey_server.database import Database, checking
from runkey_server.files import Directory
from runkey_server.history import Stream


@dataclass
class Examination:
    """What a look found. faults: what is wrong; remarks: what is worth knowing and no harm. Both in sentences."""

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    streams: int = 0
    files: int = 0


def examine(data: Path, database: Database, directory: Directory) -> Examination:
    """Look at modes, secrets, database, history and files. Cost: all of it is read. Raises Error `unavailable`."""
    found = Examination()
    _look_at_modes(data, found)
    found.faults += checking.find_faults(database)
    try:
        names = _names(database)
        _look_at_history(database, names, found)
        _look_at_files(database, directory, names, found)
    except sa.exc.DatabaseError as error:
        found.faults.append(f"The database cannot be read to its end: {error.orig}. Restore a backup: runkey-server restore")
    if database.is_short_of_room():
        found.remarks.append("The disk is full: data is turned away until there is room.")
    return found


def _look_at_modes(data: Path, found: Examination) -> None:
    if stat.S_IMODE(data.stat().st_mode) & 0o077 and os.name == "posix":
        found.faults.append(f"{data} can be entered by others on this machine. Run: chmod 700 {data}")
    fault = secret_keys.find_fault(data)
    if fault is not None:
        found.faults.append(fault)


def _names(database: Database) -> dict[int, str]:
    with database.reading() as transaction:
        return runs.name_runs(transaction)


def _look_at_history(database: Database, names: dict[int, str], found: Examination) -> None:
    with database.reading() as transaction:
        streams = history.list_streams(transaction)
    for run_id, stream in streams:
        with database.reading() as transaction:
            if run_id not in names:
                if not exists(transaction, run_id):
                    found.faults.append(f"There is history of a run that does not exist (number {run_id}).")
                continue
            faults = history.find_faults(transaction, run_id, stream)
        found.streams += 1
        found.faults += [f"{place(names, run_id, stream)}: {fault}." for fault in faults]


def _look_at_files(database: Database, directory: Directory, names: dict[int, str], found: Examination) -> None:
    with database.reading() as transaction:
        found.files = len(files.list_bytes(transaction))
        strays = [run_id for run_id in files.list_run_ids(transaction) if run_id not in names and not exists(transaction, run_id)]
    found.faults += [f"There are files of a run that does not exist (number {run_id})." for run_id in strays]
    for damage in files.find_damage(database, directory):
        if damage.blobs:
            found.faults.append(f"Bytes that artifacts hold: {directory.path(damage.sha256)} {damage.what}.")
        for run_id, name in damage.files:
            found.faults.append(
                f"{names.get(run_id, f'run number {run_id}')}: the file {name!r} {damage.what} ({directory.path(damage.sha256)})."
            )
    unnamed = files.find_unnamed(database, directory)
    if unnamed:
        found.remarks.append(f"{len(unnamed)} pieces in {directory.folder} belong to no file; --mend removes them.")


def exists(transaction: sa.Connection, run_id: int) -> bool:
    """Tell whether a run is there: it may have been made since all were named."""
    return run_id in runs.name_runs(transaction)


def place(names: dict[int, str], run_id: int, stream: Stream) -> str:
    """Name a stream for people."""
    return f"{names.get(run_id, f'run number {run_id}')}, {stream.name.lower()}"

"""Mends what can be mended, while no server runs. What nobody can read is moved to `damaged/`, never thrown away, and named."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from runkey_server import files, history, runs, secret_keys
from runkey_server.clock import Clock
from runkey_server.database import Database, checking
from runkey_server.files import Directory
from runkey_server.health.examining import place


@dataclass
class Mending:
    """What was done. lost: what is gone from where it was looked for, in sentences; folder: where damaged bytes were moved, if any were."""

    done: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    folder: Path | None = None


def mend(data: Path, database: Database, directory: Directory, clock: Clock) -> Mending:
    """Mend modes, indexes, history and files. One transaction a stream and a file. Raises Error `unavailable`."""
    mending = Mending()
    _mend_modes(data, mending)
    if checking.find_faults(database):
        checking.build_indexes_anew(database)
        mending.done.append("The indexes of the database were built anew.")
    aside = data / "damaged" / clock().strftime("%Y%m%dT%H%M%S.%fZ")
    _mend_history(database, aside, clock, mending)
    _mend_files(database, directory, aside, mending)
    if aside.exists():
        mending.folder = aside
    return mending


def _mend_modes(data: Path, mending: Mending) -> None:
    for path, mode in ((data, 0o700), (data / secret_keys.FILE_NAME, 0o600)):
        if path.exists() and path.stat().st_mode & 0o077:
            os.chmod(path, mode)
            mending.done.append(f"{path} is closed to others now.")


def _mend_history(database: Database, aside: Path, clock: Clock, mending: Mending) -> None:
    with database.reading() as transaction:
        streams, names = history.list_streams(transaction), runs.name_runs(transaction)
    for run_id, stream in streams:
        where = place(names, run_id, stream)
        if run_id not in names:
            with database.writing() as transaction:
                history.purge(transaction, [run_id])
            mending.done.append(f"{where}: removed, because there is no such run.")
            continue
        try:
            with database.writing() as transaction:
                if not history.find_faults(transaction, run_id, stream):
                    continue
                mended = history.mend(transaction, run_id, stream, clock())
                # Before the commit: what is dropped from the database is on the disk elsewhere by then.
                _keep(aside, mended.set_aside)
        except Exception as fault:  # one stream that is beyond mending keeps no other from it; the next look says so again
            mending.done.append(f"{where}: could not be put in order ({type(fault).__name__}), and was left as it is.")
            continue
        mending.done.append(f"{where}: put in order.")
        mending.lost += [f"{where}: {loss}." for loss in mended.losses]


def _mend_files(database: Database, directory: Directory, aside: Path, mending: Mending) -> None:
    with database.reading() as transaction:
        names = runs.name_runs(transaction)
        strays = [run_id for run_id in files.list_run_ids(transaction) if run_id not in names]
    if strays:
        files.purge(database, directory, strays)
        mending.done.append(f"Files of {len(strays)} runs that do not exist were removed.")
    for damage in files.find_damage(database, directory):
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        with database.writing() as transaction:
            files.set_aside(transaction, directory, damage, aside)
        if damage.blobs:
            mending.lost.append(
                f"Bytes that artifacts hold ({damage.sha256[:12]}…), which {damage.what}: logged again, they are sent again."
            )
        for run_id, name in damage.files:
            mending.lost.append(f"{names.get(run_id, f'run number {run_id}')}: the file {name!r}, which {damage.what}.")
    unnamed = files.find_unnamed(database, directory)
    young = files.sweep(database, directory, unnamed)
    if len(unnamed) > len(young):
        mending.done.append(f"{len(unnamed) - len(young)} pieces that belonged to no file were removed.")


def _keep(aside: Path, pieces: dict[str, bytes]) -> None:
    if pieces:
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, body in pieces.items():
        with (aside / name).open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())

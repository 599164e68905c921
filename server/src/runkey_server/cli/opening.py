"""Opens a data folder for a command: makes it, migrates its database, reads its keys."""

import argparse
import os
from pathlib import Path

from runkey_server import secret_keys
from runkey_server.backups import refuse_unfinished
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.errors import Error
from runkey_server.secret_keys import SecretKeys
from runkey_server.settings import DEFAULT_DATA, Settings


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Add --data, which every command takes."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(DEFAULT_DATA),
        metavar="DIR",
        help=f"the server's folder: database, files, secrets (default: ./{DEFAULT_DATA})",
    )


def prepare_folder(data: Path) -> Path:
    """Make the data folder, for its owner alone (0700); give its absolute path. Raises Error `invalid` when that cannot be."""
    data = data.absolute()
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(data, 0o700)
    except OSError as error:
        raise Error("invalid", f"The folder {data} cannot be used: {error.strerror}. Name another with --data.") from None
    if not os.access(data, os.W_OK | os.X_OK):
        raise Error("invalid", f"The folder {data} cannot be written to. Name another with --data.")
    refuse_unfinished(data)
    return data


def open_as_it_is(data: Path) -> Database:
    """Open the database of a folder and change nothing, not even its schema. Raises Error `invalid` for a folder that holds none."""
    if not (data / "runkey.db").exists():
        raise Error("invalid", f"{data} is no server's folder: there is no runkey.db in it. Name it with --data.")
    refuse_unfinished(data)
    return Database(Settings(data=data).sqlalchemy_url)


def open_data(data: Path) -> tuple[Database, SecretKeys]:
    """Open what `serve` made, for a command beside it. Raises Error `invalid` for a folder that holds no server."""
    data = data.absolute()
    refuse_unfinished(data)
    if not (data / secret_keys.FILE_NAME).exists():
        raise Error(
            "invalid",
            f"{data} is no server's folder yet. Name it with --data, or begin with: runkey-server serve --data {data}",
        )
    database = Database(Settings(data=data).sqlalchemy_url)
    migrate(database)
    return database, secret_keys.load_or_make(data)

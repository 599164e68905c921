"""`runkey-server backup DEST`: describes the command and says what came of it; `runkey_server.backups` does it."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from runkey_server import backups, clock
from runkey_server.cli.opening import add_data_argument, open_as_it_is

_SECRETS = (
    "secrets.json was left out: keep it safe and apart from this backup. Without it no API key works after a restore, "
    "and clients take the server for another one. --with-secrets takes it along."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey-server backup /mnt/backups/runkey --data ./runkey-data"
    parser.add_argument("dest", type=Path, metavar="DEST", help="a folder for this backup; one that is there already is brought up to date")
    add_data_argument(parser)
    parser.add_argument(
        "--with-secrets", action="store_true", help="take secrets.json along: whoever reads the backup then has the keys too"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Take a backup; 1 when the server lacks files that belong to it."""
    data, target = arguments.data.absolute(), arguments.dest.absolute()
    database = open_as_it_is(data)
    try:
        taken = backups.take(data, database, target, clock.now, with_secrets=arguments.with_secrets)
    finally:
        database.close()
    manifest = taken.manifest
    if arguments.json:
        kept = asdict(manifest) | {"files": len(manifest.files), "copied": taken.copied, "with_secrets": manifest.secrets is not None}
        print(json.dumps(kept))
        return 1 if manifest.missing else 0
    size = (manifest.database.size_bytes + sum(manifest.files.values())) / 1e6
    print(f"Backed up to {target}, as of {manifest.made_at}: the database and {len(manifest.files)} files, {size:.1f} MB.")
    print(f"{taken.copied} files are new in it, {taken.kept} were there.")
    print("secrets.json is in it: whoever can read it can do what this server can." if manifest.secrets else _SECRETS)
    if manifest.missing:
        print(f"{len(manifest.missing)} files are missing or damaged on the server itself. Run: runkey-server doctor --data {data}")
    return 1 if manifest.missing else 0

"""`runkey-server restore SOURCE`: describes the command and says what came of it; `runkey_server.backups` does it."""

import argparse
import json
from pathlib import Path

from runkey_server import backups
from runkey_server.cli.opening import add_data_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.epilog = "Example: runkey-server restore /mnt/backups/runkey --data ./runkey-data"
    parser.add_argument("source", type=Path, metavar="SOURCE", help="the folder of a backup")
    add_data_argument(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Restore; 1 when files of the backup were damaged and left out."""
    source, data = arguments.source.absolute(), arguments.data.absolute()
    restored = backups.restore(source, data)
    manifest = restored.manifest
    lacking = sorted({*restored.damaged, *manifest.missing})
    if arguments.json:
        said = {
            "made_at": manifest.made_at,
            "files": len(manifest.files) - len(restored.damaged),
            "with_secrets": manifest.secrets is not None,
        }
        print(json.dumps(said | {"ended_sessions": restored.ended_sessions, "missing": lacking}))
        return 1 if lacking else 0
    print(f"Restored to {data}, as of {manifest.made_at}: the database and {len(manifest.files) - len(restored.damaged)} files.")
    print("Browser sessions and links that work once have ended; people sign in again. Keys that were revoked before stay revoked.")
    print(f"Keys that were revoked since then are good again: look through `runkey-server key list --data {data}`.")
    if manifest.secrets is None:
        print(
            f"This backup holds no secrets.json. Put the one that belongs to it (server {manifest.server_id}) into {data}\n"
            "before the server starts. Without it no API key works any more: machines and people log in anew, clients are told\n"
            "that this is another server, and links that wait to be mailed are lost. Passwords, runs and files are all there."
        )
    if lacking:
        print(f"{len(lacking)} files are missing or damaged in the backup. Which ones: runkey-server doctor --data {data}")
    return 1 if lacking else 0

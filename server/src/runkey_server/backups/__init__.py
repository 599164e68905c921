"""A second whole of a server in a folder of its own, made while the server runs, and the way back from it.

No tables, no routes. A backup is `manifest.json`, one database, the bytes of files by their SHA-256, and the secrets where they were asked
for. The manifest names everything else with its hash, and takes its name last: without it there is no backup.
"""

from runkey_server.backups.model import Manifest, read_manifest
from runkey_server.backups.restoring import Restored, refuse_unfinished, restore
from runkey_server.backups.taking import Taken, take

__all__ = ["Manifest", "Restored", "Taken", "read_manifest", "refuse_unfinished", "restore", "take"]

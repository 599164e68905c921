"""runkey-server: accounts, keys, sign-in, and the home of the data.

One process and one folder. Machines write through W&B's wire (`graphql`, `ingest`), people look through the pages (`web`); both doors
call the same acts in the rooms below them. ARCHITECTURE.md is the map; `app.py` is where the rooms meet.
"""

from runkey_wire.version import __version__

__all__ = ["__version__"]

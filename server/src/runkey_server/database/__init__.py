"""The database: engines, pragmas, the one writer, the transaction, the migrations.

Rooms keep their own `tables.py` and `store.py` in SQLAlchemy Core and never open a connection themselves: an act says
`with database.writing() as transaction:` and hands the transaction to its store. What differs between SQLite and PostgreSQL is here.
"""

from runkey_server.database.choosing import among
from runkey_server.database.columns import Instant, metadata
from runkey_server.database.engine import Database
from runkey_server.database.epoch import bump_epoch, read_epoch
from runkey_server.database.grouping import Grouped
from runkey_server.database.locking import hold
from runkey_server.database.upserting import insert_for

__all__ = ["Database", "Grouped", "Instant", "among", "bump_epoch", "hold", "insert_for", "metadata", "read_epoch"]

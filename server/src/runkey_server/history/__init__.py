"""History (one row a step) and events (system figures): rows in at their line, rows and samples out.

Table: `history_lines`. It knows a run as a number and asks nobody whether it may: the doors do.
"""

from runkey_server.history.appending import append, purge
from runkey_server.history.model import Stream
from runkey_server.history.reading import count_lines, describe_keys, last_lines, read_all, read_steps
from runkey_server.history.sampling import sample_lines, sample_rows, series

__all__ = [
    "Stream",
    "append",
    "count_lines",
    "describe_keys",
    "last_lines",
    "purge",
    "read_all",
    "read_steps",
    "sample_lines",
    "sample_rows",
    "series",
]

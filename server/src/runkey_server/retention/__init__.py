"""How much of the disk a project takes and may take, for how long its runs are kept, and how what was deleted goes.

Table: `retention_rules`. What is deleted, by a person or by a rule, can be restored for a day; then it is purged: history, console, files,
rows. It asks nobody whether somebody may: the doors do.
"""

from runkey_server.retention.limiting import Limits, Quota
from runkey_server.retention.measuring import Meter, Usage
from runkey_server.retention.model import Rule
from runkey_server.retention.purging import PURGED_AFTER, Purger, purge_runs
from runkey_server.retention.ruling import Ruler, check_rule, find_rule, list_due, set_rule

__all__ = [
    "PURGED_AFTER",
    "Limits",
    "Meter",
    "Purger",
    "Quota",
    "Rule",
    "Ruler",
    "Usage",
    "check_rule",
    "find_rule",
    "list_due",
    "purge_runs",
    "set_rule",
]

"""Logging without an account, and taking over later what was logged: accounts `anon-…`, what they may keep, how they change hands or end.

No table of its own: an account without a name is a row of `accounts` with an end, its key one of `keys`, its links one-time links. Claiming
moves its projects in one transaction and leaves an alias where they stood, so that a run under way goes on writing to the address it began
with. What nobody claims is purged, files included.
"""

from runkey_server.claiming.capping import Used, check_projects, check_runs, count_bytes, counting, hold_room, use_of
from runkey_server.claiming.claiming import Claimed, claim, find_claimable, issue_claim_link
from runkey_server.claiming.offer import Caps, Offer
from runkey_server.claiming.purging import Purger
from runkey_server.claiming.starting import Started, start

__all__ = [
    "Caps",
    "Claimed",
    "Offer",
    "Purger",
    "Started",
    "Used",
    "check_projects",
    "check_runs",
    "claim",
    "count_bytes",
    "counting",
    "find_claimable",
    "hold_room",
    "issue_claim_link",
    "start",
    "use_of",
]

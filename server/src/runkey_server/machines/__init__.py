"""The machines that people logged in, each with a key of its own that can be sent away alone.

Tables: `machines`, `machine_hosts`. A machine is one entry of one credentials file, not a computer: a home shared by 500 nodes is one
login, and each node is seen as a host of it. Making and ending its keys is left to `keys`, approving it to `oauth`.
"""

from runkey_server.machines.finding import find_machine, get_machine, list_machines
from runkey_server.machines.forgetting import end_key, rename, revoke, take_back
from runkey_server.machines.model import Asking, Machine
from runkey_server.machines.registering import Joined, find_renewed, note_host, register

__all__ = [
    "Asking",
    "Joined",
    "Machine",
    "end_key",
    "find_machine",
    "find_renewed",
    "get_machine",
    "list_machines",
    "note_host",
    "register",
    "rename",
    "revoke",
    "take_back",
]

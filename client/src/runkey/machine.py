"""What this machine is called."""

import os


def machine_name() -> str:
    """Name this machine: its host name."""
    return os.uname().nodename if hasattr(os, "uname") else "this computer"

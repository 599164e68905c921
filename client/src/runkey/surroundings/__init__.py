"""What surrounds a run, gathered by a thread when it begins: program and arguments, the machine, git's state, the installed packages.

It goes up as the official client's files: `wandb-metadata.json`, `requirements.txt`, `diff.patch`, `code/...`, all of it scrubbed of keys.
Whatever cannot be found out is left out; nothing here fails a run or holds it up.
"""

from runkey.surroundings.code import log_code
from runkey.surroundings.gathering import start

__all__ = ["log_code", "start"]

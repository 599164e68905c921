"""Whether what is kept is whole: looks at everything in a data folder, says what is wrong and where, and mends what can be mended.

No tables, no routes. Each room looks at what is its own; this one asks them all and speaks of runs by name.
"""

from runkey_server.health.examining import Examination, examine
from runkey_server.health.mending import Mending, mend

__all__ = ["Examination", "Mending", "examine", "mend"]

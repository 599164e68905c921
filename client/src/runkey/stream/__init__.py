"""What carries a run from the training loop to the server: a journal on disk, and the threads that send what it holds.

`journal` writes (`framing` is how), `reading` reads back, `gathering` merges what was read, `taking_up` makes requests of it, `sending`
posts them, `uploading` sends files; `acknowledging` notes what the server has; `folders` says where all this lies. Nothing here waits for
the network in the caller's thread, or raises into it.
"""

from runkey.stream.acknowledging import Acknowledged
from runkey.stream.folders import Lock
from runkey.stream.journal import Journal
from runkey.stream.posting import MAX_LINE_BYTES
from runkey.stream.reading import Position, Reader, Record
from runkey.stream.sending import Sender

__all__ = ["MAX_LINE_BYTES", "Acknowledged", "Journal", "Lock", "Position", "Reader", "Record", "Sender"]

"""What carries rows from the training loop to the server: a bounded queue, and the thread that empties it.

Nothing here waits for the network in the caller's thread, or raises into it. Runs keep no journal yet: what is still here when the process
ends is lost, and said to be.
"""

from runkey.stream.queueing import MAX_LINE_CHARACTERS, LineIsTooLong, Queue
from runkey.stream.sending import Sender

__all__ = ["MAX_LINE_CHARACTERS", "LineIsTooLong", "Queue", "Sender"]

"""What a process prints, kept with its run: the lines of `output.log`.

`screen.py` knows what a terminal would show of what was printed (a progress bar rewrites its line); `lines.py` what of it is new and how it
is written; `capturing.py` listens at standard output and standard error. Nothing of it ever stands between a program and its terminal:
what is printed is printed first, as without us, and looked at later by a thread.

What goes past Python (a child process, a library in C that writes to the descriptor) is not seen.
"""

from runkey.console.capturing import start

__all__ = ["start"]

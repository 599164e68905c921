"""Which run is the process's current one, and its end with the interpreter: an exception is exit code 1, Ctrl-C 255, as W&B has it."""

import atexit
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runkey.runs.run import Run

_current: "Run | None" = None
_hooked = False


def current() -> "Run | None":
    """Give the process's current run; None in a forked child, which does not carry it on."""
    return _current if _current is not None and _current.pid == os.getpid() else None


def make_current(run: "Run") -> None:
    """Make a run the current one."""
    global _current
    _current = run
    _hook_once()


def forget(run: "Run") -> None:
    """Let a run be the current one no more."""
    global _current
    if _current is run:
        _current = None


def exit_code_of(kind: type[BaseException]) -> int:
    """Give the exit code of a run that an exception ended."""
    return 255 if issubclass(kind, KeyboardInterrupt) else 1


def _hook_once() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    previous = sys.excepthook

    def remember(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        run = current()
        if run is not None:
            run.exit_code = exit_code_of(kind)
        previous(kind, error, traceback)

    sys.excepthook = remember
    atexit.register(_finish_current)


def _finish_current() -> None:
    run = current()
    if run is not None:
        run.finish()

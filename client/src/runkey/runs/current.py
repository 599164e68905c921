"""Which run is the process's current one, and its end with the process.

A run that was begun beside another one, by reinit="create_new", is never the current one, as W&B has it: what a script says to the module
(`runkey.log`) goes on to the run that it was for.

An exception is exit code 1, Ctrl-C 255, `sys.exit(3)` 3, as W&B has it. A SIGTERM that nobody else handles (a cluster's way to say that
time is over) becomes an orderly exit with 143, so that what was logged is sent; a forked child keeps its default.
"""

import atexit
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runkey.runs.run import Run

TERMINATED = 128 + signal.SIGTERM

_current: "Run | None" = None
_all: "list[Run]" = []
_hooked_pid: int | None = None


def current() -> "Run | None":
    """Give the process's current run; None in a forked child, which does not carry it on."""
    return _current if _current is not None and _current.pid == os.getpid() else None


def has_others() -> bool:
    """Tell whether runs of this process are in progress, the current one or not."""
    return any(run.pid == os.getpid() for run in _all)


def take_on(run: "Run", *, is_current: bool) -> None:
    """Let a run end with the process, and be the current one, or stand beside it."""
    global _current
    if is_current:
        _current = run
    _all.append(run)
    _hook_once()


def forget(run: "Run") -> None:
    """Let a run be the current one no more."""
    global _current
    if run in _all:
        _all.remove(run)
    if _current is run:
        _current = None


def exit_code_of(kind: type[BaseException], error: BaseException | None = None) -> int:
    """Give the exit code of a run that an exception ended."""
    if issubclass(kind, SystemExit):
        return _code(getattr(error, "code", None))
    return 255 if issubclass(kind, KeyboardInterrupt) else 1


def _code(word: Any) -> int:
    """Read what was given to sys.exit(): nothing is 0, a text 1."""
    return 0 if word is None else word if isinstance(word, int) else 1


def _hook_once() -> None:
    global _hooked_pid
    if _hooked_pid == os.getpid():
        return
    if _hooked_pid is None:  # a forked child has its parent's hooks, and needs no second ones
        _hook_exceptions()
        _hook_exit()
        atexit.register(finish_all)
    _hooked_pid = os.getpid()
    _hook_termination()
    _hook_child()


def _note(exit_code: int) -> None:
    for run in _all:
        if run.pid == os.getpid():
            run.exit_code = exit_code


def _hook_exceptions() -> None:
    previous = sys.excepthook

    def remember(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        _note(exit_code_of(kind, error))
        previous(kind, error, traceback)

    sys.excepthook = remember


def _hook_exit() -> None:
    previous = sys.exit

    def leave(status: Any = None, /) -> Any:
        # Nothing else tells at the end with which code a process leaves; threads end themselves by it only.
        if threading.current_thread() is threading.main_thread():
            _note(_code(status))
        previous(status)

    sys.exit = leave


def _hook_termination() -> None:
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    pid = os.getpid()

    def terminate(number: int, _: Any) -> None:
        if os.getpid() != pid or current() is None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        _note(TERMINATED)
        raise SystemExit(TERMINATED)

    signal.signal(signal.SIGTERM, terminate)


def _hook_child() -> None:
    """End runs with a child that multiprocessing made: a forked one leaves without calling what `atexit` holds."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is None or processes.parent_process() is None:
        return
    from multiprocessing.util import Finalize

    def leave() -> None:
        # It is called while the exception that ends the child, if one does, is on its way.
        kind, error, _ = sys.exc_info()
        if kind is not None:
            _note(exit_code_of(kind, error))
            for run in _all:
                run.tell_error(error)
        finish_all()

    Finalize(None, leave, exitpriority=0)


def finish_all() -> None:
    """End every run of this process that is in progress, the youngest first."""
    for run in reversed(_all[:]):
        if run.pid == os.getpid():
            run.finish()

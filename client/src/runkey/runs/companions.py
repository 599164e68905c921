"""What accompanies a run: each is begun at the end of `init()` and ended first thing in `finish()`.

A companion is a function `start(run)` that gives a function `stop(exit_code)`, or None. They are named by `module:function` and imported
when a run begins, so that importing this package stays light.
"""

import importlib
from collections.abc import Callable
from typing import Any

COMPANIONS: tuple[str, ...] = (
    # First in, last out: what the others say at the end is printed too.
    "runkey.console:start",
    "runkey.surroundings:start",
    "runkey.system:start",
    "runkey.runs.following:start",
)

Stop = Callable[[int], None]


def start_all(run: Any, complain: Callable[[str], None]) -> list[Stop]:
    """Start every companion; give their ends, the last one first. One that fails is told of and costs only itself."""
    stops: list[Stop] = []
    for place in COMPANIONS:
        module, _, name = place.partition(":")
        try:
            stop = getattr(importlib.import_module(module), name)(run)
        except Exception as fault:
            complain(f"{name} of {module} could not begin ({type(fault).__name__}: {fault}); the run goes on without it.")
            continue
        if stop is not None:
            stops.insert(0, stop)
    return stops


def stop_all(stops: list[Stop], exit_code: int, complain: Callable[[str], None]) -> None:
    """End them."""
    for stop in stops:
        try:
            stop(exit_code)
        except KeyboardInterrupt:
            continue  # this one is not waited for; the run still has to end
        except Exception as fault:
            complain(f"What accompanied the run did not end well ({type(fault).__name__}: {fault}).")

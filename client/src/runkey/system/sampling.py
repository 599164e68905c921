"""Reads the gauges every 15 seconds, in a thread of its own, and hands what they say to the run."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

DEFAULT_SECONDS = 15.0
"""As often as the official client: 5,760 lines a day."""

_SHORTEST_SECONDS = 0.1


class Gauge(Protocol):
    """Something that gives figures under their names."""

    def read(self, now: float) -> dict[str, float]:
        """Give the figures of this moment. now: monotonic seconds."""


class Logger(Protocol):
    """What is asked of a run."""

    settings: Any

    def log_system(self, row: dict[str, Any]) -> None:
        """Take one line of figures."""

    def tell_failure(self, part: str, fault: Exception) -> None:
        """Hear that the sampling is over too early, and why."""


def start(run: Logger) -> Callable[[int], None] | None:
    """Begin to sample for a run; give what ends it. Not when the run's settings say x_disable_stats."""
    if getattr(run.settings, "x_disable_stats", None):
        return None
    asked = getattr(run.settings, "x_stats_sampling_interval", None)
    sampler = Sampler(run, max(float(asked), _SHORTEST_SECONDS) if asked else DEFAULT_SECONDS)
    sampler.start()
    return sampler.stop


class Sampler:
    """The sampling for one run. The first line comes at once, so that the shortest run has one."""

    def __init__(self, run: Logger, seconds: float) -> None:
        """seconds: between two lines."""
        self._run = run
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, name="runkey-system", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, exit_code: int = 0) -> None:
        """End it. A reading that hangs in a driver is not waited for."""
        self._ended.set()
        self._thread.join(1.0)

    def _sample_on(self) -> None:
        try:
            self._sample()
        except Exception as fault:  # no file can be opened, not even of this package
            self._run.tell_failure("The sampling of system figures", fault)

    def _sample(self) -> None:
        gauge, cards = make_gauge(), find_cards()
        while True:
            row: dict[str, Any] = {}
            # A file that the kernel does not have this time, a card that fell off its bus: this line is shorter.
            with contextlib.suppress(Exception):
                row |= gauge.read(time.monotonic())
            if cards is not None:
                with contextlib.suppress(Exception):
                    row |= cards.read()
            if row:
                self._run.log_system(row)
            if self._ended.wait(self._seconds):
                break
        if cards is not None:
            cards.close()


def make_gauge() -> Gauge:
    """Choose what reads this system."""
    if sys.platform == "linux":
        from runkey.system.linux import LinuxGauge  # this system alone has it

        with contextlib.suppress(OSError, ValueError, IndexError, KeyError):
            return LinuxGauge()
    from runkey.system.elsewhere import PlainGauge, PsutilGauge  # the other systems

    try:
        return PsutilGauge()
    except ImportError:
        return PlainGauge()


def find_cards() -> Any:
    """Give NVIDIA's cards; None where there are none to be asked."""
    with contextlib.suppress(Exception):
        from runkey.system.nvidia import NvidiaCards  # optional dependency

        return NvidiaCards()
    return None

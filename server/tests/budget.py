"""How long a thing is tried: a few examples, the same each time, in an ordinary run; as long as `./dev fuzz --minutes` says otherwise."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Verbosity, given, seed, settings
from hypothesis import strategies as st

_AT_ONCE = 50


@dataclass(frozen=True)
class Budget:
    """seconds: for so long, beginning with a seed; None: a few examples, always the same."""

    seconds: float | None = None
    first_seed: int = 0

    def spend(self, strategy: st.SearchStrategy[Any], act: Callable[[Any], None], examples: int = 8) -> None:
        """Try an act with values of a strategy; what fails is made as small as it can be."""
        if self.seconds is None:
            self._try(strategy, act, examples, None)
            return
        until, number = time.monotonic() + self.seconds, self.first_seed
        while time.monotonic() < until:
            self._try(strategy, act, _AT_ONCE, number)
            number += 1

    def _try(self, strategy: st.SearchStrategy[Any], act: Callable[[Any], None], examples: int, number: int | None) -> None:
        @settings(
            max_examples=examples,
            derandomize=number is None,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # What failed may have megabytes: the act says as much of it as can be read.
            verbosity=Verbosity.quiet,
            print_blob=False,
        )
        @given(strategy)
        def run(value: Any) -> None:
            act(value)

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Generating overly large repr")
            (run if number is None else seed(number)(run))()

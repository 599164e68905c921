"""How long a thing is tried: a few examples, the same each time, in an ordinary run; as long as `./dev fuzz --minutes` says otherwise."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

_AT_ONCE = 50


@dataclass(frozen=True)
class _Shown:
    """What was tried, as a failure shows it: not megabytes of it."""

    value: Any

    def __repr__(self) -> str:
        text = repr(self.value)
        return text if len(text) < 3_000 else f"{text[:3_000]}… ({len(text)} characters)"


@dataclass(frozen=True)
class Budget:
    """seconds: for so long, beginning with a seed; None: a few examples, always the same."""

    seconds: float | None = None
    first_seed: int = 0

    def spend(self, strategy: st.SearchStrategy[Any], act: Callable[[Any], None], examples: int = 12) -> None:
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
            print_blob=False,
        )
        @given(strategy.map(_Shown))
        def run(shown: _Shown) -> None:
            act(shown.value)

        (run if number is None else seed(number)(run))()

"""Says now and then how far something is that takes long."""

from collections.abc import Callable

from runkey.clock import Clock

_EVERY_SECONDS = 3.0


class Progress:
    """Called often, speaks every few seconds."""

    def __init__(self, clock: Clock, say: Callable[[str], None], words: Callable[[], str]) -> None:
        """words: gives how far it is."""
        self._clock = clock
        self._say = say
        self._words = words
        self._told = clock.monotonic()

    def __call__(self) -> None:
        """Speak, if it is time."""
        now = self._clock.monotonic()
        if now - self._told >= _EVERY_SECONDS:
            self._told = now
            self._say(self._words())

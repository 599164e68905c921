"""How long is waited, and what that leaves alone."""

import random

from runkey.errors import ConnectionFailed
from runkey.stream.waiting import LONGEST_SECONDS, Backoff


def test_a_training_finds_its_seeded_chance_as_it_left_it() -> None:
    random.seed(7)
    before = random.getstate()
    backoff = Backoff()
    waits = [backoff.next_seconds(ConnectionFailed("Nothing answers.", "connect")) for _ in range(12)]
    assert random.getstate() == before
    assert max(waits) <= LONGEST_SECONDS
    assert len(set(waits)) > 1

"""`kill -9` at any moment under eight writers: nothing that was acknowledged is lost, nothing is there twice, and it answers again."""

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from ledgers import Ledger, Writer
from outside import Server, eventually, start_server

pytestmark = [pytest.mark.story, pytest.mark.timeout(3_600)]

WRITERS, RUNS_EACH, LONGEST_RUN = 8, 2, 800


def is_ready(server: Server) -> bool:
    try:
        return server.get("/readyz")[0] == 200
    except OSError:
        return False


def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(tmp_path: Path, rounds: int) -> None:
    data, chance = tmp_path / "data", random.Random(20_240_229)
    server = start_server(data)
    ledger = Ledger("mira", "faults", server.key("mira"))
    server.stop()
    writers = [Writer(ledger, number, RUNS_EACH, chance.getrandbits(32), longest_run=LONGEST_RUN) for number in range(WRITERS)]
    lost, doubled, words = 0, 0, []
    seconds_to_ready, cpu_to_ready = [], []
    for number in range(rounds):
        began = time.monotonic()
        server = start_server(data, "--workers", str(1 + number % 2))
        assert is_ready(server)
        seconds_to_ready.append(time.monotonic() - began)
        cpu_to_ready.append(server.cpu_seconds())
        try:
            # What was under way when it died is looked at before anybody sends it again.
            active = [run for writer in writers for run in writer._runs]
            found = ledger.compare(server, active if (number + 1) % 20 else None)
            lost, doubled, words = lost + found[0], doubled + found[1], words + found[2]
            for writer in writers:
                writer.begin(server)
            time.sleep(chance.uniform(0.1, 1.0))
            if number % 4 == 3:
                # One worker alone: the server begins another, and the writers go on by themselves.
                os.kill(chance.choice(server.workers()), signal.SIGKILL)
                eventually(lambda server=server: is_ready(server), 30)
            time.sleep(chance.uniform(0.1, 1.0))
        finally:
            server.kill()
            for writer in writers:
                writer.rest()
    with sqlite3.connect(f"file:{data}/runkey.db?mode=ro", uri=True) as raw:
        chunks = raw.execute("SELECT count(*) FROM history_chunks").fetchone()[0]
    server = start_server(data)
    try:
        found = ledger.compare(server)
        assert words + found[2] == []
        said = server.operate("doctor")
    finally:
        assert server.stop() == 0
    waited, worked = sorted(seconds_to_ready), sorted(cpu_to_ready)
    print(
        f"\n{rounds} rounds: {ledger.acknowledged_requests} requests and {ledger.acknowledged_rows} rows acknowledged, "
        f"{lost + found[0]} lost, {doubled + found[1]} doubled, {chunks} chunks folded; "
        f"ready after {waited[rounds // 2]:.2f} s (median; longest {waited[-1]:.2f}), {worked[rounds // 2]:.2f} s of CPU "
        f"(longest {worked[-1]:.2f})\n{said}"
    )
    assert (lost + found[0], doubled + found[1]) == (0, 0)
    assert ledger.wrong == []
    assert ledger.without_retry_after == 0
    assert ledger.acknowledged_requests > 10 * rounds
    assert chunks > 0
    # A bound for a loaded machine; the figure itself is printed above.
    assert waited[-1] < 30

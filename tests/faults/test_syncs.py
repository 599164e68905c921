"""Acknowledged means durable, as the system saw it: a good sync of the database's log lies between a request and its 2xx.

And when the disk fails to sync: nobody hears 2xx, and what was acknowledged before and after is there.
"""

import json
from pathlib import Path

import pytest
from ledgers import HISTORY, Connection, Ledger, Writer
from outside import eventually, start_server
from tracing import need_strace, read_calls, tracing

pytestmark = [pytest.mark.story, pytest.mark.timeout(3_600)]

REQUESTS = 200


def test_a_good_sync_lies_between_every_request_and_its_2xx(tmp_path: Path) -> None:
    need_strace()
    trace = tmp_path / "trace"
    server = start_server(tmp_path / "data")
    try:
        key = server.key("mira")
        connection = Connection(server.url, key)
        opened = {"query": 'mutation { upsertBucket(input: {name: "r", modelName: "p"}) { inserted } }'}
        assert connection.send("POST", "/graphql", json.dumps(opened).encode())[0] == 200
        acknowledged = 0
        (worker,) = server.workers()
        with tracing(worker, "read,recvfrom,recvmsg,readv,write,writev,sendto,sendmsg,fsync,fdatasync", trace):
            for number in range(REQUESTS):
                body = {"files": {HISTORY: {"offset": number, "content": [json.dumps({"_step": number, "mark": f"mark-{number}."})]}}}
                acknowledged += connection.send("POST", "/files/mira/p/r/file_stream", json.dumps(body).encode())[0] == 200
        connection.close()
    finally:
        server.stop()
    assert acknowledged == REQUESTS
    # The way of one request: read, synced, answered; each step counts only after the one before it.
    stage, waiting_for, good_ways = "read", 0, 0
    for call in read_calls(trace):
        if stage == "read" and call.name in ("read", "recvfrom", "recvmsg", "readv") and f"mark-{waiting_for}." in call.arguments:
            stage = "sync"
        elif stage == "sync" and call.name in ("fsync", "fdatasync") and call.is_good and "/runkey.db-wal>" in call.arguments:
            stage = "answer"
        elif call.name in ("write", "writev", "sendto", "sendmsg") and "HTTP/1.1 200" in call.arguments and stage != "read":
            assert stage == "answer", f"request {waiting_for} was answered before its sync: {call}"
            stage, waiting_for, good_ways = "read", waiting_for + 1, good_ways + 1
    print(f"\n{good_ways} of {REQUESTS} acknowledgements with a good sync before them")
    assert good_ways == REQUESTS


def test_a_sync_that_fails_is_never_acknowledged(tmp_path: Path, rounds: int) -> None:
    times = max(1, rounds // 2)
    need_strace()
    server = start_server(tmp_path / "data")
    ledger = Ledger("mira", "faults", server.key("mira"))
    writers = [Writer(ledger, number, 2, number) for number in range(4)]
    failed_syncs, while_failing = 0, 0
    try:
        for number in range(times):
            for writer in writers:
                writer.begin(server)
            before = ledger.acknowledged_requests
            eventually(lambda before=before: _has_grown(ledger, before, 20), 60)
            (worker,) = server.workers()
            trace = tmp_path / f"trace-{number}"
            with tracing(worker, "fsync,fdatasync", trace, fault="error=EIO"):
                # Requests may have been under way when it began; from the first failure on, none is acknowledged.
                turned_away = sum(ledger.turned_away.values())
                eventually(lambda turned_away=turned_away: _is_turned_away(ledger, turned_away, 8), 60)
                acknowledged = ledger.acknowledged_requests
                eventually(lambda turned_away=turned_away: _is_turned_away(ledger, turned_away, 24), 60)
                while_failing += ledger.acknowledged_requests - acknowledged
            calls = list(read_calls(trace))
            failed_syncs += sum(not call.is_good for call in calls)
            assert not any(call.is_good for call in calls if call.name in ("fsync", "fdatasync") and "-wal>" in call.arguments)
            if number % 2:
                # The disk is well again: the same server goes on by itself.
                before = ledger.acknowledged_requests
                eventually(lambda before=before: _has_grown(ledger, before, 20), 60)
            else:
                # Or it dies at that moment, and a new one reads what really was written.
                server.kill()
            for writer in writers:
                writer.rest()
            if not number % 2:
                server = start_server(tmp_path / "data")
            lost, doubled, words = ledger.compare(server)
            assert (lost, doubled, words) == (0, 0, [])
        assert server.stop() == 0
    finally:
        server.kill()
        for writer in writers:
            writer.rest()
    print(f"\n{times} rounds: {failed_syncs} syncs failed, {ledger.turned_away} turned away, {ledger.acknowledged_requests} acknowledged")
    assert failed_syncs >= times
    assert while_failing == 0
    assert ledger.wrong == []
    assert ledger.without_retry_after == 0


def _has_grown(ledger: Ledger, before: int, by: int) -> bool:
    return ledger.acknowledged_requests >= before + by


def _is_turned_away(ledger: Ledger, before: int, by: int) -> bool:
    return sum(ledger.turned_away.values()) >= before + by

"""A disk without a byte left: data is turned away for a while and never lost, people sign in, keys are shut out; room heals it."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledgers import Ledger, Writer
from outside import Server, eventually, start_server
from surfing import Surfer

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

MEBIBYTE = 1024 * 1024
VIEWER = {"query": "{ viewer { username } }"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 72 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=72m", "tmpfs", str(place)], capture_output=True, text=True)
    if done.returncode:
        reason = f"A disk of its own cannot be mounted here (that needs root): {done.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path, leave_bytes: int = 0) -> None:
    """Take what is left of a disk."""
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while free_bytes(path) > leave_bytes:
            file.write(b"\xff" * min(MEBIBYTE, max(4096, free_bytes(path) - leave_bytes)))


def free_bytes(path: Path) -> int:
    found = os.statvfs(path.parent)
    return found.f_bavail * found.f_frsize


def test_a_full_disk_turns_data_away_and_nothing_else(small_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data, stranger, second = small_disk / "data", small_disk / "stranger", small_disk / "second"
    # Not on the disk that is full: what cannot be said cannot be waited for.
    logs = tmp_path_factory.mktemp("logs")
    stranger.write_bytes(b"\xff" * 24 * MEBIBYTE)
    server = start_server(data, "--sign-up", "open", "--workers", "2", logs=logs)
    Surfer(server).sign_up("nora")
    stolen, stolen_id = server.key("nora"), json.loads(server.operate("key", "list", "--user", "nora", "--json"))["keys"][0]["id"]
    other = server.key("nora")
    ledger = Ledger("mira", "full", server.key("mira"))
    writers = [Writer(ledger, number, 2, number, padding=20_000) for number in range(4)]
    try:
        for writer in writers:
            writer.begin(server)
        # Full by its own data, with the reserve still there.
        eventually(lambda: sum(ledger.turned_away.values()) > 50, 120)
        assert (data / "reserve").stat().st_size == 16 * MEBIBYTE
        check_that_people_get_in_and_keys_are_shut_out(server, stolen, stolen_id)
        # And to the last byte, by something else.
        fill(second)
        turned_away = sum(ledger.turned_away.values())
        eventually(lambda: sum(ledger.turned_away.values()) > turned_away + 50, 60)
        eventually(lambda: Surfer(server).get("/signin").status == 200, 10)
        Surfer(server).sign_in("nora")
        revoke = {"query": "mutation { revokeApiKey(input: {}) { clientMutationId } }"}
        revoke = {"query": "mutation { revokeApiKey(input: {}) { apiKey { id } } }"}
        assert server.post("/graphql", revoke, other)[0] == 200
        eventually(lambda: server.post("/graphql", VIEWER, other)[0] == 401, 2)
        assert not (data / "reserve").exists()
        fill(second, 64 * 1024)
        taken = ledger.acknowledged_requests
        # A full disk is no reason not to begin.
        for writer in writers:
            writer.rest()
        server.kill()
        server = start_server(data, "--sign-up", "open", "--workers", "2", logs=logs)
        assert ledger.compare(server)[2] == []
        for writer in writers:
            writer.begin(server)
        turned_away = sum(ledger.turned_away.values())
        eventually(lambda: sum(ledger.turned_away.values()) > turned_away + 20, 60)
        assert ledger.acknowledged_requests == taken
        # Somebody makes room. Nobody touches the server.
        stranger.unlink()
        second.unlink()
        began = time.monotonic()
        eventually(lambda: ledger.acknowledged_requests > taken + 20, 60)
        healed_seconds = time.monotonic() - began
        assert (data / "reserve").stat().st_size == 16 * MEBIBYTE
        for writer in writers:
            writer.rest()
        lost, doubled, words = ledger.compare(server)
        said = server.operate("doctor")
    finally:
        for writer in writers:
            writer.rest()
        server.stop()
    print(
        f"\n{ledger.acknowledged_requests} requests acknowledged, turned away {ledger.turned_away}, {lost} lost, {doubled} doubled, "
        f"data taken again {healed_seconds:.1f} s after there was room\n{said}"
    )
    assert (lost, doubled, words) == (0, 0, [])
    assert ledger.wrong == []
    assert ledger.without_retry_after == 0
    assert ledger.turned_away.keys() <= {503, 507}


def check_that_people_get_in_and_keys_are_shut_out(server: Server, key: str, key_id: str) -> None:
    Surfer(server).sign_in("nora")
    assert server.post("/graphql", VIEWER, key)[0] == 200
    server.operate("key", "revoke", key_id)
    eventually(lambda: server.post("/graphql", VIEWER, key)[0] == 401, 2)

"""Bodies, hosts, rates: the HTTP kit by itself."""

import asyncio
from typing import Any

import pytest
from house import House

from runkey_server import tokens
from runkey_server.app import _repeat_async
from runkey_server.asgi import requests
from runkey_server.asgi.failures import STATUS
from runkey_server.asgi.hosts import Hosts
from runkey_server.asgi.rates import RateLimit
from runkey_server.errors import Code, Error
from runkey_server.settings import parse_public_url


def scope(client: str = "10.0.0.9", **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (client, 1), "headers": pairs}


def pieces(*bodies: bytes, wait: float = 0.0, then: str = "http.request") -> Any:
    waiting = list(bodies)

    async def receive() -> dict[str, Any]:
        if wait:
            await asyncio.sleep(wait)
        if not waiting:
            return {"type": "http.disconnect"}
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting) or then != "http.request"}

    return receive


def read(receive: Any, max_bytes: int, **headers: str) -> bytes:
    return asyncio.run(requests.read_body(scope(**headers), receive, max_bytes))


def test_bodies_in_one_piece_and_in_many() -> None:
    assert read(pieces(b"abc"), 3) == b"abc"
    assert read(pieces(b"a", b"", b"bc"), 3) == b"abc"
    assert read(pieces(b""), 0) == b""


def test_a_body_that_is_too_large() -> None:
    for receive, headers in ((pieces(b"abcd"), {}), (pieces(b"ab", b"cd"), {}), (pieces(), {"content_length": "4"})):
        with pytest.raises(Error) as refusal:
            read(receive, 3, **headers)
        assert refusal.value.code == "too_large"


def test_a_client_that_goes_away() -> None:
    with pytest.raises(requests.Disconnected):
        read(pieces(b"a", then="gone"), 10)


def test_a_body_that_comes_too_slowly_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "GRACE_SECONDS", 0.05)
    with pytest.raises(Error) as silent:
        read(pieces(b"a", b"b", b"c", wait=0.2), 10)
    monkeypatch.setattr(requests, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(requests, "MIN_BYTES_PER_SECOND", 1_000_000)
    with pytest.raises(Error) as slow:
        read(pieces(*[b"a"] * 50, wait=0.02), 100)
    for refusal in (silent, slow):
        assert (refusal.value.code, refusal.value.retry_after_seconds) == ("unavailable", 5)


@pytest.mark.parametrize(
    ("base_url", "is_set", "host", "answer"),
    [
        ("http://127.0.0.1:8080", False, "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", False, "localhost:9000", "http://localhost:9000"),
        ("http://127.0.0.1:8080", False, "[::1]:8080", "http://[::1]:8080"),
        ("http://127.0.0.1:8080", False, "evil.example", None),
        ("http://10.0.0.5:8080", False, "10.0.0.5:8080", "http://10.0.0.5:8080"),
        ("https://track.example.org", True, "track.example.org", "https://track.example.org"),
        ("https://track.example.org", True, "TRACK.example.org:443", "https://track.example.org"),
        ("https://track.example.org", True, "127.0.0.1", None),
        ("https://track.example.org", True, "track.example.org.evil.example", None),
        ("https://track.example.org", True, "", None),
        ("https://track.example.org", True, "[", None),
    ],
)
def test_hosts(base_url: str, is_set: bool, host: str, answer: str | None) -> None:
    hosts = Hosts(base_url, is_public_url_set=is_set, trusted_proxies=())
    if answer is None:
        with pytest.raises(Error) as refusal:
            hosts.base_url_for(scope(host=host)) and hosts.check(scope(host=host))
        assert refusal.value.code == "misdirected"
    else:
        hosts.check(scope(host=host))
        assert hosts.base_url_for(scope(host=host)) == answer


@pytest.mark.holds("ASVS 4.1.3")
@pytest.mark.holds("ASVS 15.3.4")
@pytest.mark.parametrize(
    ("client", "forwarded", "seen"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "evil\n, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, evil", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_who_asks_through_a_proxy(client: str, forwarded: str, seen: str) -> None:
    hosts = Hosts("https://x.org", is_public_url_set=True, trusted_proxies=("10.0.0.1", "10.0.0.2"))
    assert hosts.client_of(scope(client, x_forwarded_for=forwarded)) == seen
    # A proxy may add a line of its own below the one that came: all lines are one list.
    lines = [(b"x-forwarded-for", part.strip().encode()) for part in ("203.0.113.99", *forwarded.split(","))]
    assert hosts.client_of(scope(client) | {"headers": lines}) == (seen if forwarded else client)


def test_rates_are_counted_for_each_key() -> None:
    rate = RateLimit(per_second=10.0)
    for _ in range(11):
        rate.take("a")
    with pytest.raises(Error) as refusal:
        [rate.take("a") for _ in range(3)]
    assert (refusal.value.code, refusal.value.retry_after_seconds) == ("too_many", 1)
    rate.take("b")


def test_every_code_has_a_status_and_what_passes_is_never_final() -> None:
    from typing import get_args

    assert set(STATUS) == set(get_args(Code))
    final = {400, 401, 403, 404, 409, 410, 413, 422, 501}
    assert STATUS["unavailable"] not in final
    assert STATUS["too_many"] not in final
    assert STATUS["internal"] not in final


@pytest.mark.parametrize(
    ("change", "is_only"),
    [
        ({}, True),
        ({"client": ("::1", 1)}, True),
        ({"client": ("::ffff:127.0.0.1", 1)}, True),
        ({"http_version": "1.0"}, False),
        ({"client": ("192.0.2.7", 1)}, False),
        ({"client": None}, False),
        ({"headers": [(b"host", b"localhost"), (b"x-real-ip", b"127.0.0.1")]}, False),
    ],
)
def test_what_only_this_computer_can_have_sent(change: dict[str, Any], is_only: bool) -> None:
    """A proxy with no setting but where to pass requests on speaks HTTP/1.0 and adds no header field."""
    hosts = Hosts("http://127.0.0.1:8080", is_public_url_set=False, trusted_proxies=())
    asked = scope("127.0.0.1", host="localhost:8080") | {"http_version": "1.1"} | change
    assert hosts.is_loopback_only(asked) is is_only


@pytest.mark.holds("ASVS 14.2.1")
def test_what_looks_like_a_secret_is_not_written_down(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    person = house.person("mira")
    secrets = [person.secret, person.secret[:20], tokens.mint_token(), "f" * 40, "BCDF-GHJK", "BCDFG-HJKLM"]
    for secret in secrets:
        house.client.get(f"/{secret}")
        house.client.get(f"/mira/p/runs/{secret}/")
        house.client.get(f"/claim%23{secret}")
    house.client.get("/mira/nightly-run-of-the-2nd/runs/BCDFGHJK")
    written = "\n".join(record.getMessage() for record in caplog.records if record.name == "runkey_server.access")
    assert [secret for secret in secrets if secret in written] == []
    assert "/mira/nightly-run-of-the-2nd/runs/BCDFGHJK" in written


def test_a_task_that_is_repeated_outlives_a_fault() -> None:
    turns = []

    async def act() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise ZeroDivisionError
        if len(turns) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(_repeat_async(act, 0))
    assert turns == [0, 1, 2]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://track.example.org:443", "https://track.example.org"),
        ("https://Track.Example.org:0443/", "https://track.example.org"),
        ("http://track.example.org:80", "http://track.example.org"),
        ("http://track.example.org:", "http://track.example.org"),
        ("http://track.example.org:443", "http://track.example.org:443"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]"),
        ("https://[2001:db8::443]", "https://[2001:db8::443]"),
        ("https://track.example.org:8443", "https://track.example.org:8443"),
    ],
)
def test_a_public_url_is_written_as_browsers_write_it(given: str, kept: str) -> None:
    assert parse_public_url(given) == kept

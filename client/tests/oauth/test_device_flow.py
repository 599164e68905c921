"""The device code's client half (RFC 8628), without any I/O: what comes back, and what is done next, as pairs."""

import pytest

from runkey.errors import AuthenticationError, ConnectionFailed, ServerError
from runkey.oauth.device_flow import Denied, DeviceFlow, Expired
from runkey.oauth.endpoints import Refusal

CODES = {
    "device_code": "the device code",
    "user_code": "BCDF-GHJK",
    "verification_uri": "https://track.example.org/device",
    "verification_uri_complete": "https://track.example.org/device?user_code=BCDF-GHJK",
    "expires_in": 600,
    "interval": 5,
}
PENDING, HELD, SLOWER = Refusal("authorization_pending"), Refusal("authorization_pending", held=True), Refusal("slow_down")
GONE, BUSY = ConnectionFailed("Nothing answers.", "connect"), ServerError("Busy.", status=503)
LATER, LIMITED = ServerError("Busy.", status=503, retry_after_seconds=7), ServerError("Slower.", status=429, retry_after_seconds=3)


def walk(*steps: "tuple[Exception, float]", **more: object) -> DeviceFlow:
    """Take a new login through what comes back; each time the pause must be the one that is expected."""
    flow = DeviceFlow(CODES | more, now=1000.0)
    for number, (error, pause) in enumerate(steps):
        assert flow.pause_after(error) == pause, (number, error)
    return flow


@pytest.mark.holds("RFC 8628 3.2")
def test_the_codes_are_read() -> None:
    flow = walk()
    assert (flow.user_code, flow.uri, flow.ends_at) == ("BCDF-GHJK", "https://track.example.org/device", 1600.0)
    assert flow.uri_with_code == CODES["verification_uri_complete"]
    assert flow.device_code.reveal() == "the device code"
    assert "the device code" not in repr(flow.device_code) + str(vars(flow))
    # Both are optional (section 3.2): five seconds, and the address without the code.
    bare = DeviceFlow({name: CODES[name] for name in ("device_code", "user_code", "verification_uri", "expires_in")}, now=0.0)
    assert bare.uri_with_code == bare.uri
    assert bare.pause_after(PENDING) == 5.0


@pytest.mark.holds("RFC 8628 3.5")
@pytest.mark.parametrize(
    "steps",
    [
        [(PENDING, 5.0), (PENDING, 5.0), (PENDING, 5.0)],
        # A server that held the request is asked again at once.
        [(HELD, 0.0), (HELD, 0.0), (PENDING, 5.0), (HELD, 0.0)],
        # slow_down adds five seconds, each time, and they stay.
        [(SLOWER, 10.0), (PENDING, 10.0), (SLOWER, 15.0), (SLOWER, 20.0), (PENDING, 20.0)],
        # No answer: longer each time, at most half a minute, and from the beginning once one has come.
        [(GONE, 1.0), (GONE, 2.0), (GONE, 4.0), (GONE, 8.0), (GONE, 16.0), (GONE, 16.0)],
        [(GONE, 1.0), (GONE, 2.0), (PENDING, 5.0), (GONE, 1.0)],
        [(BUSY, 1.0), (BUSY, 2.0), (LATER, 7.0), (LIMITED, 3.0)],
        # Not being answered for a while changes nothing of what was said before.
        [(SLOWER, 10.0), (GONE, 1.0), (PENDING, 10.0)],
    ],
)
def test_it_waits_as_it_is_told(steps: "list[tuple[Exception, float]]") -> None:
    walk(*steps)


@pytest.mark.holds("RFC 8628 3.5")
def test_the_servers_interval_counts() -> None:
    walk((PENDING, 9.0), (SLOWER, 14.0), (PENDING, 14.0), interval=9)


@pytest.mark.holds("RFC 8628 3.5")
def test_it_asks_to_be_held_only_where_that_works() -> None:
    flow = walk()
    assert flow.holds
    for error, holds in ((HELD, True), (PENDING, False), (HELD, True), (SLOWER, False)):
        flow.pause_after(error)
        assert flow.holds is holds


@pytest.mark.holds("RFC 8628 3.5")
@pytest.mark.parametrize(
    ("error", "end"),
    [
        (Refusal("access_denied"), Denied),
        (Refusal("expired_token"), Expired),
        (Refusal("invalid_grant"), Expired),
        # Anything else is not cured by asking again.
        (Refusal("invalid_client"), Refusal),
        (Refusal("invalid_request"), Refusal),
        (Refusal("unauthorized_client"), Refusal),
        (Refusal("something new"), Refusal),
        (ServerError("No such page.", status=404), ServerError),
        (ServerError("Not JSON."), ServerError),
        (AuthenticationError("No."), AuthenticationError),
        (KeyError("x"), KeyError),
    ],
)
def test_it_ends_where_asking_again_is_of_no_use(error: Exception, end: type[Exception]) -> None:
    for before in ([], [(PENDING, 5.0)], [(GONE, 1.0)]):
        flow = walk(*before)
        with pytest.raises(end):
            flow.pause_after(error)


@pytest.mark.holds("RFC 8628 3.2")
@pytest.mark.parametrize(
    "change",
    [
        {"remove": "device_code"},
        {"remove": "user_code"},
        {"remove": "verification_uri"},
        {"remove": "expires_in"},
        {"expires_in": "soon"},
        {"expires_in": None},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": float("inf")},
        {"expires_in": 10**400},
        {"expires_in": float("nan")},
        {"interval": -5},
        {"interval": float("nan")},
        {"interval": 0.001},
        {"interval": "x"},
        # A notebook shows it as a link: what it leads to must be a page.
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "file:///etc/passwd"},
        {"verification_uri": "data:text/html,x"},
        {"verification_uri": ""},
        {"verification_uri": "https://x\x1b[2J"},
        {"verification_uri": "https://x\nRun this: rm -rf"},
        {"verification_uri_complete": "javascript:alert(1)"},
        {"verification_uri_complete": "//track.example.org"},
    ],
)
def test_an_answer_that_is_none_is_found(change: dict[str, object]) -> None:
    removed = change.pop("remove", None)
    answer = {name: value for name, value in (CODES | change).items() if name != removed}
    with pytest.raises((KeyError, TypeError, ValueError)):
        DeviceFlow(answer, now=0.0)

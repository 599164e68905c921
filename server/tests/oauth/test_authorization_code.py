"""The authorization code over a loopback redirect: RFC 6749, 7636, 8252, 9207, 9700, one test a line."""

import base64
import hashlib
import urllib.parse

import pytest
from house import House, Visitor
from outside import eventually

from runkey_server import accounts
from runkey_server.oauth.authorization_code import is_loopback_redirect

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REQUEST = {
    "response_type": "code",
    "client_id": "runkey",
    "redirect_uri": "http://127.0.0.1:49152/callback",
    "state": "the state",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "machine_name": "laptop",
}


@pytest.fixture
def mira(house: House) -> Visitor:
    return house.visitor().sign_up("mira")


def address(**more: str) -> str:
    return "/oauth/authorize?" + urllib.parse.urlencode({**REQUEST, **more})


def answer_of(response: object) -> dict[str, str]:
    location = response.headers["location"]
    assert location.startswith("http://127.0.0.1:49152/callback?"), location
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))


def get_code(visitor: Visitor, **more: str) -> dict[str, str]:
    return answer_of(visitor.post("/oauth/authorize", at=address(**more), decision="approve", **{**REQUEST, **more}))


def redeem(house: House, code: str, /, **more: str) -> "tuple[int, dict]":
    form = {
        "client_id": "runkey",
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REQUEST["redirect_uri"],
        "code_verifier": VERIFIER,
    }
    answer = house.client.post("/oauth/token", data=form | more)
    return answer.status_code, answer.json()


@pytest.mark.holds("RFC 8252 8.10")
@pytest.mark.holds("RFC 8252 8.1")
def test_from_the_page_to_the_key(house: House, mira: Visitor) -> None:
    page = mira.get(address())
    assert page.status_code == 200
    assert "Let this machine in?" in page.text
    assert "laptop" in page.text
    answer = get_code(mira)
    assert answer["state"] == "the state"
    assert answer["iss"] == "http://127.0.0.1:8080"
    status, joined = redeem(house, answer["code"])
    assert status == 200
    assert joined["account"] == "mira"
    assert joined["access_token"].startswith("rkm_")


@pytest.mark.holds("RFC 8252 8.6")
def test_opening_the_address_decides_nothing(house: House, mira: Visitor) -> None:
    for path in (address(), address(decision="approve")):
        page = mira.get(path)
        assert page.status_code == 200
        assert "location" not in page.headers


def test_saying_no(house: House, mira: Visitor) -> None:
    answer = answer_of(mira.post("/oauth/authorize", at=address(), decision="deny", **REQUEST))
    assert answer["error"] == "access_denied"
    assert answer["state"] == "the state"
    assert "code" not in answer


def test_nobody_signed_in_is_asked_to_sign_in_and_comes_back(house: House) -> None:
    answer = house.visitor().get(address())
    assert answer.status_code == 303
    assert urllib.parse.unquote(answer.headers["location"]).startswith("/signin?next=/oauth/authorize?")


@pytest.mark.holds("ASVS 7.5.3")
def test_a_stale_sign_in_must_give_the_password(house: House, mira: Visitor) -> None:
    house.clock.advance(minutes=6)
    answer = mira.post("/oauth/authorize", at=address(), decision="approve", password="a wrong guess of mine", **REQUEST)
    assert answer.status_code == 403
    assert "location" not in answer.headers
    # What was typed does not come back, and nothing that came with the request takes the place of the form's own token.
    assert "a wrong guess of mine" not in answer.text
    page = mira.get(address() + "&form_token=theirs&decision=approve")
    assert page.text.count('name="form_token"') == 1 + page.text.count('action="/signout"')
    assert "theirs" not in page.text


@pytest.mark.holds("RFC 8252 8.4")
@pytest.mark.holds("ASVS 3.7.2")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152/callback/",
        "http://127.0.0.1:49152/callback?x=1",
        "http://127.0.0.1:49152/callback#x",
        "http://127.0.0.1/callback",
        "https://127.0.0.1:49152/callback",
        "http://localhost:49152/callback",
        "http://127.0.0.2:49152/callback",
        "http://127.1:49152/callback",
        "http://2130706433:49152/callback",
        "http://user@127.0.0.1:49152/callback",
        "http://127.0.0.1:49152@evil.example/callback",
        "http://127.0.0.1.evil.example:49152/callback",
        "http://[::1]:x/callback",
        "http://[::1]:49152@evil.example/callback",
        "http://127.0.0.1:049152/callback",
        "http://127.0.0.1:99999/callback",
        "javascript:alert(1)",
        "http://127.0.0.1:49152/callback\r\nX: y",
        "HTTP://127.0.0.1:49152/callback",
    ],
)
def test_any_other_redirect_is_answered_here_and_goes_nowhere(house: House, mira: Visitor, uri: str) -> None:
    assert not is_loopback_redirect(uri)
    answer = mira.get(address(redirect_uri=uri))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.holds("RFC 8252 7.3")
@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://[::1]:49152/callback"])
def test_any_port_of_both_loopback_addresses(house: House, mira: Visitor, uri: str) -> None:
    answer = mira.post("/oauth/authorize", at=address(redirect_uri=uri), decision="approve", **{**REQUEST, "redirect_uri": uri})
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["location"]).query))["code"]
    assert redeem(house, code, redirect_uri=uri)[0] == 200


def test_an_unknown_client_is_answered_here(house: House, mira: Visitor) -> None:
    assert mira.get(address(client_id="other")).status_code == 400


@pytest.mark.holds("RFC 8252 6")
@pytest.mark.holds("RFC 8252 8.9")
@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
    ],
)
def test_any_other_mistake_goes_back_to_the_program(house: House, mira: Visitor, more: dict, error: str) -> None:
    answer = answer_of(mira.get(address(**more)))
    assert answer["error"] == error
    assert answer["iss"] == "http://127.0.0.1:8080"


@pytest.mark.holds("RFC 8252 8.1")
@pytest.mark.holds("RFC 8252 8.4")
@pytest.mark.parametrize(
    "more",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": CHALLENGE},
        {"code_verifier": "v" * 42},
        {"code_verifier": "v" * 129},
        {"redirect_uri": "http://127.0.0.1:49153/callback"},
        {"redirect_uri": "http://[::1]:49152/callback"},
    ],
)
def test_what_does_not_fit_the_code_gets_nothing(house: House, mira: Visitor, more: dict) -> None:
    code = get_code(mira)["code"]
    assert redeem(house, code, **more)[1]["error"] == "invalid_grant"


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
def test_what_is_missing_is_named(house: House, mira: Visitor, missing: str) -> None:
    status, answer = redeem(house, get_code(mira)["code"], **{missing: ""})
    assert (status, answer["error"]) == (400, "invalid_request")
    assert missing in answer["error_description"]


def test_a_code_that_comes_twice_ends_the_key_it_gave(house: House, mira: Visitor) -> None:
    code = get_code(mira)["code"]
    joined = redeem(house, code)[1]
    assert house.graphql(joined["access_token"], "{ viewer { username } }").status_code == 200
    assert redeem(house, code)[1]["error"] == "invalid_grant"
    import time

    time.sleep(0.5)
    assert house.graphql(joined["access_token"], "{ viewer { username } }").status_code == 401


def test_a_code_lives_a_minute(house: House, mira: Visitor) -> None:
    code = get_code(mira)["code"]
    house.clock.advance(seconds=61)
    assert redeem(house, code)[1]["error"] == "invalid_grant"


@pytest.mark.holds("ASVS 3.4.6")
def test_the_page_cannot_be_framed_and_posts_only_to_us_and_the_program(house: House, mira: Visitor) -> None:
    policy = mira.get(address()).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:49152" in policy
    assert "unsafe-inline" not in policy
    assert "http:" not in mira.get("/device").headers["content-security-policy"]


def test_a_redirect_after_a_post_turns_into_a_get(house: House, mira: Visitor) -> None:
    assert mira.post("/oauth/authorize", at=address(), decision="approve", **REQUEST).status_code == 303


@pytest.mark.holds("RFC 7009 2.1")
def test_a_code_can_be_ended_and_what_it_gave(house: House, mira: Visitor) -> None:
    unspent = get_code(mira)["code"]
    assert house.client.post("/oauth/revoke", data={"token": unspent}).status_code == 200
    assert redeem(house, unspent)[1]["error"] == "invalid_grant"
    spent = get_code(mira)["code"]
    key = redeem(house, spent)[1]["access_token"]
    assert house.client.post("/oauth/revoke", data={"token": spent}).status_code == 200
    eventually(lambda: house.graphql(key, "{ viewer { username } }").status_code == 401, 2.0)


def test_a_code_from_before_another_password_is_worth_nothing(house: House, mira: Visitor) -> None:
    code = get_code(mira)["code"]
    house.clock.advance(seconds=5)
    with house.database.writing() as transaction:
        link = accounts.issue_link(transaction, accounts.RESET, at=house.clock(), account=accounts.get_account(transaction, "mira"))
    accounts.redeem_sign_in(house.database, link, "six brown herons at dawn", house.clock())
    assert redeem(house, code)[1]["error"] == "access_denied"


def test_a_program_that_was_here_before_is_shown_as_what_it_renews(house: House, mira: Visitor) -> None:
    assert "Takes the place of" not in mira.get(address()).text
    joined = redeem(house, get_code(mira)["code"])[1]
    again = mira.get(address(machine_id=joined["machine_id"], machine_name="other name"))
    assert "Takes the place of" in again.text
    assert "laptop" in again.text
